#include "awaited_read.hpp"

#include <future>

using namespace plimsoll::io;

plimsoll::Expected<void> read_all(ByteSource& source, std::span<const ReadRange> ranges) {
  std::promise<plimsoll::Expected<void>> promise;
  auto result = promise.get_future();
  source.start(ranges, [&](plimsoll::Expected<void> end) { promise.set_value(std::move(end)); });
  return result.get();
}

PaddedMemory::PaddedMemory(std::uint64_t offset, std::uint64_t bytes)
    : memory_(bytes + 3 * direct_alignment), bytes_(bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
  const std::uintptr_t to_alignment = (direct_alignment - address % direct_alignment);
  data_ = memory_.data() + to_alignment + offset % direct_alignment;
}

std::string PaddedMemory::text() const {
  return {reinterpret_cast<const char*>(data_), bytes_};
}
