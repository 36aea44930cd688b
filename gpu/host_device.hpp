#pragma once

#include "gpu/device.hpp"

namespace plimsoll::gpu {

/// The machine's own memory, or a share of it: several host devices stand side by side, each with
/// its own limit. Memory comes straight from the system in huge pages where it grants them (a fresh
/// small page costs several times more on virtual machines), is touched first by whoever fills it,
/// and goes straight back.
class HostDevice final : public Device {
 public:
  using Device::Device;

  void when_complete(std::uint16_t lane, const std::function<void()>& done) override;

 private:
  [[nodiscard]] std::byte* obtain(std::uint64_t bytes) noexcept override;
  void give_back(std::byte* address, std::uint64_t bytes) noexcept override;
};

}  // namespace plimsoll::gpu
