#include "io/checkpoint_writer.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "io/companion_files.hpp"
#include "io/earlier_output.hpp"
#include "io/growing_shard.hpp"
#include "io/output_directory.hpp"
#include "io/run_identity.hpp"

namespace plimsoll::io {
namespace {

constexpr std::string_view index_name = "model.safetensors.index.json";
constexpr std::string_view config_name = "config.json";
constexpr std::string_view generation_config_name = "generation_config.json";

bool is_same_directory(const std::string& a, const std::string& b) {
  std::error_code none_there;
  return std::filesystem::equivalent(a, b, none_there);
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

/// The source must survive whatever happens to the output.
Expected<void> check_apart_from_source(const CheckpointWriterOptions& options) {
  bool same = !options.source_directory.empty() &&
              is_same_directory(options.source_directory, options.directory);
  for (const SourceFile& file : options.sources) {
    // Where the name stands, and where a link leads: removing either file would lose the source.
    std::error_code unknown;
    const auto target = std::filesystem::canonical(file.path, unknown);
    same = same || is_same_directory(parent_of(file.path), options.directory) ||
           (!unknown && is_same_directory(target.parent_path(), options.directory));
  }
  if (!same) return {};
  return fail(ErrorCode::invalid_argument, "the output would replace the source it is made from",
              options.directory);
}

class DirectoryWriter final : public CheckpointWriter {
 public:
  DirectoryWriter(OutputDirectory directory, ShardLayout layout, std::vector<StoredTensor> tensors,
                  CheckpointWriterOptions options)
      : directory_(std::move(directory)),
        layout_(std::move(layout)),
        tensors_(std::move(tensors)),
        options_(std::move(options)),
        identity_(options_.fingerprint, layout_, options_.config_json) {}

  ~DirectoryWriter() override {
    if (!ended_) clean_up();
  }

  Expected<void> prepare();

  bool is_finished(std::uint32_t shard) const noexcept override {
    return shard < finished_.size() && finished_[shard];
  }
  Expected<void> write(std::uint32_t shard, std::uint64_t offset,
                       std::span<const std::byte> bytes) override;
  void set_true_bytes(std::uint32_t tensor, std::uint64_t bytes) override;
  Expected<void> finish_shard(std::uint32_t shard) override;
  Expected<void> finish() override;
  std::uint64_t bytes_written() const noexcept override { return bytes_written_; }

 private:
  [[nodiscard]] bool is_single() const { return layout_.shards.size() == 1; }
  /// What a finished shard is called until finish().
  [[nodiscard]] std::string finished_name(std::size_t shard) const {
    const std::string& name = layout_.shards[shard].name;
    return is_single() ? waiting_name(name) : name;
  }

  Expected<void> check_space(const EarlierOutput& earlier) const;
  Expected<void> clear(const EarlierOutput& earlier);
  Expected<void> reserve();
  Expected<void> complete();
  void clean_up() noexcept;

  /// Keeps the first error: nothing may be finished after it.
  Expected<void> keep(Expected<void> result);
  Expected<void> first_error();

  OutputDirectory directory_;
  ShardLayout layout_;
  std::vector<StoredTensor> tensors_;
  CheckpointWriterOptions options_;
  RunIdentity identity_;
  std::vector<CompanionFile> companions_;
  std::vector<std::unique_ptr<GrowingShard>> shards_;
  std::vector<std::uint64_t> true_bytes_;
  std::vector<std::atomic<bool>> finished_;
  bool was_complete_ = false;  ///< an earlier run ended well; only its manifest may be left
  bool changed_ = false;       ///< this run wrote into the directory
  bool ended_ = false;
  std::atomic<std::uint64_t> bytes_written_ = 0;
  std::mutex error_mutex_;
  std::optional<Error> error_;
};

Expected<void> DirectoryWriter::check_space(const EarlierOutput& earlier) const {
  std::uint64_t needed = 0;
  for (std::size_t s = 0; s < layout_.shards.size(); ++s) {
    if (earlier.finished[s].empty()) needed += layout_.shards[s].bytes;
  }
  std::uint64_t freed = 0;
  for (const auto& entry : earlier.remove) freed += entry.disk_bytes;
  const std::uint64_t free = directory_.free_bytes();
  if (needed <= free || needed - free <= freed) return {};
  return fail(ErrorCode::disk_full,
              "the output needs " + std::to_string(needed) + " bytes of disk space and " +
                  std::to_string(free + freed) + " are free",
              directory_.path());
}

Expected<void> DirectoryWriter::clear(const EarlierOutput& earlier) {
  changed_ = true;
  if (earlier.clears) {
    const RunManifest clearing{true, identity_.lines()};
    auto said = directory_.put(manifest_name, manifest_text(clearing));
    if (said) said = directory_.sync();
    if (!said) return said;
  }
  if (earlier.set_back) {
    auto set_back = directory_.rename(layout_.shards[0].name, earlier.finished[0]);
    if (!set_back) return set_back;
  }
  for (const auto& entry : earlier.remove) {
    if (auto removed = directory_.remove(entry.name); !removed) return removed;
  }
  auto said = directory_.sync();
  if (said) said = directory_.put(manifest_name, manifest_text({false, identity_.lines()}));
  if (said) said = directory_.sync();
  return said;
}

Expected<void> DirectoryWriter::reserve() {
  for (std::size_t s = 0; s < shards_.size(); ++s) {
    if (finished_[s]) continue;
    if (auto reserved = shards_[s]->reserve(); !reserved) return reserved;
  }
  return {};
}

Expected<void> DirectoryWriter::prepare() {
  if (!options_.source_directory.empty()) {
    auto companions = find_companions(options_.source_directory, options_.sources, directory_);
    if (!companions) return fail(companions.error());
    companions_ = std::move(*companions);
  }
  auto earlier = examine_output(directory_, layout_, tensors_, identity_, options_);
  if (!earlier) return fail(earlier.error());
  if (auto fits = check_space(*earlier); !fits) return fits;

  was_complete_ = earlier->complete;
  true_bytes_ = std::move(earlier->true_bytes);
  finished_ = std::vector<std::atomic<bool>>(layout_.shards.size());
  for (std::size_t s = 0; s < layout_.shards.size(); ++s) {
    finished_[s] = !earlier->finished[s].empty();
    shards_.push_back(std::make_unique<GrowingShard>(directory_, layout_.shards[s]));
  }
  auto prepared = clear(*earlier);
  if (prepared) prepared = reserve();
  return prepared;
}

Expected<void> DirectoryWriter::keep(Expected<void> result) {
  if (!result) {
    const std::lock_guard lock(error_mutex_);
    if (!error_) error_ = result.error();
  }
  return result;
}

Expected<void> DirectoryWriter::first_error() {
  const std::lock_guard lock(error_mutex_);
  if (error_) return fail(*error_);
  return {};
}

Expected<void> DirectoryWriter::write(std::uint32_t shard, std::uint64_t offset,
                                      std::span<const std::byte> bytes) {
  if (shard >= shards_.size() || finished_[shard]) {
    return keep(
        fail(ErrorCode::internal, "a write to a shard that is finished", directory_.path()));
  }
  auto written = shards_[shard]->write(offset, bytes);
  if (written) bytes_written_ += bytes.size();
  return keep(std::move(written));
}

void DirectoryWriter::set_true_bytes(std::uint32_t tensor, std::uint64_t bytes) {
  if (tensor < tensors_.size() && tensors_[tensor].size_is_bound &&
      bytes <= tensors_[tensor].bytes) {
    true_bytes_[tensor] = bytes;
    return;
  }
  const std::string name = tensor < tensors_.size() ? tensors_[tensor].name : std::string();
  static_cast<void>(keep(
      fail(ErrorCode::internal, "a length beyond the tensor's bound", directory_.path(), name)));
}

Expected<void> DirectoryWriter::finish_shard(std::uint32_t shard) {
  if (auto sound = first_error(); !sound) return sound;
  if (is_finished(shard)) return {};
  if (shard >= shards_.size()) {
    return keep(fail(ErrorCode::internal, "there is no such shard", directory_.path()));
  }
  const ShardFile& file = layout_.shards[shard];
  auto done = shards_[shard]->finish(tensors_, layout_.places, true_bytes_, identity_.seal());
  if (done) done = directory_.rename(growing_name(file.name), finished_name(shard));
  if (done) {
    finished_[shard] = true;
    bytes_written_ += file.header.size();
    done = directory_.sync();
  }
  return keep(std::move(done));
}

Expected<void> DirectoryWriter::complete() {
  for (const CompanionFile& file : companions_) {
    const auto copied = copy_companion(file, directory_);
    if (!copied) return fail(copied.error());
    bytes_written_ += *copied;
  }
  if (!options_.generation_config_json.empty()) {
    auto put = directory_.put(generation_config_name, options_.generation_config_json);
    if (!put) return put;
    bytes_written_ += options_.generation_config_json.size();
  }
  if (!options_.config_json.empty()) {
    if (auto put = directory_.put(config_name, options_.config_json); !put) return put;
    bytes_written_ += options_.config_json.size();
  }
  // Whatever a reader starts from must not be on the disk before all it leads to.
  if (auto synced = directory_.sync(); !synced) return synced;
  if (is_single()) return directory_.rename(finished_name(0), layout_.shards[0].name);
  const std::string index = final_index(layout_, tensors_, true_bytes_);
  bytes_written_ += index.size();
  return directory_.put(index_name, index);
}

Expected<void> DirectoryWriter::finish() {
  if (ended_) return {};
  if (auto sound = first_error(); !sound) return sound;
  for (std::uint32_t s = 0; s < layout_.shards.size(); ++s) {
    if (!is_finished(s)) {
      return keep(fail(ErrorCode::internal, "finished before shard " + layout_.shards[s].name,
                       directory_.path()));
    }
  }
  Expected<void> done;
  if (!was_complete_) done = complete();
  if (done) done = directory_.sync();
  if (done) done = directory_.remove(manifest_name);
  if (done) done = directory_.sync();
  ended_ = done.has_value();
  return keep(std::move(done));
}

void DirectoryWriter::clean_up() noexcept {
  if (!changed_) {
    if (directory_.was_made()) directory_.remove_if_empty();
    return;
  }
  try {
    const auto entries = directory_.list();
    if (!entries) return;
    bool others = false;
    for (const auto& entry : *entries) {
      if (entry.name.starts_with(own_prefix) && entry.name.ends_with(".part")) {
        static_cast<void>(directory_.remove(entry.name));
      } else if (entry.name != manifest_name) {
        others = true;
      }
    }
    // Without a finished shard there is nothing to resume. Where other people's files stand, the
    // manifest still says what the directory is for.
    if (others) return;
    static_cast<void>(directory_.remove(manifest_name));
    if (directory_.was_made()) directory_.remove_if_empty();
  } catch (const std::bad_alloc&) {
    // The leftovers are temporaries; a resumed run removes them.
  }
}

}  // namespace

Expected<std::unique_ptr<CheckpointWriter>> CheckpointWriter::open(
    ShardLayout layout, std::vector<StoredTensor> tensors, CheckpointWriterOptions options) {
  if (layout.shards.empty() || layout.places.size() != tensors.size()) {
    return fail(ErrorCode::internal, "the layout is not one of these tensors", options.directory);
  }
  if (auto apart = check_apart_from_source(options); !apart) return fail(apart.error());
  auto directory = OutputDirectory::open(options.directory);
  if (!directory) return fail(directory.error());
  auto writer = std::make_unique<DirectoryWriter>(std::move(*directory), std::move(layout),
                                                  std::move(tensors), std::move(options));
  if (auto prepared = writer->prepare(); !prepared) return fail(prepared.error());
  return writer;
}

}  // namespace plimsoll::io
