#include "io/gguf_writer.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "io/output_directory.hpp"
#include "io/output_file.hpp"
#include "io/run_identity.hpp"

namespace plimsoll::io {
namespace {

/// Bytes after which the kernel is asked to begin writing.
constexpr std::uint64_t writeback_bytes = std::uint64_t{32} << 20;

std::string path_in(const std::string& directory, const std::string& name) {
  if (directory.empty()) return name;
  return directory.back() == '/' ? directory + name : directory + '/' + name;
}

/// Whether `path` is the file that `descriptor` has open.
bool is_open_as(int descriptor, const std::string& path) {
  struct stat open_file {
  }, named{};
  return ::fstat(descriptor, &open_file) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/// One file on its way.
struct Part {
  const ShardFile* file = nullptr;
  std::string path;     ///< in the end
  std::string growing;  ///< until then
  bool grows = false;   ///< something of this run stands under that name
  OutputFile output;
  std::atomic<std::uint64_t> written = 0;
  std::atomic<std::uint64_t> unstarted = 0;
  std::atomic<bool> finished = false;
  bool was_there = false;  ///< an earlier run made it
};

class GgufWriter final : public CheckpointWriter {
 public:
  GgufWriter(ShardLayout layout, GgufWriterOptions options)
      : layout_(std::move(layout)),
        options_(std::move(options)),
        identity_(options_.fingerprint, layout_, "") {
    for (const ShardFile& file : layout_.shards) {
      auto part = std::make_unique<Part>();
      part->file = &file;
      part->path = path_in(options_.directory, file.name);
      part->growing = path_in(options_.directory, growing_name(file.name));
      parts_.push_back(std::move(part));
    }
  }

  ~GgufWriter() override {
    for (const auto& part : parts_) {
      if (part->grows) ::unlink(part->growing.c_str());
    }
  }

  Expected<void> prepare();

  bool is_finished(std::uint32_t shard) const noexcept override {
    return shard < parts_.size() && parts_[shard]->finished;
  }
  Expected<void> write(std::uint32_t shard, std::uint64_t offset,
                       std::span<const std::byte> bytes) override;
  void set_true_bytes(std::uint32_t, std::uint64_t) override {
    static_cast<void>(
        keep(fail(ErrorCode::internal, "a GGUF file has no bounded tensors", parts_[0]->path)));
  }
  Expected<void> finish_shard(std::uint32_t shard) override;
  Expected<void> finish() override;
  std::uint64_t bytes_written() const noexcept override { return bytes_written_; }

 private:
  Expected<void> check_apart_from_source() const;
  Expected<void> look_at_existing();
  Expected<void> check_space() const;
  Expected<void> take(Part& part) const;
  Expected<void> lock_out_others();
  Expected<void> grow(Part& part) const;
  Expected<void> complete(Part& part);
  Expected<void> rename(Part& part) const;
  Expected<void> sync() const;
  Expected<void> keep(Expected<void> result);
  Expected<void> first_error();

  ShardLayout layout_;
  GgufWriterOptions options_;
  RunIdentity identity_;
  std::vector<std::unique_ptr<Part>> parts_;
  /// Holds the lock on the first part's temporary file, and with it the run's, to the end.
  OutputFile lock_;
  bool first_waits_ = false;  ///< the first part is whole under its temporary name
  bool ended_ = false;
  std::atomic<std::uint64_t> bytes_written_ = 0;
  std::mutex error_mutex_;
  std::optional<Error> error_;
};

Expected<void> GgufWriter::check_apart_from_source() const {
  for (const auto& part : parts_) {
    for (const SourceFile& source : options_.sources) {
      std::error_code none_there;
      if (!std::filesystem::equivalent(part->path, source.path, none_there)) continue;
      return fail(ErrorCode::invalid_argument,
                  "the output would replace the source it is made from", part->path);
    }
  }
  return {};
}

Expected<void> GgufWriter::look_at_existing() {
  for (const auto& part : parts_) {
    struct stat status {};
    if (::lstat(part->path.c_str(), &status) != 0) continue;
    const bool is_file = S_ISREG(status.st_mode) || S_ISLNK(status.st_mode);
    if (!is_file || options_.existing == ExistingOutput::refuse) {
      return fail(ErrorCode::output_exists,
                  is_file ? "is there already; --force replaces it, --resume continues"
                          : "stands there and is not a file",
                  part->path);
    }
    if (options_.existing == ExistingOutput::replace) {
      if (parts_.size() > 1 && ::unlink(part->path.c_str()) != 0) {
        return fail(output_error(errno, "remove the file", part->path));
      }
      continue;
    }
    const OutputFile file(::open(part->path.c_str(), O_RDONLY | O_CLOEXEC), part->path);
    if (!file.is_open() || static_cast<std::uint64_t>(status.st_size) != part->file->bytes ||
        read_seal(file.descriptor()) != identity_.seal()) {
      return fail(ErrorCode::resume_mismatch, "is not what this run makes; --force replaces it",
                  part->path);
    }
    part->was_there = true;
    part->finished = true;
  }
  return {};
}

Expected<void> GgufWriter::check_space() const {
  std::uint64_t needed = 0;
  for (const auto& part : parts_) {
    if (!part->was_there) needed += part->file->bytes;
  }
  struct statvfs status {};
  if (::statvfs(options_.directory.empty() ? "." : options_.directory.c_str(), &status) != 0) {
    return {};
  }
  const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (needed <= free) return {};
  return fail(ErrorCode::disk_full,
              "the output needs " + std::to_string(needed) + " bytes of disk space and " +
                  std::to_string(free) + " are free",
              parts_[0]->path);
}

/// Opens a part's temporary file, and locks it.
Expected<void> GgufWriter::take(Part& part) const {
  while (true) {
    const int descriptor =
        ::open(part.growing.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0) {
      if (errno == ENOENT) {
        return fail(ErrorCode::not_found, "cannot be made: its directory does not exist",
                    part.path);
      }
      return fail(output_error(errno, "make the file", part.path));
    }
    OutputFile output(descriptor, part.path);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      return fail(ErrorCode::output_exists, "another run is writing this file", part.path);
    }
    // Another run may have renamed or removed it before it was locked.
    if (!is_open_as(descriptor, part.growing)) continue;
    part.output = std::move(output);
    part.grows = true;
    return {};
  }
}

/// Before anything is looked at or removed. The first part's name is that of the run: whoever
/// writes the same files writes that one, and it gets its name last.
Expected<void> GgufWriter::lock_out_others() {
  Part& first = *parts_[0];
  if (auto taken = take(first); !taken) return taken;
  lock_ = OutputFile(::fcntl(first.output.descriptor(), F_DUPFD_CLOEXEC, 0), first.path);
  if (lock_.is_open()) return {};
  return fail(output_error(errno, "lock the file", first.path));
}

Expected<void> GgufWriter::grow(Part& part) const {
  if (!part.grows) {
    if (auto taken = take(part); !taken) return taken;
  }
  // What an interrupted run left here is in the way of zeros between tensors.
  if (auto emptied = part.output.resize(0); !emptied) return emptied;
  return part.output.reserve(part.file->bytes);
}

Expected<void> GgufWriter::prepare() {
  if (auto apart = check_apart_from_source(); !apart) return apart;
  if (auto locked = lock_out_others(); !locked) return locked;
  if (auto looked = look_at_existing(); !looked) return looked;
  if (auto fits = check_space(); !fits) return fits;
  for (const auto& part : parts_) {
    if (part->was_there) continue;
    if (auto grown = grow(*part); !grown) return grown;
  }
  return {};
}

Expected<void> GgufWriter::keep(Expected<void> result) {
  if (!result) {
    const std::lock_guard lock(error_mutex_);
    if (!error_) error_ = result.error();
  }
  return result;
}

Expected<void> GgufWriter::first_error() {
  const std::lock_guard lock(error_mutex_);
  if (error_) return fail(*error_);
  return {};
}

Expected<void> GgufWriter::write(std::uint32_t shard, std::uint64_t offset,
                                 std::span<const std::byte> bytes) {
  if (shard >= parts_.size() || parts_[shard]->finished) {
    return keep(fail(ErrorCode::internal, "a write to a part that is finished", parts_[0]->path));
  }
  Part& part = *parts_[shard];
  if (offset < part.file->header.size() || offset > part.file->bytes ||
      bytes.size() > part.file->bytes - offset) {
    return keep(fail(ErrorCode::internal, "a write outside of the tensors' data", part.path));
  }
  if (auto written = part.output.write(bytes, offset); !written) return keep(written);
  part.written += bytes.size();
  bytes_written_ += bytes.size();
  if ((part.unstarted += bytes.size()) >= writeback_bytes) {
    part.unstarted = 0;
    part.output.start_writeback();
  }
  return {};
}

Expected<void> GgufWriter::rename(Part& part) const {
  if (::rename(part.growing.c_str(), part.path.c_str()) == 0) {
    part.grows = false;
    return {};
  }
  return fail(output_error(errno, "give the file its name", part.path));
}

Expected<void> GgufWriter::sync() const {
  const std::string directory = options_.directory.empty() ? "." : options_.directory;
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail(output_error(errno, "open the directory", directory));
  auto synced = sync_directory(descriptor, directory);
  ::close(descriptor);
  return synced;
}

/// All data are there: header, seal, and everything to the disk.
Expected<void> GgufWriter::complete(Part& part) {
  std::uint64_t wanted = 0;
  for (const std::uint32_t tensor : part.file->tensors) wanted += layout_.sizes[tensor];
  if (part.written < wanted) {
    return fail(ErrorCode::internal, "the file is finished before all of its bytes came",
                part.path);
  }
  auto done = part.output.write(std::as_bytes(std::span(part.file->header)), 0);
  if (done) done = part.output.resize(part.file->bytes);
  if (!done) return done;
  set_seal(part.output.descriptor(), identity_.seal());
  return part.output.sync_and_close();
}

Expected<void> GgufWriter::finish_shard(std::uint32_t shard) {
  if (auto sound = first_error(); !sound) return sound;
  if (is_finished(shard)) return {};
  if (shard >= parts_.size()) {
    return keep(fail(ErrorCode::internal, "there is no such part", parts_[0]->path));
  }
  Part& part = *parts_[shard];
  auto done = complete(part);
  if (done && shard == 0) first_waits_ = true;
  if (done && shard != 0) done = rename(part);
  if (done) {
    part.finished = true;
    bytes_written_ += part.file->header.size();
  }
  return keep(std::move(done));
}

Expected<void> GgufWriter::finish() {
  if (ended_) return {};
  if (auto sound = first_error(); !sound) return sound;
  for (std::uint32_t i = 0; i < parts_.size(); ++i) {
    const auto& part = parts_[i];
    // Nobody writes to a part without tensors.
    if (!part->finished && part->file->tensors.empty()) {
      if (auto done = finish_shard(i); !done) return done;
    }
    if (part->finished) continue;
    return keep(fail(ErrorCode::internal, "the output is not whole", part->path));
  }
  auto done = sync();
  if (done && first_waits_) done = rename(*parts_[0]);
  if (done) done = sync();
  ended_ = done.has_value();
  return keep(std::move(done));
}

}  // namespace

Expected<std::unique_ptr<CheckpointWriter>> open_gguf_writer(ShardLayout layout,
                                                             GgufWriterOptions options) {
  if (layout.shards.empty() || layout.places.size() != layout.sizes.size()) {
    return fail(ErrorCode::internal, "the layout is not one of a GGUF model", options.directory);
  }
  auto writer = std::make_unique<GgufWriter>(std::move(layout), std::move(options));
  if (auto prepared = writer->prepare(); !prepared) return fail(prepared.error());
  return writer;
}

}  // namespace plimsoll::io
