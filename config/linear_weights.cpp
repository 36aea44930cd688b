#include "config/linear_weights.hpp"

namespace plimsoll::config {

LinearRule::LinearRule() {
  const PatternFile file("linear");
  not_linear_ = file.patterns("not-linear", "not-linear");
  merged_experts_ = file.patterns("merged-experts", "merged-experts");
}

bool LinearRule::is_linear_weight(std::string_view name, Dtype dtype,
                                  std::span<const std::uint64_t> shape,
                                  std::string_view model_type) const {
  if (!is_floating_point(dtype)) return false;
  if (shape.size() == 3) return merged_experts_.match(name, model_type);
  return shape.size() == 2 && name.ends_with(".weight") && !not_linear_.match(name, model_type);
}

}  // namespace plimsoll::config
