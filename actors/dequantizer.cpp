#include "actors/lane.hpp"
#include "actors/stage.hpp"
#include "actors/transforms.hpp"

namespace plimsoll::actors {

caf::behavior dequantizer(caf::event_based_actor* self, Lane behind) {
  return stage(self, std::move(behind), trace::EventKind::decode, decode_unit);
}

}  // namespace plimsoll::actors
