#include "plan/hub_layout.hpp"

#include <algorithm>
#include <utility>

#include "plan/conversion.hpp"
#include "plan/drafts.hpp"
#include "plan/model_facts.hpp"
#include "rules/name_mapping.hpp"
#include "rules/way_back.hpp"

namespace plimsoll::plan {
namespace {

using rules::BackProduct;
using rules::WayBack;

/// Takes a merged checkpoint apart.
class HubLayout {
 public:
  HubLayout(const io::Catalogue& catalogue, ScalePairs pairs, const config::HfConfig& config,
            const WayBack& back)
      : catalogue_(catalogue), config_(config), back_(back), drafts_(catalogue, std::move(pairs)) {
    for (std::uint32_t i = 0; i < catalogue.tensors.size(); ++i) {
      if (drafts_.pairs().weight_of[i]) continue;
      names_.push_back(catalogue.tensors[i].name);
      sources_.push_back(i);
    }
  }

  /// Whether the tensors have the model's names and shapes, so that there is something to undo.
  Expected<bool> finds_merged(const rules::NameRules& forward) {
    std::vector<std::uint32_t> stacks;
    std::vector<std::uint32_t> candidates;
    for (std::uint32_t i = 0; i < names_.size(); ++i) {
      if (catalogue_.tensors[sources_[i]].shape.size() < 3) continue;
      if (names_[i].find(".experts.") != std::string::npos) stacks.push_back(i);
      const Expected<bool> unstacks = back_.unstacks(names_[i]);
      if (!unstacks) return fail(unstacks.error());
      if (*unstacks) candidates.push_back(i);
    }
    if (candidates.empty() && stacks.empty()) return false;
    const Expected<rules::NameMapping> mapping = forward.map(names_, std::nullopt);
    if (!mapping) return fail(mapping.error());
    stays_.assign(names_.size(), false);
    for (const rules::Product& product : mapping->products) {
      if (!product.conversion || passes_by_shape(forward, product)) continue;
      for (const auto& list : product.sources) {
        for (std::uint32_t source : list) stays_[source] = true;
      }
    }
    const bool merged = std::any_of(candidates.begin(), candidates.end(),
                                    [&](std::uint32_t source) { return !stays_[source]; });
    if (merged || stacks.empty()) return merged;
    return are_of_model(stacks, forward, *mapping);
  }

  Expected<Assembly> run(Assembly report) {
    Expected<std::vector<BackProduct>> products = back_.map(names_, stays_);
    if (!products) return fail(products.error());
    for (std::uint32_t i = 0; i < names_.size(); ++i) {
      if (!stays_[i]) continue;
      const std::optional<TileScales>& scales = drafts_.pairs().scales[sources_[i]];
      const std::string scale_name = scales ? catalogue_.tensors[scales->tensor].name : "";
      if (Expected<void> done = keep(sources_[i], names_[i], scale_name); !done) {
        return fail(done.error());
      }
    }
    for (BackProduct& product : *products) {
      for (auto& list : product.sources) {
        for (std::uint32_t& source : list) source = sources_[source];
      }
      Expected<void> done = product.conversion ? take_apart(product)
                                               : keep(product.sources.front().front(), product.name,
                                                      scale_name_of(product.name));
      if (!done) return fail(done.error());
    }
    if (Expected<void> done = drafts_.finish(report); !done) return fail(done.error());
    return report;
  }

 private:
  /// Whether the conversion is nothing but a transposition of what has not the model's shape.
  static bool transposes_by_shape(const rules::Convert& convert) {
    const auto* const only = std::get_if<rules::Transpose>(&convert.operations.front());
    return convert.operations.size() == 1 && only != nullptr && only->if_shape_differs;
  }

  /// Whether the product is one tensor that the way in does not transpose, because it has the
  /// model's shape. Of square ones, which fit either way, that is not known.
  [[nodiscard]] bool passes_by_shape(const rules::NameRules& forward,
                                     const rules::Product& product) const {
    if (!transposes_by_shape(forward.conversion(*product.conversion))) return false;
    const io::Shape& shape = catalogue_.tensors[sources_[product.sources.front().front()]].shape;
    if (shape.size() < 2 || shape[shape.size() - 2] == shape.back()) return false;
    return has_expert_shape(&config_, product.targets.front(), shape).value_or(false);
  }

  /// Whether the way in leaves all stacks as they are and the way back would not, so that they have
  /// the model's names.
  [[nodiscard]] Expected<bool> are_of_model(const std::vector<std::uint32_t>& stacks,
                                            const rules::NameRules& forward,
                                            const rules::NameMapping& mapping) const {
    const auto is_stack = [&](std::uint32_t source) {
      return std::binary_search(stacks.begin(), stacks.end(), source);
    };
    for (const rules::Product& product : mapping.products) {
      const std::uint32_t source = product.sources.front().front();
      if (!is_stack(source)) continue;
      if (product.targets.front() != names_[source]) return false;
      if (!product.conversion) continue;
      if (!transposes_by_shape(forward.conversion(*product.conversion))) return false;
    }
    const Expected<std::vector<BackProduct>> products = back_.map(names_, stays_);
    if (!products) return fail(products.error());
    return std::any_of(products->begin(), products->end(), [&](const BackProduct& product) {
      const std::uint32_t source = product.sources.front().front();
      return is_stack(source) && (product.conversion || product.name != names_[source]);
    });
  }

  Expected<void> keep(std::uint32_t source, const std::string& name,
                      const std::string& scale_name) {
    return drafts_.add_stored(source, name, std::nullopt, scale_name);
  }

  Expected<void> take_apart(const BackProduct& product) {
    const rules::Convert& rule = back_.conversion(*product.conversion);
    for (std::size_t i = 0; i < product.sources.size(); ++i) {
      if (!product.sources[i].empty()) continue;
      return fail(ErrorCode::malformed, "there is no tensor that matches " + rule.from[i],
                  catalogue_.directory, product.name);
    }
    Expected<Gathered> gathered = gather(catalogue_, drafts_.pairs(), product.sources, &rule);
    if (!gathered) return fail(gathered.error());
    const std::string& merged = catalogue_.tensors[gathered->first].name;
    auto results = convert(rule, std::move(gathered->lists), {&config_, {}});
    if (!results) {
      return fail_at(catalogue_, gathered->first, results.error().code(),
                     "cannot be taken apart by " + results.error().reason(), merged);
    }
    std::vector<std::string> patterns;
    patterns.reserve(results->size());
    for (ConvertedTensor& result : *results) patterns.push_back(std::move(result.pattern));
    Expected<std::vector<std::string>> names = back_.names_of(product, patterns);
    if (!names) {
      return fail_at(catalogue_, gathered->first, names.error().code(), names.error().reason(),
                     merged);
    }
    for (std::size_t i = 0; i < results->size(); ++i) {
      drafts_.add_converted(std::move((*results)[i].tensor), std::move((*names)[i]), std::nullopt,
                            *gathered);
    }
    return {};
  }

  const io::Catalogue& catalogue_;
  const config::HfConfig& config_;
  const WayBack& back_;
  Drafts drafts_;
  std::vector<std::string> names_;
  std::vector<std::uint32_t> sources_;  // catalogue tensors of names_
  std::vector<bool> stays_;             // of names_: it has a checkpoint's name already
};

/// The catalogue's tensors, and which of them hold the scales of which.
Assembly as_published(const io::Catalogue& catalogue, ScalePairs pairs, Assembly report) {
  report.blueprints = as_stored(catalogue);
  for (std::size_t i = 0; i < pairs.weight_of.size(); ++i) {
    report.blueprints.tensors[i].scales_of = pairs.weight_of[i];
  }
  report.blueprints.scales = std::move(pairs.scales);
  return report;
}

}  // namespace

Expected<Assembly> hub_layout(const io::Catalogue& catalogue, ScalePairs pairs,
                              const rules::RuleSet& rules, const config::HfConfig& config,
                              Assembly report) {
  const rules::Choice choice = rules.choose(config);
  if (choice.architecture.lists.empty() || choice.architecture.published_merged) {
    return as_published(catalogue, std::move(pairs), std::move(report));
  }
  const Expected<WayBack> back = WayBack::compile(rules, choice.architecture);
  if (!back) return fail(back.error());
  const Expected<rules::NameRules> forward = rules::NameRules::compile(rules, choice.architecture);
  if (!forward) return fail(forward.error());
  HubLayout layout(catalogue, pairs, config, *back);
  const Expected<bool> merged = layout.finds_merged(*forward);
  if (!merged) return fail(merged.error());
  if (!*merged) return as_published(catalogue, std::move(pairs), std::move(report));
  return layout.run(std::move(report));
}

}  // namespace plimsoll::plan
