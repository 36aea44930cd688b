#include "actors/lease.hpp"

#include <caf/send.hpp>

#include "actors/handover.hpp"
#include "actors/messages.hpp"

namespace plimsoll::actors {

Lease::~Lease() {
  take_over(this);     // from whoever let go of it before
  hand_over(memory_);  // to the unit that is granted it next
  caf::anon_send(governor_, LeaseReturned{terms_});
}

}  // namespace plimsoll::actors
