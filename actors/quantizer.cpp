#include "actors/lane.hpp"
#include "actors/stage.hpp"
#include "actors/transforms.hpp"

namespace plimsoll::actors {

caf::behavior quantizer(caf::event_based_actor* self, Lane behind) {
  return stage(self, std::move(behind), trace::EventKind::quantize, quantize_unit);
}

}  // namespace plimsoll::actors
