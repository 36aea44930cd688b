#include "api/finished_tensor.hpp"

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "config/recipe_text.hpp"
#include "plan/components.hpp"

namespace plimsoll {

struct FinishedTensor::State {
  std::shared_ptr<const plan::Plan> plan;
  std::vector<std::string> names;
  std::vector<Component> components;
  std::string format;
  Tensor tensor;
  actors::LeasePtr buffer;
};

FinishedTensor::FinishedTensor(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
FinishedTensor::FinishedTensor(FinishedTensor&&) noexcept = default;
FinishedTensor& FinishedTensor::operator=(FinishedTensor&&) noexcept = default;
FinishedTensor::~FinishedTensor() = default;

const Tensor& FinishedTensor::tensor() const noexcept {
  return state_->tensor;
}

/// Makes the view of one tensor in its output buffer.
class FinishedTensorBuilder {
 public:
  static FinishedTensor build(std::shared_ptr<const plan::Plan> plan, std::uint32_t index,
                              actors::LeasePtr buffer) {
    auto state = std::make_unique<FinishedTensor::State>();
    const plan::OutputTensor& output = plan->outputs[index];
    state->names.reserve(output.component_count);
    for (std::uint32_t i = 0; i < output.component_count; ++i) {
      const plan::Component& component = plan->components[output.first_component + i];
      state->names.push_back(plan::stored_name(output, component));
      state->components.push_back(
          {role_name(component.role),
           state->names.back(),
           component.dtype,
           component.shape,
           {buffer->memory() + component.address, static_cast<std::size_t>(component.bytes)}});
    }
    state->format = config::format_text(output.format);
    state->tensor = {output.name,
                     output.dtype,
                     output.shape,
                     state->format,
                     plan->devices[output.device].name,
                     state->components};
    state->plan = std::move(plan);
    state->buffer = std::move(buffer);
    return FinishedTensor(std::move(state));
  }
};

ConsumerThread::ConsumerThread(std::shared_ptr<const plan::Plan> plan,
                               std::function<void(FinishedTensor)> consumer)
    : plan_(std::move(plan)), consumer_(std::move(consumer)) {}

void ConsumerThread::deliver(std::uint32_t output, actors::LeasePtr buffer, actors::JobDone done) {
  thread_.add([this, output, buffer = std::move(buffer), done = std::move(done)]() mutable {
    const auto failed = failed_ ? std::nullopt : consume(output, std::move(buffer));
    failed_ = failed_ || failed;
    buffer = nullptr;  // home before the load hears of it
    done(failed);
  });
}

std::optional<Error> ConsumerThread::consume(std::uint32_t output, actors::LeasePtr buffer) {
  const std::string& name = plan_->outputs[output].name;
  try {
    consumer_(FinishedTensorBuilder::build(plan_, output, std::move(buffer)));
    return std::nullopt;
  } catch (const std::exception& failure) {
    return Error(ErrorCode::consumer_failed, failure.what(), "", name);
  } catch (...) {
    return Error(ErrorCode::consumer_failed, "the consumer threw", "", name);
  }
}

}  // namespace plimsoll
