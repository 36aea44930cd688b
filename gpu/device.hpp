#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "errors/expected.hpp"

namespace plimsoll::gpu {

class Device;

/// Memory of a device, given back by the destructor. Move-only. The device must outlive it.
class Memory {
 public:
  Memory() = default;
  Memory(Device& device, std::byte* address, std::uint64_t bytes) noexcept
      : device_(&device), address_(address), bytes_(bytes) {}
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    Memory(std::move(other)).swap(*this);
    return *this;
  }
  ~Memory();

  /// Aligned to at least 4096 bytes; null when empty.
  [[nodiscard]] std::byte* address() const noexcept { return address_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  void swap(Memory& other) noexcept;

  Device* device_ = nullptr;
  std::byte* address_ = nullptr;
  std::uint64_t bytes_ = 0;
};

/// A place where weights live: its memory, below an enforced limit, and its order of work.
///
/// Thread-safe. What a device holds counts from allocate() to the end of the Memory; held() never
/// exceeds the limit, and a request that would is refused (out_of_memory) and changes nothing.
class Device {
 public:
  /// `limit`: bytes that may be held at once; 0 for no limit of our own.
  Device(std::string name, std::uint64_t limit) : name_(std::move(name)), limit_(limit) {}
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }
  [[nodiscard]] std::uint64_t held() const noexcept { return held_.load(); }

  /// Fresh memory, not yet touched; its content is zero. Zero bytes give an empty Memory.
  [[nodiscard]] Expected<Memory> allocate(std::uint64_t bytes);

  /// Calls `done` when all work that was queued on `lane` before has ended. On a host device work
  /// ends before its call returns, so `done` runs at once, in the caller.
  virtual void when_complete(std::uint16_t lane, const std::function<void()>& done) = 0;

 protected:
  /// The memory itself; null if the system has none. Called within the limit.
  [[nodiscard]] virtual std::byte* obtain(std::uint64_t bytes) noexcept = 0;
  virtual void give_back(std::byte* address, std::uint64_t bytes) noexcept = 0;

 private:
  friend class Memory;
  void end(std::byte* address, std::uint64_t bytes) noexcept;

  std::string name_;
  std::uint64_t limit_;
  std::atomic<std::uint64_t> held_{0};
};

}  // namespace plimsoll::gpu
