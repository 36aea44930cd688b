#include "io/companion_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

namespace plimsoll::io {
namespace {

constexpr std::array<std::string_view, 11> weight_endings = {
    ".safetensors", ".bin",     ".gguf", ".pt",        ".pth", ".ckpt",
    ".h5",          ".msgpack", ".onnx", ".onnx_data", ".ggml"};
constexpr std::size_t copy_bytes = 1u << 20;

using FileIdentity = std::pair<dev_t, ino_t>;

FileIdentity identity_of(const struct stat& status) {
  return {status.st_dev, status.st_ino};
}

bool is_weights_name(std::string_view name) {
  // An index is named like the weights it lists: model.safetensors.index.json, .index.fp16.json.
  const std::size_t index = name.rfind(".index.");
  if (index != std::string_view::npos && name.ends_with(".json")) name = name.substr(0, index);
  return std::any_of(weight_endings.begin(), weight_endings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

tl::unexpected<Error> read_error(int number, std::string_view doing, const std::string& path) {
  return fail(ErrorCode::read_failed,
              "cannot " + std::string(doing) + ": " + std::generic_category().message(number),
              path);
}

/// The source side of a copy, closed with its owner.
class SourceHandle {
 public:
  explicit SourceHandle(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
  SourceHandle(const SourceHandle&) = delete;
  SourceHandle& operator=(const SourceHandle&) = delete;
  ~SourceHandle() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

class CompanionSearch {
 public:
  CompanionSearch(const std::vector<SourceFile>& weights, const OutputDirectory& output) {
    struct stat status {};
    for (const SourceFile& file : weights) {
      if (::stat(file.path.c_str(), &status) == 0) left_out_.insert(identity_of(status));
    }
    if (::fstat(output.descriptor(), &status) == 0) left_out_.insert(identity_of(status));
  }

  Expected<std::vector<CompanionFile>> run(const std::string& directory) {
    directories_.push_back({directory, ""});
    while (!directories_.empty()) {
      const CompanionFile next = std::move(directories_.back());
      directories_.pop_back();
      std::error_code failure;
      auto entry = std::filesystem::directory_iterator(next.source, failure);
      for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        auto considered = consider(next, entry->path().filename().string());
        if (!considered) return fail(considered.error());
      }
      if (failure) return read_error(failure.value(), "list the directory", next.source);
    }
    std::sort(found_.begin(), found_.end(),
              [](const CompanionFile& a, const CompanionFile& b) { return a.name < b.name; });
    return std::move(found_);
  }

 private:
  Expected<void> consider(const CompanionFile& parent, const std::string& name) {
    if (name.starts_with('.') || is_weights_name(name)) return {};
    if (parent.name.empty() && name == "config.json") return {};
    CompanionFile file{(std::filesystem::path(parent.source) / name).string(), parent.name + name};
    struct stat link {
    }, target{};
    if (::lstat(file.source.c_str(), &link) != 0 || ::stat(file.source.c_str(), &target) != 0) {
      return read_error(errno, "find the file", file.source);
    }
    if (left_out_.contains(identity_of(target))) return {};
    if (S_ISDIR(link.st_mode)) {
      directories_.push_back({file.source, file.name + '/'});
    } else if (S_ISREG(target.st_mode)) {
      if (SourceHandle(file.source).descriptor() < 0) {
        return read_error(errno, "open", file.source);
      }
      found_.push_back(std::move(file));
    }
    return {};
  }

  std::set<FileIdentity> left_out_;
  std::vector<CompanionFile> directories_;  ///< still to be listed; the name ends in '/'
  std::vector<CompanionFile> found_;
};

Expected<void> make_parents(const std::string& name, const OutputDirectory& output) {
  for (std::size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', slash + 1)) {
    const std::string parent = name.substr(0, slash);
    if (::mkdirat(output.descriptor(), parent.c_str(), 0777) != 0 && errno != EEXIST) {
      return fail(output_error(errno, "make the directory", output.path_of(parent)));
    }
  }
  return {};
}

/// Makes the renamed file durable where it is not in the output's top directory.
Expected<void> sync_parents(const std::string& name, const OutputDirectory& output) {
  for (std::size_t slash = name.rfind('/'); slash != std::string::npos && slash > 0;
       slash = name.rfind('/', slash - 1)) {
    const std::string parent = name.substr(0, slash);
    const int descriptor =
        ::openat(output.descriptor(), parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
      return fail(output_error(errno, "open the directory", output.path_of(parent)));
    }
    auto synced = sync_directory(descriptor, output.path_of(parent));
    ::close(descriptor);
    if (!synced) return synced;
  }
  return {};
}

Expected<std::uint64_t> copy_bytes_of(const SourceHandle& source, const std::string& path,
                                      const OutputFile& target) {
  std::vector<std::byte> buffer(copy_bytes);
  std::uint64_t copied = 0;
  for (;;) {
    const ssize_t n = ::read(source.descriptor(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return read_error(errno, "read", path);
    if (n == 0) return copied;
    const auto piece = std::span(buffer).first(static_cast<std::size_t>(n));
    if (auto written = target.write(piece, copied); !written) return fail(written.error());
    copied += piece.size();
  }
}

}  // namespace

Expected<std::vector<CompanionFile>> find_companions(const std::string& directory,
                                                     const std::vector<SourceFile>& weights,
                                                     const OutputDirectory& output) {
  return CompanionSearch(weights, output).run(directory);
}

Expected<std::uint64_t> copy_companion(const CompanionFile& file, const OutputDirectory& output) {
  constexpr std::string_view temporary = "copy";
  const SourceHandle source(file.source);
  if (source.descriptor() < 0) return read_error(errno, "open", file.source);
  auto target = output.grow(temporary);
  if (!target) return fail(target.error());
  auto done = target->resize(0);
  if (!done) return fail(done.error());
  const auto copied = copy_bytes_of(source, file.source, *target);
  if (!copied) return copied;
  done = target->sync_and_close();
  if (done) done = make_parents(file.name, output);
  if (done) done = output.rename(growing_name(temporary), file.name);
  if (done) done = sync_parents(file.name, output);
  if (!done) return fail(done.error());
  return copied;
}

}  // namespace plimsoll::io
