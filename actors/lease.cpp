#include "actors/lease.hpp"

#include <caf/send.hpp>

#include "actors/messages.hpp"

namespace plimsoll::actors {

Lease::~Lease() {
  caf::anon_send(governor_, LeaseReturned{terms_});
}

}  // namespace plimsoll::actors
