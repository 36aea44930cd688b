#include "actors/unit_memory.hpp"

#include "actors/load_run.hpp"

namespace plimsoll::actors {
namespace {

const plan::Unit& unit_of(const UnitTask& task) {
  return task.run->plan().units[task.unit];
}

const plan::OutputTensor& output_of(const UnitTask& task) {
  return task.run->plan().outputs[unit_of(task).output];
}

}  // namespace

plan::SlotLayout slot_of(const UnitTask& task) noexcept {
  const plan::Unit& unit = unit_of(task);
  const plan::OutputTensor& output = output_of(task);
  return plan::slot_layout(output.stored, output.dtype, unit.route, unit.region.elements(),
                           unit.scale_bytes);
}

Destination destination_of(const UnitTask& task, const plan::Piece& piece) noexcept {
  const plan::Plan& plan = task.run->plan();
  const plan::Component& component = plan.components[piece.component];
  switch (plan.sink) {
    case plan::Sink::memory: {
      const gpu::Memory& memory = task.run->parts().final_memory[output_of(task).device];
      return {memory.address() + component.address + piece.offset, piece.stride};
    }
    case plan::Sink::caller:
      return {task.run->parts().destinations[piece.component] + piece.offset, piece.stride};
    case plan::Sink::consumer:
      return {task.output->memory() + component.address + piece.offset, piece.stride};
    case plan::Sink::checkpoint:
      break;
  }
  return {task.output->memory() + piece.buffer_offset, piece.row_bytes};
}

std::byte* landing_of(const UnitTask& task) noexcept {
  const plan::Unit& unit = unit_of(task);
  if (task.work->memory() != nullptr) return task.work->memory() + unit.landing;
  return destination_of(task, plan::pieces_of(task.run->plan(), unit).items[0]).first;
}

std::byte* scales_of(const UnitTask& task) noexcept {
  return task.work->memory() + slot_of(task).scales;
}

std::byte* decoded_of(const UnitTask& task) noexcept {
  return task.work->memory() + slot_of(task).decoded;
}

std::byte* arranged_of(const UnitTask& task) noexcept {
  return task.work->memory() + slot_of(task).arranged;
}

const std::byte* numbers_of(const UnitTask& task) noexcept {
  const plan::Route& route = unit_of(task).route;
  if (route.rearrange) return arranged_of(task);
  return route.decode ? decoded_of(task) : landing_of(task);
}

std::uint32_t& state_of(const UnitTask& task) noexcept {
  const plan::OutputTensor& output = output_of(task);
  std::byte* const states = task.run->parts().states[output.device].address();
  return reinterpret_cast<std::uint32_t*>(states)[output.state];
}

}  // namespace plimsoll::actors
