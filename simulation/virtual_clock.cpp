#include "simulation/virtual_clock.hpp"

#include <algorithm>

namespace plimsoll::simulation {

std::uint64_t VirtualClock::after(std::uint64_t delay_ns, Happening happening) {
  const std::uint64_t time_ns = now_ns_ + delay_ns;
  at(time_ns, std::move(happening));
  return time_ns;
}

void VirtualClock::at(std::uint64_t time_ns, Happening happening) {
  events_.emplace(std::pair(time_ns, queued_++), std::move(happening));
}

void VirtualClock::deliver() {
  auto first = events_.extract(events_.begin());
  now_ns_ = std::max(now_ns_, first.key().first);
  first.mapped()();
}

void VirtualClock::clear() noexcept {
  // What an event holds may queue further ones when it is let go.
  while (!events_.empty()) events_.extract(events_.begin());
}

}  // namespace plimsoll::simulation
