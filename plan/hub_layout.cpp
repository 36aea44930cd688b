#include "plan/hub_layout.hpp"

#include <utility>

#include "plan/conversion.hpp"
#include "plan/drafts.hpp"
#include "plan/model_form.hpp"

namespace plimsoll::plan {
namespace {

using rules::BackProduct;

/// Makes a published checkpoint of one in the model's form.
class HubLayout {
 public:
  HubLayout(const io::Catalogue& catalogue, ScalePairs pairs, const config::HfConfig& config,
            const rules::WayBack& back)
      : catalogue_(catalogue), config_(config), back_(back), drafts_(catalogue, std::move(pairs)) {}

  Expected<Assembly> run(const ModelForm& form, Assembly report) {
    for (std::uint32_t source : form.stays) {
      const std::optional<TileScales>& scales = drafts_.pairs().scales[source];
      Expected<void> done = keep(source, catalogue_.tensors[source].name,
                                 scales ? catalogue_.tensors[scales->tensor].name : "");
      if (!done) return fail(done.error());
    }
    for (const BackProduct& product : form.undone) {
      Expected<void> done = product.conversion ? take_apart(product)
                                               : keep(product.sources.front().front(), product.name,
                                                      scale_name_of(product.name));
      if (!done) return fail(done.error());
    }
    if (Expected<void> done = drafts_.finish(report); !done) return fail(done.error());
    return report;
  }

 private:
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
  const rules::WayBack& back_;
  Drafts drafts_;
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
  const Expected<rules::WayBack> back = rules::WayBack::compile(rules, choice.architecture);
  if (!back) return fail(back.error());
  const Expected<rules::NameRules> forward = rules::NameRules::compile(rules, choice.architecture);
  if (!forward) return fail(forward.error());
  const auto form = find_model_form(catalogue, pairs, config, *forward, *back);
  if (!form) return fail(form.error());
  if (!*form) return as_published(catalogue, std::move(pairs), std::move(report));
  return HubLayout(catalogue, std::move(pairs), config, *back).run(**form, std::move(report));
}

}  // namespace plimsoll::plan
