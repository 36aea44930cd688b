#include "gpu/device.hpp"

#include <utility>

namespace plimsoll::gpu {

Memory::~Memory() {
  if (address_ != nullptr) device_->end(address_, bytes_);
}

void Memory::swap(Memory& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(address_, other.address_);
  std::swap(bytes_, other.bytes_);
}

Expected<Memory> Device::allocate(std::uint64_t bytes) {
  if (bytes == 0) return Memory();
  std::uint64_t held = held_.load();
  do {
    if (limit_ != 0 && (bytes > limit_ || held > limit_ - bytes)) {
      return fail(ErrorCode::out_of_memory, name_ + " holds " + std::to_string(held) +
                                                " of at most " + std::to_string(limit_) +
                                                " bytes and is asked for " + std::to_string(bytes));
    }
  } while (!held_.compare_exchange_weak(held, held + bytes));
  std::byte* address = obtain(bytes);
  if (address == nullptr) {
    held_ -= bytes;
    return fail(ErrorCode::out_of_memory,
                "the system has no " + std::to_string(bytes) + " bytes for " + name_);
  }
  return Memory(*this, address, bytes);
}

void Device::end(std::byte* address, std::uint64_t bytes) noexcept {
  give_back(address, bytes);
  held_ -= bytes;
}

}  // namespace plimsoll::gpu
