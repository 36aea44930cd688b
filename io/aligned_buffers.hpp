#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace plimsoll::io {

/// A fixed number of buffers of equal size, aligned for O_DIRECT, in one allocation. Not
/// thread-safe.
class AlignedBuffers {
 public:
  /// `buffer_bytes` is a multiple of direct_alignment. Nothing if there is no memory.
  [[nodiscard]] static std::optional<AlignedBuffers> allocate(std::size_t count,
                                                              std::uint64_t buffer_bytes);

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

  /// A buffer out of use, null if there is none. Give it back when done.
  [[nodiscard]] std::byte* take() noexcept;
  void give_back(std::byte* buffer) noexcept;

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };

  AlignedBuffers() = default;

  std::unique_ptr<std::byte, Free> memory_;
  std::uint64_t bytes_ = 0;
  std::vector<std::byte*> free_;
};

}  // namespace plimsoll::io
