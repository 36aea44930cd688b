#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "trace/trace.hpp"

namespace plimsoll::trace {

/// Checks what every run must keep, at every event and at the end:
///
/// - per device, the full-precision credits that are alive never exceed its slots;
/// - per device, the bytes of slots that are held never exceed the load line's slot part;
/// - a unit is granted once on a device, and released once, with the credits and bytes it was
///   granted; at the end everything is back (also after a cancel or a failure);
/// - per device and load, grants come in the order of tickets;
/// - a unit's stages lie between its first grant and its last release (but for `write`, which needs
///   only the output buffer and the grant), each at most once, one after another in the order of
///   EventKind, each begin before its end; in a complete run every stage that begins ends;
/// - grants and releases are points, stages are not; times never go back; every device is known;
/// - no event was dropped.
///
/// Returns one sentence a violation, the first `limit` of them; empty means that all hold. Pure;
/// linear in the events, and remembers every unit of the trace.
[[nodiscard]] std::vector<std::string> find_violations(const Trace& trace, std::size_t limit = 100);

}  // namespace plimsoll::trace
