#include <algorithm>
#include <numeric>

#include "api/model_state.hpp"
#include "config/recipe_text.hpp"
#include "plan/components.hpp"

namespace plimsoll {
std::string_view role_name(plan::Role role) noexcept {
  switch (role) {
    case plan::Role::absmax:
      return "absmax";
    case plan::Role::quant_map:
      return "quant_map";
    case plan::Role::quant_state:
      return "quant_state";
    case plan::Role::scale:
      return "scale";
    case plan::Role::data:
      break;
  }
  return "data";
}

TensorViews::TensorViews(std::shared_ptr<const plan::Plan> plan) : plan_(std::move(plan)) {
  names_.reserve(plan_->components.size());
  formats_.reserve(plan_->outputs.size());
  components_.reserve(plan_->components.size());
  tensors_.reserve(plan_->outputs.size());
  for (const plan::OutputTensor& output : plan_->outputs) {
    for (std::uint32_t i = 0; i < output.component_count; ++i) {
      const plan::Component& component = plan_->components[output.first_component + i];
      names_.push_back(plan::stored_name(output, component));
      components_.push_back(
          {role_name(component.role), names_.back(), component.dtype, component.shape, {}});
    }
    formats_.push_back(config::format_text(output.format));
    tensors_.push_back(
        {output.name, output.dtype, output.shape, formats_.back(),
         plan_->devices[output.device].name,
         std::span(components_).subspan(output.first_component, output.component_count)});
  }
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  std::sort(by_name_.begin(), by_name_.end(), [&](std::uint32_t left, std::uint32_t right) {
    return tensors_[left].name < tensors_[right].name;
  });
}

void TensorViews::set_address(std::uint32_t component, const std::byte* address) {
  components_[component].bytes = {address,
                                  static_cast<std::size_t>(plan_->components[component].bytes)};
}

const Tensor* TensorViews::find(std::string_view name) const noexcept {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [&](std::uint32_t index, std::string_view wanted) { return tensors_[index].name < wanted; });
  if (found == by_name_.end() || tensors_[*found].name != name) return nullptr;
  return &tensors_[*found];
}

}  // namespace plimsoll
