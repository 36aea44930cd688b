#include "plan/model_layout.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "plan/conversion.hpp"
#include "plan/drafts.hpp"
#include "plan/model_facts.hpp"
#include "rules/name_mapping.hpp"

namespace plimsoll::plan {
namespace {

using rules::NameMapping;
using rules::NameProblem;
using rules::NameRules;
using rules::Product;

class ModelLayout {
 public:
  ModelLayout(const io::Catalogue& catalogue, ScalePairs pairs, const config::HfConfig& config,
              const NameRules& rules, std::optional<std::span<const ExpectedTensor>> expected)
      : catalogue_(catalogue),
        config_(config),
        rules_(rules),
        listed_(expected.has_value()),
        drafts_(catalogue, std::move(pairs)) {
    for (std::uint32_t i = 0; i < catalogue.tensors.size(); ++i) {
      // Scales go where their weights go and take no part in the mapping.
      if (drafts_.pairs().weight_of[i]) continue;
      names_.push_back(catalogue.tensors[i].name);
      sources_.push_back(i);
    }
    if (!expected) return;
    wanted_.reserve(expected->size());
    for (const ExpectedTensor& tensor : *expected) {
      wanted_.emplace(tensor.name, &tensor);
      wanted_names_.push_back(tensor.name);
    }
  }

  Expected<Assembly> run() {
    Expected<NameMapping> mapping =
        rules_.map(names_, listed_ ? std::optional(std::span<const std::string>(wanted_names_))
                                   : std::nullopt);
    if (!mapping) return fail(mapping.error());
    if (!mapping->problems.empty()) return fail_with(mapping->problems.front(), *mapping);
    drafts_.reserve(mapping->products.size());
    for (Product& product : mapping->products) {
      for (auto& list : product.sources) {
        for (std::uint32_t& source : list) source = sources_[source];
      }
      if (Expected<void> done = product.conversion ? convert_product(product) : keep(product);
          !done) {
        return fail(done.error());
      }
    }
    report(std::move(*mapping));
    if (Expected<void> done = drafts_.finish(out_); !done) return fail(done.error());
    return std::move(out_);
  }

 private:
  [[nodiscard]] const ExpectedTensor* wanted(std::string_view name) const {
    const auto found = wanted_.find(name);
    return found == wanted_.end() ? nullptr : found->second;
  }

  /// Whether a tensor goes into the result: if the model has it, in this shape.
  [[nodiscard]] bool takes(const std::string& name, const io::Shape& shape) {
    if (!listed_) return true;
    const ExpectedTensor* tensor = wanted(name);
    if (!tensor) return false;
    if (tensor->shape == shape) return true;
    out_.mismatched.push_back({name, shape, tensor->shape});
    return false;
  }

  /// The dtype that the model has a tensor in, where a cast from the stored one leads there.
  [[nodiscard]] std::optional<Dtype> model_dtype(const Product& product, const std::string& name,
                                                 Dtype stored) const {
    constexpr unsigned least_bits = 16;
    if (!is_floating_point(stored)) return std::nullopt;
    if (listed_) {
      const ExpectedTensor* tensor = wanted(name);
      // Eight bits need scales: no cast makes them of wider numbers.
      if (!tensor || !is_floating_point(tensor->dtype)) return std::nullopt;
      if (bits_of(tensor->dtype) < least_bits && tensor->dtype != stored) return std::nullopt;
      return tensor->dtype;
    }
    if (!config_.dtype || bits_of(stored) < least_bits || bits_of(*config_.dtype) < least_bits) {
      return std::nullopt;
    }
    const bool full = product.fp32 || (*config_.dtype == Dtype::f16 && product.fp32_if_fp16);
    return full ? Dtype::f32 : *config_.dtype;
  }

  Expected<void> keep(const Product& product) {
    const std::uint32_t source = product.sources.front().front();
    const std::string& name = product.targets.front();
    const io::TensorEntry& entry = catalogue_.tensors[source];
    if (!takes(name, entry.shape)) return {};
    return drafts_.add_stored(source, name, model_dtype(product, name, entry.dtype),
                              drafts_.pairs().scales[source] ? scale_name_of(name) : "");
  }

  Expected<void> convert_product(const Product& product) {
    const rules::Convert& rule = rules_.conversion(*product.conversion);
    Expected<Gathered> gathered = gather(catalogue_, drafts_.pairs(), product.sources, &rule);
    if (!gathered) return fail(gathered.error());
    if (Expected<void> all = check_experts(product, rule, gathered->first); !all) return all;
    std::vector<const io::Shape*> shapes;
    for (const std::string& target : product.targets) {
      if (!listed_) break;
      const ExpectedTensor* tensor = wanted(target);
      shapes.push_back(tensor ? &tensor->shape : nullptr);
    }
    auto results = convert(rule, std::move(gathered->lists), {&config_, shapes});
    if (!results) {
      return fail_at(catalogue_, gathered->first, results.error().code(),
                     catalogue_.tensors[gathered->first].name + " cannot be converted by " +
                         results.error().reason(),
                     product.targets.front());
    }
    if (results->size() != product.targets.size()) {
      return fail_at(catalogue_, gathered->first, ErrorCode::unsupported,
                     "a rule with other targets than tensors", product.targets.front());
    }
    for (std::size_t i = 0; i < results->size(); ++i) {
      const std::string& name = product.targets[i];
      TiledView& tensor = (*results)[i].tensor;
      if (!takes(name, tensor.numbers.shape())) continue;
      drafts_.add_converted(std::move(tensor), name, model_dtype(product, name, gathered->dtype),
                            *gathered);
    }
    return {};
  }

  /// A stack of experts without its last ones shows no gap: config.json tells how many there are,
  /// where no list of the model's tensors does.
  [[nodiscard]] Expected<void> check_experts(const Product& product, const rules::Convert& rule,
                                             std::uint32_t first) const {
    const std::string& target = product.targets.front();
    if (listed_ || target.find(".experts.") == std::string::npos ||
        !std::holds_alternative<rules::MergeModulelist>(rule.operations.front())) {
      return {};
    }
    const std::optional<ExpertCount> count = expert_count(config_);
    if (!count) return {};
    for (const auto& list : product.sources) {
      // One tensor may be a stack already.
      if (list.size() < 2 || list.size() >= count->experts) continue;
      return fail_at(catalogue_, first, ErrorCode::malformed,
                     "there are " + std::to_string(list.size()) + " of the " +
                         std::to_string(count->experts) + " experts that config.json tells with " +
                         std::string(count->field),
                     target);
    }
    return {};
  }

  /// The problem, with the file of a tensor that it is about.
  Expected<Assembly> fail_with(const NameProblem& problem, const NameMapping& mapping) const {
    std::string file;
    for (const Product& product : mapping.products) {
      const auto& targets = product.targets;
      if (std::find(targets.begin(), targets.end(), problem.target) == targets.end()) continue;
      for (const auto& list : product.sources) {
        if (list.empty()) continue;
        file = catalogue_.files[catalogue_.tensors[sources_[list.front()]].file].path;
        break;
      }
    }
    return fail(ErrorCode::malformed, problem.reason, std::move(file), problem.target);
  }

  void report(NameMapping mapping) {
    for (rules::UnexpectedName& each : mapping.unexpected) {
      const std::string scales =
          drafts_.pairs().scales[sources_[each.source]] ? scale_name_of(each.name) : std::string();
      out_.unexpected.push_back(std::move(each.name));
      if (!scales.empty()) out_.unexpected.push_back(scales);
    }
    // The mapping has not seen the scales: those that come with a weight are not missing.
    std::unordered_set<std::string> scales;
    if (drafts_.pairs().any) {
      for (const Product& product : mapping.products) {
        if (!drafts_.pairs().scales[product.sources.front().front()]) continue;
        for (const std::string& name : product.targets) scales.insert(scale_name_of(name));
      }
    }
    for (std::string& name : mapping.missing) {
      if (!scales.contains(name)) out_.missing.push_back(std::move(name));
    }
    out_.tied = std::move(mapping.tied);
    for (rules::OpenCheck check : mapping.open) out_.open_checks.emplace_back(text_of(check));
    if (!listed_) out_.open_checks.emplace_back("whether shapes are the model's");
  }

  const io::Catalogue& catalogue_;
  const config::HfConfig& config_;
  const NameRules& rules_;
  bool listed_;
  Drafts drafts_;
  std::vector<std::string> names_;
  std::vector<std::uint32_t> sources_;  // catalogue tensors of names_
  std::unordered_map<std::string_view, const ExpectedTensor*> wanted_;
  std::vector<std::string> wanted_names_;
  Assembly out_;
};

}  // namespace

Expected<Assembly> model_layout(const io::Catalogue& catalogue, ScalePairs pairs,
                                const rules::RuleSet& rules, const config::HfConfig& config,
                                std::optional<std::span<const ExpectedTensor>> expected) {
  const rules::Choice choice = rules.choose(config);
  const Expected<NameRules> compiled = NameRules::compile(rules, choice.architecture);
  if (!compiled) return fail(compiled.error());
  auto made = ModelLayout(catalogue, std::move(pairs), config, *compiled, expected).run();
  if (made && !expected && !choice.known && choice.architecture.lists.empty() &&
      !config.architecture.empty()) {
    made->open_checks.push_back(
        "whether names and shapes are to be converted: no rules are known for " +
        config.architecture);
  }
  return made;
}

}  // namespace plimsoll::plan
