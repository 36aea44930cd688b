#include "plan/model_form.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "plan/model_facts.hpp"

namespace plimsoll::plan {
namespace {

using rules::BackProduct;

class FormSearch {
 public:
  FormSearch(const io::Catalogue& catalogue, const ScalePairs& pairs,
             const config::HfConfig& config, const rules::NameRules& forward,
             const rules::WayBack& back)
      : catalogue_(catalogue), config_(config), forward_(forward), back_(back) {
    for (std::uint32_t i = 0; i < catalogue.tensors.size(); ++i) {
      if (pairs.weight_of[i]) continue;
      names_.push_back(catalogue.tensors[i].name);
      sources_.push_back(i);
    }
  }

  Expected<std::optional<ModelForm>> run() {
    if (Expected<void> found = find_stacks(); !found) return fail(found.error());
    if (merged_.empty() && stacks_.empty()) return std::nullopt;
    const Expected<rules::NameMapping> mapping = forward_.map(names_, std::nullopt);
    if (!mapping) return fail(mapping.error());
    find_published(*mapping);
    const bool is_merged = std::any_of(merged_.begin(), merged_.end(),
                                       [&](std::uint32_t name) { return !stays_[name]; });
    if (!is_merged && !are_left_alone(*mapping)) return std::nullopt;
    Expected<std::vector<BackProduct>> undone = back_.map(names_, stays_);
    if (!undone) return fail(undone.error());
    if (!is_merged && !changes_a_stack(*undone)) return std::nullopt;
    return form(*std::move(undone));
  }

 private:
  Expected<void> find_stacks() {
    for (std::uint32_t i = 0; i < names_.size(); ++i) {
      if (catalogue_.tensors[sources_[i]].shape.size() < 3) continue;
      if (names_[i].find(".experts.") != std::string::npos) stacks_.push_back(i);
      const Expected<bool> unstacks = back_.unstacks(names_[i]);
      if (!unstacks) return fail(unstacks.error());
      if (*unstacks) merged_.push_back(i);
    }
    return {};
  }

  /// What the way in converts is a checkpoint's, and stays.
  void find_published(const rules::NameMapping& mapping) {
    stays_.assign(names_.size(), false);
    for (const rules::Product& product : mapping.products) {
      if (!product.conversion || passes_by_shape(product)) continue;
      for (const auto& list : product.sources) {
        for (std::uint32_t source : list) stays_[source] = true;
      }
    }
  }

  /// Whether the product is one tensor that the way in does not transpose, because it has the
  /// model's shape. Of square ones, which fit either way, that is not known.
  [[nodiscard]] bool passes_by_shape(const rules::Product& product) const {
    if (!transposes_by_shape(product)) return false;
    const io::Shape& shape = catalogue_.tensors[sources_[product.sources.front().front()]].shape;
    if (shape.size() < 2 || shape[shape.size() - 2] == shape.back()) return false;
    return has_expert_shape(&config_, product.targets.front(), shape).value_or(false);
  }

  /// Whether the conversion is nothing but a transposition of what has not the model's shape.
  [[nodiscard]] bool transposes_by_shape(const rules::Product& product) const {
    const rules::Convert& convert = forward_.conversion(*product.conversion);
    const auto* const only = std::get_if<rules::Transpose>(&convert.operations.front());
    return convert.operations.size() == 1 && only != nullptr && only->if_shape_differs;
  }

  /// Whether the way in gives every stack the name it has.
  [[nodiscard]] bool are_left_alone(const rules::NameMapping& mapping) const {
    return std::all_of(mapping.products.begin(), mapping.products.end(),
                       [&](const rules::Product& product) {
                         const std::uint32_t source = product.sources.front().front();
                         if (!is_stack(source)) return true;
                         return product.targets.front() == names_[source] &&
                                (!product.conversion || transposes_by_shape(product));
                       });
  }

  /// Whether the way back gives a stack another name or shape.
  [[nodiscard]] bool changes_a_stack(const std::vector<BackProduct>& undone) const {
    return std::any_of(undone.begin(), undone.end(), [&](const BackProduct& product) {
      const std::uint32_t source = product.sources.front().front();
      return is_stack(source) && (product.conversion || product.name != names_[source]);
    });
  }

  [[nodiscard]] bool is_stack(std::uint32_t name) const {
    return std::binary_search(stacks_.begin(), stacks_.end(), name);
  }

  [[nodiscard]] ModelForm form(std::vector<BackProduct> undone) const {
    ModelForm form;
    for (std::uint32_t i = 0; i < names_.size(); ++i) {
      if (stays_[i]) form.stays.push_back(sources_[i]);
    }
    for (BackProduct& product : undone) {
      for (auto& list : product.sources) {
        for (std::uint32_t& source : list) source = sources_[source];
      }
    }
    form.undone = std::move(undone);
    return form;
  }

  const io::Catalogue& catalogue_;
  const config::HfConfig& config_;
  const rules::NameRules& forward_;
  const rules::WayBack& back_;
  std::vector<std::string> names_;      // of all tensors but scales
  std::vector<std::uint32_t> sources_;  // their catalogue tensors
  // Of names_, by their places:
  std::vector<std::uint32_t> stacks_;  // experts, three dimensions
  std::vector<std::uint32_t> merged_;  // what a conversion of the way back takes apart
  std::vector<bool> stays_;
};

}  // namespace

Expected<std::optional<ModelForm>> find_model_form(const io::Catalogue& catalogue,
                                                   const ScalePairs& pairs,
                                                   const config::HfConfig& config,
                                                   const rules::NameRules& forward,
                                                   const rules::WayBack& back) {
  return FormSearch(catalogue, pairs, config, forward, back).run();
}

}  // namespace plimsoll::plan
