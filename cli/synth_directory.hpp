#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::cli {

/// A file of a SynthDirectory that is open for writing. Movable; closes itself.
class SynthFile {
 public:
  SynthFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  SynthFile(SynthFile&& other) noexcept;
  SynthFile& operator=(SynthFile&&) = delete;
  ~SynthFile();

  /// Makes the file so long, and reserves the space if `reserve` (where the file system can).
  [[nodiscard]] Expected<void> set_length(std::uint64_t bytes, bool reserve) const;

  /// Writes all of `bytes` at `offset`. Any thread.
  [[nodiscard]] Expected<void> write(std::uint64_t offset, std::string_view bytes) const;

 private:
  int descriptor_;
  std::string path_;
};

/// A directory that is empty until commit(), which gives all files their names at once, in the
/// order in which they were created. Without it the destructor removes them, and the directory if
/// open() made it. One thread.
class SynthDirectory {
 public:
  /// Errors: output_exists (there is something in it), write_failed, disk_full.
  [[nodiscard]] static Expected<SynthDirectory> open(const std::string& path);
  SynthDirectory(SynthDirectory&& other) noexcept = default;
  SynthDirectory& operator=(SynthDirectory&&) = delete;
  ~SynthDirectory();

  /// Begins a file under a temporary name, NAME.part.
  [[nodiscard]] Expected<SynthFile> create(const std::string& name);

  [[nodiscard]] Expected<void> commit();

 private:
  SynthDirectory(std::string path, bool made) : path_(std::move(path)), made_(made) {}

  std::string path_;
  bool made_;
  std::vector<std::string> files_;  // full paths without .part; empty once moved from
  std::size_t renamed_ = 0;
  bool committed_ = false;
};

}  // namespace plimsoll::cli
