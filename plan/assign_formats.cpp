#include "plan/assign_formats.hpp"

#include <algorithm>
#include <utility>

#include "plan/skipped_modules.hpp"

namespace plimsoll::plan {
namespace {

using codecs::Format;

constexpr std::string_view weight_suffix = ".weight";

std::string_view module_of(std::string_view name) {
  if (name.ends_with(weight_suffix)) name.remove_suffix(weight_suffix.size());
  return name;
}

/// The reference library's rule for a name in its list of modules not to convert.
bool skips_module(std::string_view skip, std::string_view module) {
  if (module.ends_with(skip)) return true;
  return module.starts_with(skip) && (skip.ends_with('.') || module[skip.size()] == '.');
}

Expected<bool> any_of(const std::vector<NameTest>& tests, std::string_view name) {
  for (const NameTest& test : tests) {
    const Expected<bool> found = test(name);
    if (!found || *found) return found;
  }
  return false;
}

/// Decides on one tensor after the other.
class Assigner {
 public:
  Assigner(const io::Catalogue& catalogue, Blueprints blueprints, const Recipe& recipe)
      : catalogue_(catalogue), recipe_(recipe) {
    made_.blueprints = std::move(blueprints);
  }

  Expected<Assignment> assign() {
    const std::vector<Blueprint>& tensors = made_.blueprints.tensors;
    made_.treatments.reserve(tensors.size());
    for (const Blueprint& tensor : tensors) {
      const Expected<bool> meant = is_meant(tensor);
      if (!meant) return fail(meant.error());
      const Expected<Format> format = format_of(tensor, *meant);
      if (!format) return fail(format.error());
      if (*meant && format->kind == codecs::FormatKind::keep) made_.left_out.push_back(tensor.name);
      made_.treatments.push_back(treatment_of(tensor, *format));
    }
    if (recipe_.lists_skips) list_skipped_modules();
    drop_used_scales();
    return std::move(made_);
  }

 private:
  [[nodiscard]] bool is_scaled(const Blueprint& tensor) const {
    return scales_of(made_.blueprints, tensor) != nullptr;
  }

  /// Whether some of its sources are blocks, or have to be decoded for another reason.
  [[nodiscard]] bool is_packed(const Blueprint& tensor) const {
    if (catalogue_.format != io::ContainerFormat::gguf) return false;
    for (std::size_t i = 0; i < tensor.view.box_count(); ++i) {
      if (catalogue_.tensors[tensor.view.source(i)].is_coded()) return true;
    }
    return false;
  }

  /// Whether its bytes can stay as they are, as far as its sources are concerned.
  [[nodiscard]] bool can_stay(const Blueprint& tensor) const {
    if (!is_packed(tensor)) return true;
    const io::TensorEntry& first = catalogue_.tensors[tensor.view.source(0)];
    return recipe_.keeps_blocks && tensor.view.is_contiguous() &&
           first.map == codecs::ElementMap::none;
  }

  [[nodiscard]] bool has_blocks(const Blueprint& tensor) const {
    return catalogue_.tensors[tensor.view.source(0)].blocks.has_value();
  }

  [[nodiscard]] Stock stock_of(const Blueprint& tensor) const {
    const io::Shape& shape = tensor.view.shape();
    Stock stock{tensor.dtype, is_scaled(tensor) || is_packed(tensor), shape.size()};
    if (!shape.empty()) stock.row = shape.back();
    return stock;
  }

  /// Whether `to` is meant for a tensor, skips aside.
  [[nodiscard]] Expected<bool> is_meant(const Blueprint& tensor) const {
    if (tensor.scales_of) return false;
    if (codecs::is_cast(recipe_.to.kind)) return is_floating_point(tensor.dtype);
    if (!codecs::is_quantized(recipe_.to.kind)) return false;
    return recipe_.is_linear(tensor);
  }

  [[nodiscard]] Expected<Format> format_of(const Blueprint& tensor, bool meant) const {
    if (tensor.scales_of) return Format{};
    for (const Match& match : recipe_.matches) {
      const Expected<bool> found = match.test(tensor.name);
      if (!found) return fail(found.error());
      if (*found) return forced(tensor, match.format);
    }
    if (recipe_.to.kind == codecs::FormatKind::keep && !can_stay(tensor) && has_blocks(tensor)) {
      const auto blocks = *catalogue_.tensors[tensor.view.source(0)].blocks;
      return fail(ErrorCode::unsupported,
                  "it is in blocks of " + std::string(codecs::ggml::traits_of(blocks).name) +
                      ", which the result cannot hold; convert it to bf16, f16 or f32, write a "
                      ".gguf file, or load it with the layout gguf",
                  file_of(catalogue_, tensor), tensor.name);
    }
    if (!meant) return Format{};
    const Expected<bool> skipped = is_skipped(tensor);
    if (!skipped) return fail(skipped.error());
    return *skipped || leaves(tensor) ? Format{} : recipe_.to;
  }

  /// Whether `to` itself leaves the tensor as it is.
  [[nodiscard]] bool leaves(const Blueprint& tensor) const {
    const Treatment treatment = treatment_of(tensor, recipe_.to);
    if (codecs::is_cast(recipe_.to.kind)) return !can_make(stock_of(tensor), treatment);
    if (recipe_.to.kind != codecs::FormatKind::fp8_block) return false;
    // The older recipe of the reference library passes over what its tiles do not fit.
    const io::Shape& shape = tensor.view.shape();
    return recipe_.to.recipe == codecs::Fp8Recipe::transformers && shape.size() >= 2 &&
           (shape.back() % codecs::fp8_tile != 0 ||
            shape[shape.size() - 2] % codecs::fp8_tile != 0);
  }

  [[nodiscard]] Treatment treatment_of(const Blueprint& tensor, const Format& format) const {
    Treatment treatment{format, std::nullopt};
    const bool coded = is_scaled(tensor) || is_packed(tensor);
    const Dtype model = tensor.model_dtype.value_or(recipe_.compute_dtype);
    if (format.kind == codecs::FormatKind::ggml) return treatment;
    if (codecs::is_quantized(format.kind)) {
      if (coded || tensor.model_dtype) treatment.working = model;
      return treatment;
    }
    if (format.kind != codecs::FormatKind::keep || tensor.scales_of) return treatment;
    if (is_packed(tensor) && recipe_.to.kind == codecs::FormatKind::keep) {
      if (!can_stay(tensor)) treatment.format = codecs::cast_to(tensor.dtype);
      return treatment;
    }
    const bool of_gguf = catalogue_.format == io::ContainerFormat::gguf && !recipe_.keeps_blocks &&
                         is_floating_point(tensor.dtype);
    const bool becomes_plain = (is_scaled(tensor) || of_gguf || !can_stay(tensor)) &&
                               recipe_.to.kind != codecs::FormatKind::keep;
    if (becomes_plain || (!coded && tensor.model_dtype)) {
      const Treatment cast{codecs::cast_to(model), std::nullopt};
      if (can_make(stock_of(tensor), cast)) return cast;
    }
    return treatment;
  }

  [[nodiscard]] Expected<Format> forced(const Blueprint& tensor, const Format& format) const {
    if (can_make(stock_of(tensor), treatment_of(tensor, format))) return format;
    return fail(ErrorCode::unsupported,
                "a match asks for a format that cannot be made from " +
                    std::string(name_of(tensor.dtype)) + " of shape " +
                    views::text_of(tensor.view.shape()),
                file_of(catalogue_, tensor), tensor.name);
  }

  [[nodiscard]] Expected<bool> is_skipped(const Blueprint& tensor) const {
    if (recipe_.skips) return any_of(*recipe_.skips, tensor.name);
    if (!codecs::is_quantized(recipe_.to.kind)) return false;
    return std::any_of(
        recipe_.default_skips.begin(), recipe_.default_skips.end(),
        [&](const std::string& skip) { return skips_module(skip, module_of(tensor.name)); });
  }

  void list_skipped_modules() {
    std::vector<std::string_view> skipped(recipe_.default_skips.begin(),
                                          recipe_.default_skips.end());
    std::vector<std::string_view> quantized;
    const std::vector<Blueprint>& tensors = made_.blueprints.tensors;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const std::string_view name = tensors[i].name;
      if (codecs::is_quantized(made_.treatments[i].format.kind)) {
        quantized.push_back(module_of(name));
      } else if (tensors[i].view.shape().size() == 2 && name.ends_with(weight_suffix)) {
        skipped.push_back(module_of(name));
      }
    }
    if (!quantized.empty()) made_.skipped_modules = skip_entries(skipped, quantized);
  }

  /// Scales of weights that are not kept.
  void drop_used_scales() {
    std::vector<Blueprint>& tensors = made_.blueprints.tensors;
    std::size_t kept = 0;
    std::vector<bool> used(tensors.size(), false);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!tensors[i].scales_of) continue;
      const Treatment& weight = made_.treatments[*tensors[i].scales_of];
      used[i] = weight.format.kind != codecs::FormatKind::keep;
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (used[i]) continue;
      if (kept != i) {
        tensors[kept] = std::move(tensors[i]);
        made_.treatments[kept] = made_.treatments[i];
      }
      tensors[kept++].scales_of.reset();
    }
    tensors.resize(kept);
    made_.treatments.resize(kept);
  }

  const io::Catalogue& catalogue_;
  const Recipe& recipe_;
  Assignment made_;
};

}  // namespace

Expected<Assignment> assign_formats(const io::Catalogue& catalogue, Blueprints blueprints,
                                    const Recipe& recipe) {
  return Assigner(catalogue, std::move(blueprints), recipe).assign();
}

}  // namespace plimsoll::plan
