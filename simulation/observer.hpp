#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "actors/load_run.hpp"
#include "simulation/findings.hpp"
#include "simulation/scenario.hpp"
#include "trace/recorder.hpp"

namespace plimsoll::simulation {

/// Watches all loads of a run from outside: it counts credits and bytes from the events as they are
/// recorded and follows who uses which memory by the addresses that sources and sinks are given.
/// None of the engine's own counters is asked.
///
/// Rules, after every step:
///  - the slots leased on a device, over all loads, are at most its credits;
///  - the slots of one load are at most its plan's, and its final bytes, slots, output buffers,
///    states and source buffers together are at most its load line;
///  - a unit is granted the slots that it claims, and one that waits only when its load holds none
///    on the device;
///  - a unit's ranges lie one behind the other in adjacent slots; a slot or an output buffer has
///  one
///    user at a time, and nobody writes outside his own;
///  - a load that has stopped or ended begins nothing more, once all messages have arrived.
class Observer {
 public:
  Observer(const Scenario& scenario, const trace::Recorder& recorder, Findings& findings);

  /// The load's memory is allocated; `run` lives until forget().
  void begin(std::uint32_t load, const actors::LoadRun& run, std::uint64_t source_buffers);

  /// The load has ended: nobody may touch its memory any more.
  void forget(std::uint32_t load);

  /// Looks at what was recorded since the last look.
  void look();

  /// No message is under way: whoever had to learn that a load has stopped knows it.
  void all_told();

  /// The load begins something: a read, a write, a delivery, the end of a shard.
  void working(std::uint32_t load);

  /// A source is told to fill `range`; it is of the unit whose read was recorded last.
  void reading(std::uint32_t load, const io::ReadRange& range);

  /// A buffer's bytes are read to or handed out for this unit (checkpoint) or tensor (consumer).
  void using_output(std::uint32_t load, std::uint32_t owner, std::uint16_t device,
                    const std::byte* bytes, std::uint64_t count);

  /// A checkpoint is given `bytes` to write; they are of the unit whose write was recorded last.
  void writing(std::uint32_t load, std::span<const std::byte> bytes);

  /// The unit is written, the tensor's buffer given back by the consumer.
  void output_done(std::uint32_t load, std::uint32_t owner, std::uint16_t device);

  /// Credits that are not home, over all loads and devices.
  [[nodiscard]] std::uint64_t credits_out() const noexcept;

  /// The most units in full precision that a load held on a device of its plan.
  [[nodiscard]] std::uint32_t peak_units(std::uint32_t load, std::uint16_t device) const;

 private:
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};

  struct DeviceWatch {
    std::uint32_t slots = 0;    ///< leased
    std::uint32_t units = 0;    ///< that have slots
    std::uint32_t outputs = 0;  ///< leased, for certain
    std::uint32_t peak_units = 0;
    std::vector<std::uint32_t> slot_users;    ///< unit that was last seen in the slot
    std::vector<std::uint32_t> output_users;  ///< unit or tensor
  };
  struct LoadWatch {
    const actors::LoadRun* run = nullptr;
    const plan::Plan* plan = nullptr;  ///< as it was made, whatever the actors were given
    std::uint64_t source_buffers = 0;
    std::vector<DeviceWatch> devices;
    bool told_to_stop = false;
    std::uint32_t reader = nobody;  ///< unit whose read began last
    std::uint32_t writer = nobody;  ///< unit whose write began last
    std::vector<bool> in_slot;      ///< a unit: between its grant and its release
    std::vector<bool> in_output;    ///< a unit or tensor: its buffer is certainly in use
  };

  void look_at(const trace::Event& event);
  void granted(LoadWatch& load, const trace::Event& event);
  void released(LoadWatch& load, const trace::Event& event);
  void check_line(const LoadWatch& load, std::uint16_t device);
  void use_slots(LoadWatch& load, std::uint32_t unit, const std::vector<std::uint64_t>& places,
                 const io::ReadRange& range);

  const Scenario& scenario_;
  const trace::Recorder& recorder_;
  Findings& findings_;
  std::size_t seen_ = 0;
  std::vector<std::uint32_t> credits_;  // out, a device of the engine
  std::vector<LoadWatch> loads_;
};

}  // namespace plimsoll::simulation
