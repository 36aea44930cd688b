#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "errors/expected.hpp"

namespace plimsoll::io {

/// The Error for a system call on the output that set errno to `number`: disk_full for a lack of
/// space or quota, else write_failed. `doing` continues "cannot".
[[nodiscard]] Error output_error(int number, std::string_view doing, const std::string& path);

/// A file that is being written; closed with its owner. `path` is for errors only: the final name.
/// write() may run in several threads at once, nothing else.
class OutputFile {
 public:
  OutputFile() = default;
  OutputFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;
  ~OutputFile();

  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Writes all of `bytes` at `offset`; continues short writes.
  [[nodiscard]] Expected<void> write(std::span<const std::byte> bytes, std::uint64_t offset) const;

  /// Fills `bytes` from `offset`; the file's end before that is an error (write_failed: only what
  /// was written is read back).
  [[nodiscard]] Expected<void> read_back(std::span<std::byte> bytes, std::uint64_t offset) const;

  /// Takes disk space for `bytes` bytes where the file system can, and makes the file that long.
  [[nodiscard]] Expected<void> reserve(std::uint64_t bytes) const;

  /// Cuts or extends the file.
  [[nodiscard]] Expected<void> resize(std::uint64_t bytes) const;

  /// Has the kernel begin to write what is dirty. Only a hint.
  void start_writeback() const noexcept;

  /// Waits until data and metadata are on the disk, then closes.
  [[nodiscard]] Expected<void> sync_and_close();

 private:
  int descriptor_ = -1;
  std::string path_;
};

}  // namespace plimsoll::io
