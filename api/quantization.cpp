#include "api/quantization.hpp"

#include <algorithm>

#include "config/recipe_text.hpp"

namespace plimsoll {
namespace {

/// The block size of NF4 is each tensor's own, and readers do not ask for the recipe of FP8.
Expected<codecs::Format> found_quantization(const plan::Plan& plan) {
  codecs::Format found;
  for (const plan::OutputTensor& output : plan.outputs) {
    codecs::Format format = output.format;
    if (!codecs::is_quantized(format.kind)) continue;
    if (format.kind == codecs::FormatKind::nf4) format = codecs::Format{.kind = format.kind};
    if (format.kind == codecs::FormatKind::fp8_block)
      format.recipe = codecs::Fp8Recipe::finegrained;
    if (found.kind != codecs::FormatKind::keep && found != format) {
      return fail(
          ErrorCode::unsupported,
          "a checkpoint can be quantized in one way, and others are " + config::format_text(found),
          "", output.name);
    }
    found = format;
  }
  return found;
}

/// Whether the tensor stays in FP8, whose scales stand beside it.
bool stays_scaled(const plan::Plan& plan, std::size_t output) {
  const views::View& view = plan.views[output];
  return plan.outputs[output].format.kind == codecs::FormatKind::keep && view.box_count() > 0 &&
         plan.scales[view.box(0).source].has_value();
}

/// FP8 weights of the source stay all of them or none: config.json describes one quantization.
Expected<void> check_uniform(const plan::Plan& plan, const codecs::Format& format) {
  if (!dequantizes(plan) && !codecs::is_quantized(format.kind)) return {};
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    if (!stays_scaled(plan, i)) continue;
    return fail(ErrorCode::unsupported,
                "it would stay in the FP8 of the source while others do not; a checkpoint can be "
                "quantized in one way",
                "", plan.outputs[i].name);
  }
  return {};
}

}  // namespace

std::string_view unreadable_method(const std::optional<config::HfConfig>& facts) {
  if (!facts || facts->quant_method == "fp8") return {};
  return facts->quant_method;
}

bool dequantizes(const plan::Plan& plan) {
  return std::any_of(plan.outputs.begin(), plan.outputs.end(),
                     [](const plan::OutputTensor& output) { return output.scaled; });
}

Expected<codecs::Format> quantization_of(const plan::Plan& plan) {
  auto format = found_quantization(plan);
  if (!format) return format;
  if (auto uniform = check_uniform(plan, *format); !uniform) return fail(uniform.error());
  return format;
}

}  // namespace plimsoll
