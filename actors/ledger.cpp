#include "actors/ledger.hpp"

#include <cassert>

namespace plimsoll::actors {

bool Ledger::fits(const Claim& claim) const noexcept {
  return claim.slots <= capacity_.slots - held_.slots &&
         claim.outputs <= capacity_.outputs - held_.outputs &&
         claim.reads <= capacity_.reads - held_.reads;
}

void Ledger::take(const Claim& claim) noexcept {
  assert(fits(claim));
  held_.slots += claim.slots;
  held_.outputs += claim.outputs;
  held_.reads += claim.reads;
}

void Ledger::give(const Claim& claim) noexcept {
  assert(claim.slots <= held_.slots && claim.outputs <= held_.outputs &&
         claim.reads <= held_.reads);
  held_.slots -= claim.slots;
  held_.outputs -= claim.outputs;
  held_.reads -= claim.reads;
}

}  // namespace plimsoll::actors
