#include "plan/assign_formats.hpp"

#include <algorithm>

#include "plan/skipped_modules.hpp"
#include "plan/unit_sizes.hpp"

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
  Assigner(const io::Catalogue& catalogue, const Recipe& recipe)
      : catalogue_(catalogue), recipe_(recipe) {}

  Expected<Assignment> assign() {
    made_.formats.reserve(catalogue_.tensors.size());
    for (const io::TensorEntry& tensor : catalogue_.tensors) {
      const Expected<bool> meant = is_meant(tensor);
      if (!meant) return fail(meant.error());
      const Expected<Format> format = format_of(tensor, *meant);
      if (!format) return fail(format.error());
      made_.formats.push_back(*format);
      if (*meant && format->kind == codecs::FormatKind::keep) made_.left_out.push_back(tensor.name);
    }
    list_skipped_modules();
    return std::move(made_);
  }

 private:
  /// Whether `to` is meant for a tensor, skips aside.
  [[nodiscard]] Expected<bool> is_meant(const io::TensorEntry& tensor) const {
    if (codecs::is_cast(recipe_.to.kind)) return is_floating_point(tensor.dtype);
    if (!codecs::is_quantized(recipe_.to.kind)) return false;
    return recipe_.is_linear(tensor);
  }

  [[nodiscard]] Expected<Format> format_of(const io::TensorEntry& tensor, bool meant) const {
    for (const Match& match : recipe_.matches) {
      const Expected<bool> found = match.test(tensor.name);
      if (!found) return fail(found.error());
      if (*found) return forced(tensor, match.format);
    }
    if (!meant) return Format{};
    const Expected<bool> skipped = is_skipped(tensor);
    if (!skipped) return fail(skipped.error());
    const bool left =
        *skipped || (codecs::is_cast(recipe_.to.kind) && !can_make(tensor.dtype, recipe_.to));
    return left ? Format{} : recipe_.to;
  }

  [[nodiscard]] Expected<Format> forced(const io::TensorEntry& tensor, const Format& format) const {
    if (can_make(tensor.dtype, format)) return format;
    return fail(
        ErrorCode::unsupported,
        "a match asks for a format that cannot be made from " + std::string(name_of(tensor.dtype)),
        catalogue_.files[tensor.file].path, tensor.name);
  }

  [[nodiscard]] Expected<bool> is_skipped(const io::TensorEntry& tensor) const {
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
    for (std::size_t i = 0; i < catalogue_.tensors.size(); ++i) {
      const io::TensorEntry& tensor = catalogue_.tensors[i];
      if (codecs::is_quantized(made_.formats[i].kind)) {
        quantized.push_back(module_of(tensor.name));
      } else if (tensor.shape.size() == 2 && tensor.name.ends_with(weight_suffix)) {
        skipped.push_back(module_of(tensor.name));
      }
    }
    if (!quantized.empty()) made_.skipped_modules = skip_entries(skipped, quantized);
  }

  const io::Catalogue& catalogue_;
  const Recipe& recipe_;
  Assignment made_;
};

}  // namespace

Expected<Assignment> assign_formats(const io::Catalogue& catalogue, const Recipe& recipe) {
  return Assigner(catalogue, recipe).assign();
}

}  // namespace plimsoll::plan
