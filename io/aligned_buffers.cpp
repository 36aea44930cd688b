#include "io/aligned_buffers.hpp"

#include <cstdlib>

#include "io/byte_source.hpp"

namespace plimsoll::io {

void AlignedBuffers::Free::operator()(std::byte* memory) const noexcept {
  std::free(memory);
}

std::optional<AlignedBuffers> AlignedBuffers::allocate(std::size_t count,
                                                       std::uint64_t buffer_bytes) {
  AlignedBuffers buffers;
  buffers.bytes_ = count * buffer_bytes;
  buffers.memory_.reset(
      static_cast<std::byte*>(std::aligned_alloc(direct_alignment, buffers.bytes_)));
  if (!buffers.memory_) return std::nullopt;
  for (std::size_t i = count; i-- > 0;) {
    buffers.free_.push_back(buffers.memory_.get() + i * buffer_bytes);
  }
  return buffers;
}

std::byte* AlignedBuffers::take() noexcept {
  if (free_.empty()) return nullptr;
  std::byte* buffer = free_.back();
  free_.pop_back();
  return buffer;
}

void AlignedBuffers::give_back(std::byte* buffer) noexcept {
  free_.push_back(buffer);
}

}  // namespace plimsoll::io
