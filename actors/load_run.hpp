#pragma once

#include <atomic>
#include <caf/actor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "actors/sinks.hpp"
#include "errors/expected.hpp"
#include "gpu/device.hpp"
#include "io/byte_source.hpp"
#include "plan/plan.hpp"
#include "trace/recorder.hpp"

namespace plimsoll::actors {

/// How far a load is; every member only grows.
struct LoadProgress {
  std::atomic<std::uint64_t> bytes_read{0};
  std::atomic<std::uint32_t> units_done{0};
};

/// What a load reached on one device. Written by the governor, read when the load has ended.
struct DeviceReach {
  std::uint64_t peak_transient_bytes = 0;  ///< slots and output buffers held at once
  std::uint32_t peak_units = 0;            ///< full-precision units alive at once; a gather is one
};

/// What a load is given to work with. Pointers stay valid until the load has ended.
struct LoadParts {
  std::uint32_t id = 0;  ///< unique among the engine's running loads
  std::shared_ptr<const plan::Plan> plan;
  io::ByteSource* source = nullptr;
  trace::Recorder* recorder = nullptr;
  std::vector<gpu::Device*> devices;          ///< one a device of the plan
  std::vector<std::uint16_t> engine_devices;  ///< and its number in the engine
  std::vector<gpu::Memory> final_memory;      ///< memory sink: one a device
  std::vector<gpu::Memory> slots;             ///< one a device: its slots side by side
  std::vector<gpu::Memory> outputs;           ///< one a device: its output buffers side by side
  std::vector<gpu::Memory> states;            ///< one a device: DeviceLine::state_bytes
  std::vector<std::byte*> destinations;       ///< caller's memory: one a component
  CheckpointSink* checkpoint = nullptr;
  ConsumerSink* consumer = nullptr;
  std::function<void(std::uint32_t units_done)> progress;  ///< from the loader; may be empty
  std::function<void(Expected<void>)> ended;               ///< once, from the loader
};

/// A running load: its parts, its first error, its counters. Shared by all messages of the load,
/// so it outlives every lease. Thread-safe beside what is said of single members.
class LoadRun {
 public:
  explicit LoadRun(LoadParts parts) : parts_(std::move(parts)), reach_(parts_.devices.size()) {}

  [[nodiscard]] const LoadParts& parts() const noexcept { return parts_; }
  [[nodiscard]] const plan::Plan& plan() const noexcept { return *parts_.plan; }
  [[nodiscard]] LoadProgress& progress() noexcept { return progress_; }
  [[nodiscard]] std::vector<DeviceReach>& reach() noexcept { return reach_; }

  /// Stages look before they begin a unit, and drop it.
  [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }

  /// Stops the load for this reason unless it has one already: the first wins. True if it was the
  /// first.
  bool fail(Error error);

  /// Why the load stopped, if it did.
  [[nodiscard]] std::optional<Error> error() const;

  /// Final memory, for the model that is made of it. Call when the load has ended well.
  [[nodiscard]] std::vector<gpu::Memory> take_final_memory() {
    return std::move(parts_.final_memory);
  }

  /// Gives all memory back to its devices. Call when the load has ended and its model was made.
  void release_memory() {
    parts_.final_memory.clear();
    parts_.slots.clear();
    parts_.outputs.clear();
    parts_.states.clear();
  }

  /// The actor to tell about units. Set before the load is opened.
  caf::actor loader;

 private:
  LoadParts parts_;
  LoadProgress progress_;
  std::vector<DeviceReach> reach_;
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;
  std::optional<Error> error_;
};

}  // namespace plimsoll::actors
