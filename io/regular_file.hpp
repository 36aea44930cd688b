#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "errors/expected.hpp"

namespace plimsoll::io {

/// A regular file open for reading (or a symbolic link to one). Move-only; closes on destruction.
class RegularFile {
 public:
  /// Never blocks, whatever stands at `path`. Errors: not_found; malformed for a directory, pipe,
  /// socket or device; read_failed where the system refuses.
  [[nodiscard]] static Expected<RegularFile> open(const std::string& path);

  RegularFile(RegularFile&& other) noexcept;
  RegularFile& operator=(RegularFile&& other) noexcept;
  ~RegularFile();

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

  /// Fills `destination` from `offset` on. Blocks on the disk. An early end of the file is an error
  /// (read_failed), as is whatever the system reports.
  [[nodiscard]] Expected<void> read(std::uint64_t offset, std::span<char> destination,
                                    const std::string& path) const;

 private:
  RegularFile(int descriptor, std::uint64_t bytes) noexcept
      : descriptor_(descriptor), bytes_(bytes) {}

  int descriptor_ = -1;
  std::uint64_t bytes_ = 0;
};

/// "cannot open: Permission denied" and the like; thread-safe.
[[nodiscard]] std::string system_reason(const char* what, int error_number);

}  // namespace plimsoll::io
