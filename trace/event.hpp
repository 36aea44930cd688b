#pragma once

#include <cstdint>
#include <string_view>

namespace plimsoll::trace {

/// What happened to a unit. The order is that of a unit's life.
enum class EventKind : std::uint8_t {
  grant,     ///< the governor gave it what it claims; `bytes` of slot memory
  read,      ///< its source bytes are in memory
  decode,    ///< a stored format became plain numbers
  convert,   ///< cast, or moved into another shape
  quantize,  ///< plain numbers became codes and scales
  place,     ///< its result is where it belongs (final memory or output buffer)
  write,     ///< its result is in a file
  release,   ///< its slot went back; `bytes` as in its grant
};

inline constexpr int event_kind_count = 8;

/// Whether a unit enters or leaves a stage. Grants and releases are single points.
enum class EventPhase : std::uint8_t { begin, end, point };

/// One line of a trace. Plain data, 40 bytes. `time_ns` counts from the recorder's start; in an
/// engine's trace files from the engine's, so that those of its loads can be laid side by side.
struct Event {
  std::uint64_t time_ns = 0;
  std::uint64_t bytes = 0;
  std::uint32_t load = 0;    ///< number of the load within its engine, from 0
  std::uint32_t unit = 0;    ///< ticket within the load, from 0
  std::uint16_t device = 0;  ///< index into the engine's devices
  std::uint16_t lane = 0;
  std::uint16_t full_precision = 0;  ///< grant, release: credits this unit takes or gives back
  EventKind kind = EventKind::grant;
  EventPhase phase = EventPhase::point;

  friend bool operator==(const Event&, const Event&) = default;
};

[[nodiscard]] std::string_view name_of(EventKind kind) noexcept;
[[nodiscard]] std::string_view name_of(EventPhase phase) noexcept;

}  // namespace plimsoll::trace
