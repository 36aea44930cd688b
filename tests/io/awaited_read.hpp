#pragma once

#include <span>
#include <string>
#include <vector>

#include "io/byte_source.hpp"

/// Starts to read all ranges and waits for the end.
[[nodiscard]] plimsoll::Expected<void> read_all(plimsoll::io::ByteSource& source,
                                                std::span<const plimsoll::io::ReadRange> ranges);

/// Memory for one range that a direct source may read in place: the bytes lie as far from an
/// aligned address as `offset` from an aligned place of the file.
class PaddedMemory {
 public:
  PaddedMemory(std::uint64_t offset, std::uint64_t bytes);
  [[nodiscard]] std::byte* data() noexcept { return data_; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::byte> memory_;
  std::byte* data_;
  std::uint64_t bytes_;
};
