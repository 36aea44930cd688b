#include "actors/unit_memory.hpp"

#include "actors/load_run.hpp"
#include "plan/unit_sizes.hpp"

namespace plimsoll::actors {

std::byte* destination_of(const UnitTask& task, const plan::Piece& piece) noexcept {
  const plan::Plan& plan = task.run->plan();
  const plan::Component& component = plan.components[piece.component];
  switch (plan.sink) {
    case plan::Sink::memory: {
      const std::uint16_t device = plan.outputs[plan.units[task.unit].output].device;
      return task.run->parts().final_memory[device].address() + component.address + piece.offset;
    }
    case plan::Sink::caller:
      return task.run->parts().destinations[piece.component] + piece.offset;
    case plan::Sink::consumer:
      return task.output->memory() + component.address + piece.offset;
    case plan::Sink::checkpoint:
      break;
  }
  return task.output->memory() + piece.buffer_offset;
}

std::byte* landing_of(const UnitTask& task) noexcept {
  const plan::Plan& plan = task.run->plan();
  const plan::Unit& unit = plan.units[task.unit];
  if (task.work->memory() != nullptr) return task.work->memory() + unit.landing;
  return destination_of(task, plan::pieces_of(plan, unit).items[0]);
}

std::byte* numbers_of(const UnitTask& task) noexcept {
  const plan::Unit& unit = task.run->plan().units[task.unit];
  std::byte* slot = task.work->memory();
  return unit.route.decode ? slot + plan::decoded_offset(unit.source_bytes) : slot + unit.landing;
}

}  // namespace plimsoll::actors
