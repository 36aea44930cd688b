#include "plimsoll/load.hpp"

#include <utility>

#include "api/load_state.hpp"

namespace plimsoll {

Load::Load(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
Load::Load(Load&&) noexcept = default;

Load& Load::operator=(Load&& other) noexcept {
  Load(std::move(other)).state_.swap(state_);
  return *this;
}

Load::~Load() {
  if (state_ == nullptr) return;
  state_->cancel();
  state_->wait();
  state_->forget_model();
}

const Plan& Load::plan() const {
  return state_->plan();
}
Progress Load::progress() const noexcept {
  return state_->progress();
}
void Load::cancel() noexcept {
  state_->cancel();
}
void Load::wait() const noexcept {
  state_->wait();
}
bool Load::wait_for(std::chrono::nanoseconds timeout) const noexcept {
  return state_->wait_for(timeout);
}
const Report& Load::report() const {
  return state_->report();
}
Model Load::get() const {
  return state_->model();
}

}  // namespace plimsoll
