#include "actors/constants.hpp"

#include <cstring>

namespace plimsoll::actors {
namespace {

/// Calls `visit(index, component)` for the tensor's components with known bytes.
template <class Visit>
void for_each_constant(const plan::Plan& plan, const plan::OutputTensor& output, Visit visit) {
  for (std::uint32_t i = 0; i < output.component_count; ++i) {
    const std::uint32_t index = output.first_component + i;
    if (plan.components[index].constant != plan::no_constant) visit(index, plan.components[index]);
  }
}

}  // namespace

void place_constants(LoadRun& run) {
  const plan::Plan& plan = run.plan();
  if (plan.sink != plan::Sink::memory && plan.sink != plan::Sink::caller) return;
  for (const plan::OutputTensor& output : plan.outputs) {
    for_each_constant(plan, output, [&](std::uint32_t index, const plan::Component& component) {
      std::byte* const place =
          plan.sink == plan::Sink::memory
              ? run.parts().final_memory[output.device].address() + component.address
              : run.parts().destinations[index];
      std::memcpy(place, plan.constants.data() + component.constant, component.bytes);
    });
  }
}

void place_constants(const plan::Plan& plan, const plan::OutputTensor& output, std::byte* buffer) {
  for_each_constant(plan, output, [&](std::uint32_t, const plan::Component& component) {
    std::memcpy(buffer + component.address, plan.constants.data() + component.constant,
                component.bytes);
  });
}

void clear_states(const LoadRun& run) {
  for (const gpu::Memory& states : run.parts().states) {
    if (states.bytes() > 0) std::memset(states.address(), 0, states.bytes());
  }
}

}  // namespace plimsoll::actors
