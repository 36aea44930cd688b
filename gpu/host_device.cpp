#include "gpu/host_device.hpp"

#include <sys/mman.h>

#include <cstdint>

namespace plimsoll::gpu {
namespace {

constexpr std::uint64_t huge_page = std::uint64_t{2} << 20;
constexpr std::uint64_t small_page = 4096;

/// Address space for `bytes` that begins on a huge page, the surplus given back at once.
std::byte* map_aligned(std::uint64_t bytes) noexcept {
  const std::uint64_t span = bytes + huge_page;
  void* mapped = mmap(nullptr, span, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const std::uint64_t front = -reinterpret_cast<std::uintptr_t>(begin) & (huge_page - 1);
  const std::uint64_t whole = (bytes + small_page - 1) & ~(small_page - 1);
  if (front > 0) munmap(begin, front);
  if (span > front + whole) munmap(begin + front + whole, span - front - whole);
  return begin + front;
}

}  // namespace

std::byte* HostDevice::obtain(std::uint64_t bytes) noexcept {
  std::byte* const address = map_aligned(bytes);
  // Only whole huge pages: a partial one at the end would hold up to 2 MiB more than was counted.
  const std::uint64_t huge = bytes & ~(huge_page - 1);
  if (address != nullptr && huge > 0) madvise(address, huge, MADV_HUGEPAGE);
  return address;
}

void HostDevice::give_back(std::byte* address, std::uint64_t bytes) noexcept {
  munmap(address, (bytes + small_page - 1) & ~(small_page - 1));
}

void HostDevice::when_complete(std::uint16_t, const std::function<void()>& done) {
  done();
}

}  // namespace plimsoll::gpu
