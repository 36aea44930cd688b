#include "actors/lane.hpp"
#include "actors/stage.hpp"
#include "actors/transforms.hpp"

namespace plimsoll::actors {

caf::behavior converter(caf::event_based_actor* self, Lane behind) {
  return stage(self, std::move(behind), trace::EventKind::convert, convert_unit);
}

}  // namespace plimsoll::actors
