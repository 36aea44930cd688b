#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"
#include "io/output_file.hpp"

namespace plimsoll::io {

/// What everything that is not part of the checkpoint is called: no reader takes it for weights or
/// for a config, and it can be told from other people's files.
inline constexpr std::string_view own_prefix = ".plimsoll-";
inline constexpr std::string_view manifest_name = ".plimsoll-manifest";

/// The name under which a file grows before it is renamed to `name`.
[[nodiscard]] std::string growing_name(std::string_view name);

/// The name under which a complete file waits to be renamed to `name`.
[[nodiscard]] std::string waiting_name(std::string_view name);

/// A checkpoint's directory while a run writes it. All names are relative to it. Holds a lock that
/// ends with the object or the process; a second run is refused (output_exists).
class OutputDirectory {
 public:
  struct Entry {
    std::string name;
    bool is_file = false;          ///< a regular file or a symbolic link; what may be removed
    std::uint64_t disk_bytes = 0;  ///< what its removal would free
  };

  /// Opens `path`, or makes it. Errors: not_found (its parent), output_exists (a file stands there,
  /// or another run writes), write_failed.
  [[nodiscard]] static Expected<OutputDirectory> open(const std::string& path);

  OutputDirectory(OutputDirectory&& other) noexcept;
  OutputDirectory& operator=(OutputDirectory&&) = delete;
  ~OutputDirectory();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] bool was_made() const noexcept { return was_made_; }

  /// Everything at the top level, sorted by name.
  [[nodiscard]] Expected<std::vector<Entry>> list() const;

  /// Bytes that can still be written; the largest number where the file system does not know.
  [[nodiscard]] std::uint64_t free_bytes() const noexcept;

  /// Opens a file that grows towards `name`, made if absent.
  [[nodiscard]] Expected<OutputFile> grow(std::string_view name) const;

  /// Writes a whole file: grown, synced, renamed.
  [[nodiscard]] Expected<void> put(std::string_view name, std::string_view text) const;

  [[nodiscard]] Expected<void> rename(std::string_view from, std::string_view to) const;

  /// Removes a file; one that is not there is removed already.
  [[nodiscard]] Expected<void> remove(std::string_view name) const;

  /// Makes renames and removals durable.
  [[nodiscard]] Expected<void> sync() const;

  /// Removes the directory itself if it is empty.
  void remove_if_empty() const noexcept;

 private:
  OutputDirectory(int descriptor, std::string path, bool was_made)
      : descriptor_(descriptor), path_(std::move(path)), was_made_(was_made) {}

  int descriptor_;
  std::string path_;
  bool was_made_;
};

/// Syncs the directory that `descriptor` has open; file systems that cannot are left alone.
[[nodiscard]] Expected<void> sync_directory(int descriptor, const std::string& path);

}  // namespace plimsoll::io
