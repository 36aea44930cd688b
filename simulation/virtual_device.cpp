#include "simulation/virtual_device.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "plan/align.hpp"

namespace plimsoll::simulation {

VirtualDevice::VirtualDevice(std::string name, const DeviceScenario& scenario, VirtualClock& clock,
                             Choices choices)
    : gpu::Device(std::move(name), scenario.limit),
      scenario_(scenario),
      clock_(clock),
      choices_(choices) {}

void VirtualDevice::when_complete(std::uint16_t lane, const std::function<void()>& done) {
  if (scenario_.completion_ns == 0) {
    done();
    return;
  }
  if (lane_ends_ns_.size() <= lane) lane_ends_ns_.resize(lane + 1u, 0);
  std::uint64_t& end_ns = lane_ends_ns_[lane];
  end_ns = std::max(end_ns, clock_.now_ns() + choices_.below(scenario_.completion_ns));
  clock_.at(end_ns, done);
}

std::byte* VirtualDevice::obtain(std::uint64_t bytes) noexcept {
  if (scenario_.no_memory == allocations_++) return nullptr;
  void* const memory = ::operator new (bytes, std::align_val_t{plan::page_size}, std::nothrow);
  if (memory != nullptr) std::memset(memory, std::to_integer<int>(rubbish), bytes);
  return static_cast<std::byte*>(memory);
}

void VirtualDevice::give_back(std::byte* address, std::uint64_t) noexcept {
  ::operator delete (address, std::align_val_t{plan::page_size});
}

}  // namespace plimsoll::simulation
