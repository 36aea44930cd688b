#include <memory>

#include "actors/lane.hpp"
#include "actors/stage.hpp"
#include "actors/transforms.hpp"

namespace plimsoll::actors {

caf::behavior converter(caf::event_based_actor* self, Lane behind) {
  const auto rearranger = std::make_shared<Rearranger>();
  return stage(self, std::move(behind), trace::EventKind::convert,
               [rearranger](const UnitTask& task) { convert_unit(task, *rearranger); });
}

}  // namespace plimsoll::actors
