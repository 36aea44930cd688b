#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::io {

/// Fills a span with a file's bytes from an offset on, all of them or an error.
using ReadAt = std::function<Expected<void>(std::uint64_t offset, std::span<char> destination)>;

/// A GGUF header as a stream of numbers and texts of either byte order, read through a window that
/// moves along the file. How long a header is shows only at its end; so the window's reads begin
/// small and grow (32 KiB to 1 MiB), and never reach behind the file. Holds one window, whatever
/// the header's length.
///
/// Every read is asked for first: need() makes bytes available, take() consumes them unchecked.
class GgufInput {
 public:
  /// More than this no header may have: many times what the largest vocabularies need.
  static constexpr std::uint64_t max_header_bytes = 256u << 20;

  /// `file` names the file in errors; it and what `read` refers to must outlive the input.
  GgufInput(std::uint64_t file_bytes, ReadAt read, const std::string& file)
      : file_bytes_(file_bytes), read_(std::move(read)), file_(file) {}

  /// Of the next byte, in the file.
  [[nodiscard]] std::uint64_t position() const noexcept { return window_begin_ + taken_; }
  /// Bytes of the file that were not taken yet.
  [[nodiscard]] std::uint64_t remaining() const noexcept { return file_bytes_ - position(); }

  [[nodiscard]] bool is_big_endian() const noexcept { return big_endian_; }
  void set_big_endian() noexcept { big_endian_ = true; }

  /// Makes the next `bytes` bytes available. Errors: malformed ("the file ends within WHAT"),
  /// unsupported (the header would become too long), and those of the reads. Invalidates texts.
  [[nodiscard]] Expected<void> need(std::uint64_t bytes, std::string_view what) {
    if (bytes <= window_.size() - taken_) return {};
    return refill(bytes, what);
  }

  /// The next number in the file's byte order. After need().
  template <class T>
  [[nodiscard]] T take() noexcept {
    std::array<char, sizeof(T)> bytes;
    std::memcpy(bytes.data(), window_.data() + taken_, sizeof(T));
    taken_ += sizeof(T);
    if (big_endian_ != (std::endian::native == std::endian::big)) {
      std::reverse(bytes.begin(), bytes.end());
    }
    return std::bit_cast<T>(bytes);
  }

  /// The next bytes as they stand, valid until the next need(). After need().
  [[nodiscard]] std::string_view take_text(std::uint64_t bytes) noexcept {
    const std::string_view text(window_.data() + taken_, bytes);
    taken_ += bytes;
    return text;
  }

  /// Consumes `bytes` bytes and appends them as they stand. Needs no need(), takes any length that
  /// the file has, and memory only as the bytes come.
  [[nodiscard]] Expected<void> append_to(std::string& out, std::uint64_t bytes,
                                         std::string_view what);

 private:
  [[nodiscard]] Expected<void> check_room(std::uint64_t bytes, std::string_view what) const;
  [[nodiscard]] Expected<void> refill(std::uint64_t bytes, std::string_view what);

  std::uint64_t file_bytes_;
  ReadAt read_;
  const std::string& file_;
  bool big_endian_ = false;
  std::vector<char> window_;
  std::uint64_t window_begin_ = 0;  ///< where in the file the window stands
  std::size_t taken_ = 0;           ///< bytes of the window that were consumed
  std::uint64_t next_read_ = 0;     ///< length of the next read
};

}  // namespace plimsoll::io
