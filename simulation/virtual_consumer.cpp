#include "simulation/virtual_consumer.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace plimsoll::simulation {

VirtualConsumer::VirtualConsumer(LoadStage& stage,
                                 const std::vector<std::vector<ExpectedComponent>>& expected)
    : stage_(stage), expected_(expected), delivered_(expected.size(), false) {}

void VirtualConsumer::deliver(std::uint32_t output, actors::LeasePtr buffer, actors::JobDone done) {
  const plan::OutputTensor& tensor = stage_.scenario.plan->outputs[output];
  stage_.observer.using_output(stage_.load, output, tensor.device, buffer->memory(),
                               tensor.buffer_bytes);
  if (delivered_[output]) stage_.report("delivers tensor " + std::to_string(output) + " twice");
  delivered_[output] = true;

  const std::uint32_t number = deliveries_++;
  const Faults& faults = stage_.scenario.faults;
  if (faults.standstill && number >= *faults.standstill) {
    kept_.push_back({output, std::move(buffer), std::move(done)});
    return;
  }
  const bool refuses = faults.refusal == number;
  const std::uint64_t most_ns = stage_.scenario.pace.consumer_ns;
  stage_.clock.after(stage_.delay(most_ns), [this, refuses, done = std::move(done)] {
    done(refuses ? std::optional(stage_.inject(ErrorCode::consumer_failed, "a tensor is refused"))
                 : std::nullopt);
  });
  stage_.clock.after(stage_.delay(most_ns), [this, output, held = std::move(buffer)]() mutable {
    give_back(output, held);
  });
}

/// As late as possible: until now the buffer was the consumer's alone.
void VirtualConsumer::look_at(std::uint32_t output, const std::byte* buffer) {
  const plan::Plan& plan = *stage_.scenario.plan;
  for (std::size_t i = 0; i < expected_[output].size(); ++i) {
    const plan::Component& component = plan.components[plan.outputs[output].first_component + i];
    const Bytes& bytes = expected_[output][i].bytes;
    if (!std::equal(bytes.begin(), bytes.end(), buffer + component.address)) {
      stage_.report("tensor " + std::to_string(output) + " is delivered with wrong bytes in " +
                    expected_[output][i].name);
    }
  }
}

void VirtualConsumer::give_back(std::uint32_t output, actors::LeasePtr& buffer) {
  look_at(output, buffer->memory());
  stage_.observer.output_done(stage_.load, output, stage_.scenario.plan->outputs[output].device);
  buffer.reset();
}

void VirtualConsumer::give_up() {
  for (Kept& kept : std::exchange(kept_, {})) {
    stage_.clock.after(stage_.delay(stage_.scenario.pace.consumer_ns),
                       [this, output = kept.output, buffer = std::move(kept.buffer),
                        done = std::move(kept.done)]() mutable {
                         give_back(output, buffer);
                         done(std::nullopt);
                       });
  }
}

void VirtualConsumer::check() const {
  const auto missing = std::ranges::count(delivered_, false);
  if (missing > 0) stage_.report(std::to_string(missing) + " tensors were never delivered");
}

}  // namespace plimsoll::simulation
