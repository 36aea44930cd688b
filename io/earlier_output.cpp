#include "io/earlier_output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace plimsoll::io {
namespace {

constexpr std::string_view index_name = "model.safetensors.index.json";
constexpr std::string_view config_name = "config.json";
constexpr std::uint64_t manifest_limit = 16u << 20;

/// The first `limit` bytes of a regular file, its whole length and its seal.
struct FileHead {
  std::string text;
  std::uint64_t bytes = 0;
  std::string seal;
};

/// Nothing if there is no such regular file or it cannot be read.
std::optional<FileHead> read_head(const OutputDirectory& directory, const std::string& name,
                                  std::uint64_t limit) {
  const int descriptor = ::openat(directory.descriptor(), name.c_str(),
                                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  const OutputFile file(descriptor, directory.path_of(name));
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  FileHead head;
  head.bytes = static_cast<std::uint64_t>(status.st_size);
  head.seal = read_seal(descriptor);
  head.text.resize(std::min(head.bytes, limit));
  if (!file.read_back(std::as_writable_bytes(std::span(head.text)), 0)) return std::nullopt;
  return head;
}

bool has_text(const OutputDirectory& directory, std::string_view name, std::string_view text) {
  const auto head = read_head(directory, std::string(name), text.size());
  return head && head->bytes == text.size() && head->text == text;
}

/// Reads the bounded tensors' lengths out of a shard's header. False if they are not there.
bool read_true_bytes(std::string_view header, const ShardFile& shard,
                     const std::vector<StoredTensor>& tensors,
                     std::vector<std::uint64_t>& true_bytes) {
  const auto bounded = [&](std::uint32_t t) { return tensors[t].size_is_bound; };
  if (std::none_of(shard.tensors.begin(), shard.tensors.end(), bounded)) return true;
  constexpr std::size_t length_word = 8;
  const auto json = nlohmann::json::parse(header.substr(length_word), nullptr, false);
  if (!json.is_object()) return false;
  for (const std::uint32_t t : shard.tensors) {
    if (!bounded(t)) continue;
    const auto entry = json.find(tensors[t].name);
    if (entry == json.end() || !entry->is_object()) return false;
    const auto shape = entry->find("shape");
    if (shape == entry->end() || !shape->is_array() || shape->size() != 1) return false;
    if (!(*shape)[0].is_number_unsigned()) return false;
    const auto bytes = (*shape)[0].get<std::uint64_t>();
    if (bytes > tensors[t].bytes) return false;
    true_bytes[t] = bytes;
  }
  return true;
}

/// Whether the file is the shard by length and header; then takes over its bounded lengths.
bool is_shard(const FileHead& head, const ShardFile& shard,
              const std::vector<StoredTensor>& tensors, std::vector<std::uint64_t>& true_bytes) {
  if (head.text.size() != shard.header.size()) return false;
  std::vector<std::uint64_t> lengths = true_bytes;
  if (!read_true_bytes(head.text, shard, tensors, lengths)) return false;
  std::uint64_t bytes = shard.header.size();
  for (const std::uint32_t t : shard.tensors) bytes += lengths[t];
  if (bytes != head.bytes || final_header(shard, tensors, lengths) != head.text) return false;
  true_bytes = std::move(lengths);
  return true;
}

bool is_weights(const OutputDirectory::Entry& entry) {
  return entry.is_file && entry.name.ends_with(".safetensors") &&
         !entry.name.starts_with(own_prefix);
}

bool is_own(const OutputDirectory::Entry& entry) {
  return entry.is_file && entry.name.starts_with(own_prefix) && entry.name != manifest_name;
}

class Examination {
 public:
  Examination(const OutputDirectory& directory, const ShardLayout& layout,
              const std::vector<StoredTensor>& tensors, const RunIdentity& identity,
              std::vector<OutputDirectory::Entry> entries)
      : directory_(directory),
        layout_(layout),
        tensors_(tensors),
        identity_(identity),
        entries_(std::move(entries)) {
    found_.finished.resize(layout.shards.size());
    for (const StoredTensor& tensor : tensors) found_.true_bytes.push_back(tensor.bytes);
  }

  Expected<EarlierOutput> refuse() {
    if (entries_.empty()) return std::move(found_);
    const bool interrupted = std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) {
      return entry.name == manifest_name;
    });
    return exists(interrupted ? "holds an interrupted run: resume it, or replace it"
                              : "is there already and not empty");
  }

  Expected<EarlierOutput> replace() {
    found_.clears = !entries_.empty();
    remove_all_but_finished();
    return std::move(found_);
  }

  Expected<EarlierOutput> resume(std::string_view config) {
    const auto manifest = read_head(directory_, std::string(manifest_name), manifest_limit);
    if (manifest) {
      const auto parsed = parse_manifest(manifest->text);
      if (!parsed) return mismatch("the interrupted run is another version's");
      const std::string difference = identity_.difference(parsed->lines);
      if (!difference.empty()) {
        return mismatch("the interrupted run differs in: " + difference);
      }
      find_finished(!parsed->clearing);
      found_.clears = parsed->clearing;
    } else if (std::all_of(entries_.begin(), entries_.end(), is_own)) {
      // Empty, or an interruption before the manifest stood: nothing can be finished.
    } else if (auto ours = find_without_manifest(); !ours) {
      return fail(ours.error());
    }
    found_.complete = is_complete(config);
    if (!found_.complete) set_back_single_file();
    remove_all_but_finished();
    return std::move(found_);
  }

 private:
  tl::unexpected<Error> exists(std::string reason) const {
    return fail(ErrorCode::output_exists, std::move(reason), directory_.path());
  }
  tl::unexpected<Error> mismatch(std::string reason) const {
    return fail(ErrorCode::resume_mismatch, std::move(reason), directory_.path());
  }

  /// The shard's file under one of its two complete names, if it has the right length and header
  /// and its seal, or else `trusted`, says that it is this run's.
  void find_finished(bool trusted) {
    const bool single = layout_.shards.size() == 1;
    for (std::size_t s = 0; s < layout_.shards.size(); ++s) {
      const ShardFile& shard = layout_.shards[s];
      for (const std::string& name : {shard.name, waiting_name(shard.name)}) {
        if (name != shard.name && !single) continue;
        const auto head = read_head(directory_, name, shard.header.size());
        if (!head || !found_.finished[s].empty()) continue;
        if (head->seal.empty() ? !trusted : head->seal != identity_.seal()) continue;
        if (is_shard(*head, shard, tensors_, found_.true_bytes)) found_.finished[s] = name;
      }
    }
  }

  /// Without a manifest the directory has to show itself that it is this run's: every weight file
  /// bears the seal or, where seals are not kept, at least a shard's name, length and header.
  Expected<void> find_without_manifest() {
    bool any = false;
    for (const auto& entry : entries_) {
      if (!is_weights(entry)) continue;
      const auto shard =
          std::find_if(layout_.shards.begin(), layout_.shards.end(),
                       [&](const ShardFile& file) { return file.name == entry.name; });
      const std::uint64_t limit = shard == layout_.shards.end() ? 0 : shard->header.size();
      const auto head = read_head(directory_, entry.name, limit);
      if (head && !head->seal.empty() && head->seal != identity_.seal()) {
        return mismatch("holds a checkpoint made from another source or with other settings");
      }
      auto lengths = found_.true_bytes;
      if (!head || shard == layout_.shards.end() || !is_shard(*head, *shard, tensors_, lengths)) {
        return exists("holds another checkpoint, which cannot be resumed");
      }
      if (head->seal.empty()) found_.clears = true;
      any = true;
    }
    if (!any) return exists("is not empty and holds nothing that can be resumed");
    find_finished(false);
    return {};
  }

  bool is_complete(std::string_view config) const {
    for (std::size_t s = 0; s < layout_.shards.size(); ++s) {
      if (found_.finished[s] != layout_.shards[s].name) return false;
    }
    const std::string index = final_index(layout_, tensors_, found_.true_bytes);
    return (index.empty() || has_text(directory_, index_name, index)) &&
           (config.empty() || has_text(directory_, config_name, config));
  }

  /// A single file makes its directory look whole by its name.
  void set_back_single_file() {
    const std::string& name = layout_.shards[0].name;
    if (layout_.shards.size() != 1 || found_.finished[0] != name) return;
    found_.finished[0] = waiting_name(name);
    found_.set_back = true;
  }

  void remove_all_but_finished() {
    std::set<std::string_view> shard_names;
    for (const ShardFile& shard : layout_.shards) shard_names.insert(shard.name);
    std::set<std::string_view> kept(found_.finished.begin(), found_.finished.end());
    if (found_.set_back) kept.insert(layout_.shards[0].name);
    if (!found_.complete) remove_where([](const auto& entry) { return entry.name == index_name; });
    if (!found_.complete) remove_where([](const auto& entry) { return entry.name == config_name; });
    remove_where([&](const auto& entry) {
      return is_weights(entry) && !kept.contains(entry.name) &&
             (found_.clears || shard_names.contains(entry.name));
    });
    remove_where([&](const auto& entry) { return is_own(entry) && !kept.contains(entry.name); });
  }

  template <class Choice>
  void remove_where(Choice choice) {
    for (const auto& entry : entries_) {
      if (entry.is_file && choice(entry)) found_.remove.push_back(entry);
    }
  }

  const OutputDirectory& directory_;
  const ShardLayout& layout_;
  const std::vector<StoredTensor>& tensors_;
  const RunIdentity& identity_;
  std::vector<OutputDirectory::Entry> entries_;
  EarlierOutput found_;
};

}  // namespace

Expected<EarlierOutput> examine_output(const OutputDirectory& directory, const ShardLayout& layout,
                                       const std::vector<StoredTensor>& tensors,
                                       const RunIdentity& identity,
                                       const CheckpointWriterOptions& options) {
  auto entries = directory.list();
  if (!entries) return fail(entries.error());
  Examination examination(directory, layout, tensors, identity, std::move(*entries));
  switch (options.existing) {
    case ExistingOutput::refuse:
      return examination.refuse();
    case ExistingOutput::replace:
      return examination.replace();
    case ExistingOutput::resume:
      return examination.resume(options.config_json);
  }
  return fail(ErrorCode::internal, "an unknown way to treat existing output", directory.path());
}

}  // namespace plimsoll::io
