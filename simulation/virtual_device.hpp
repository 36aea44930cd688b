#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gpu/device.hpp"
#include "simulation/choices.hpp"
#include "simulation/scenario.hpp"
#include "simulation/virtual_clock.hpp"

namespace plimsoll::simulation {

/// A device whose memory can run out and whose work can end later than it was queued, as a GPU's
/// does: each lane's in order, different lanes' in any. Its fresh memory is full of rubbish, which
/// is less than gpu::Device promises, so that nothing looks right that was never written.
class VirtualDevice final : public gpu::Device {
 public:
  static constexpr std::byte rubbish{0xA5};

  VirtualDevice(std::string name, const DeviceScenario& scenario, VirtualClock& clock,
                Choices choices);

  void when_complete(std::uint16_t lane, const std::function<void()>& done) override;

 private:
  [[nodiscard]] std::byte* obtain(std::uint64_t bytes) noexcept override;
  void give_back(std::byte* address, std::uint64_t bytes) noexcept override;

  DeviceScenario scenario_;
  VirtualClock& clock_;
  Choices choices_;
  std::uint32_t allocations_ = 0;
  std::vector<std::uint64_t> lane_ends_ns_;  // when a lane's last queued work ends
};

}  // namespace plimsoll::simulation
