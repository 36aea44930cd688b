#include "rules/name_mapping.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "rules/known_names.hpp"
#include "rules/name_glob.hpp"
#include "rules/natural_order.hpp"
#include "rules/rule_sieve.hpp"
#include "rules/source_checks.hpp"

namespace plimsoll::rules {
namespace {

/// What the rules made of one of the checkpoint's names.
struct Place {
  std::string name;
  std::optional<std::uint32_t> conversion;  // the one that claimed it
  std::size_t pattern = 0;                  // the claiming conversion's pattern
  std::optional<std::uint64_t> number;      // in a numbered list
};

/// The names of a conversion's targets, from the one that the claim gave: what stands around the
/// first target that the name holds stands around all of them.
std::vector<std::string> targets_of(const std::string& name, const std::vector<std::string>& to) {
  for (const std::string& held : to) {
    const std::size_t at = name.find(held);
    if (at == std::string::npos) continue;
    std::vector<std::string> out;
    for (const std::string& target : to) {
      out.push_back(name.substr(0, at) + target + name.substr(at + held.size()));
    }
    return out;
  }
  return {name};
}

std::string with_all_replaced(std::string text, const std::string& what, const std::string& by) {
  if (what.empty()) return text;
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

}  // namespace

/// One run over a checkpoint's names.
class Mapper {
 public:
  Mapper(const NameRules& rules, std::span<const std::string> names,
         std::optional<std::span<const std::string>> expected)
      : rules_(rules), names_(names), listed_(expected), progress_(rules.renames_.size()) {
    for (const NameRule& rename : rules.renames_) sieve_.add(rename);
    for (const NameRules::Conversion& conversion : rules.conversions_) sieve_.add(conversion.rule);
    if (!expected) return;
    const std::string below = rules.facts_.base + ".";
    expected_.reserve(expected->size());
    for (std::string_view name : *expected) {
      expected_.insert(name);
      if (name.starts_with(below)) expected_below_base_.insert(name.substr(below.size()));
    }
  }

  Expected<NameMapping> run() {
    const std::vector<std::uint32_t> order = natural_order(names_);
    std::vector<Place> places;
    places.reserve(order.size());
    for (std::uint32_t source : order) {
      Expected<Place> place = place_of(names_[source]);
      if (!place) return fail(place.error());
      places.push_back(std::move(*place));
    }
    if (!listed_) use_known_names(order, places);
    by_target_.reserve(places.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Expected<void> settled = settle(places[i], order[i]);
      if (!settled) return fail(settled.error());
    }
    finish_products();
    if (Expected<void> done = finish_report(); !done) return fail(done.error());
    return std::move(out_);
  }

 private:
  using Pattern = std::optional<config::Pattern>;

  static Expected<bool> holds(const Pattern& pattern, std::string_view name) {
    if (!pattern) return false;
    return pattern->search(name);
  }

  /// Renames, then at most one conversion.
  Expected<Place> place_of(const std::string& original) {
    Place place{original, std::nullopt, 0, std::nullopt};
    const std::size_t renames = rules_.renames_.size();
    std::span<const std::uint32_t> candidates = sieve_.candidates(place.name);
    for (std::size_t next = 0; next < candidates.size() && !place.conversion;) {
      const std::uint32_t i = candidates[next];
      const bool converts = i >= renames;
      RuleProgress unused;
      auto made = converts ? rules_.conversions_[i - renames].rule.apply(place.name, unused)
                           : rules_.renames_[i].apply(place.name, progress_[i]);
      if (!made) return fail(made.error());
      ++next;
      if (!*made) continue;
      Renamed& renamed = **made;
      place.name = std::move(renamed.name);
      if (converts) {
        place.conversion = static_cast<std::uint32_t>(i - renames);
        place.pattern = renamed.from;
        place.number = renamed.number;
        continue;
      }
      candidates = sieve_.candidates(place.name);
      next = static_cast<std::size_t>(std::upper_bound(candidates.begin(), candidates.end(), i) -
                                      candidates.begin());
    }
    if (!listed_) return place;
    place.name = with_models_base(std::move(place.name));
    if (!expects(place.name) && expects(original)) {
      place = {with_models_base(original), std::nullopt, 0, std::nullopt};
    }
    return place;
  }

  [[nodiscard]] bool expects(std::string_view name) const { return expected_.contains(name); }

  /// The base prefix taken off or put on if that makes a name of the model.
  [[nodiscard]] std::string with_models_base(std::string name) const {
    const std::string& base = rules_.facts_.base;
    if (name.starts_with(base) && name.size() > base.size()) {
      const std::string_view without = std::string_view(name).substr(base.size() + 1);
      if (expects(without)) return std::string(without);
    }
    if (expected_below_base_.contains(name) && !(name == base && expects(name))) {
      name.insert(0, base + ".");
    }
    return name;
  }

  /// What can be told without the model's names.
  void use_known_names(std::span<const std::uint32_t> order, std::vector<Place>& places) const {
    const KnownNames known(rules_.facts_);
    std::vector<std::string_view> names;
    names.reserve(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::string& original = names_[order[i]];
      Place& place = places[i];
      if (place.name != original && known.hold(original) && !known.hold(place.name)) {
        place = {original, std::nullopt, 0, std::nullopt};
      }
      names.push_back(place.name);
    }
    const BaseChange change = known.base_change(names);
    if (change == BaseChange::none) return;
    for (Place& place : places) place.name = known.changed(change, std::move(place.name));
  }

  Expected<void> settle(Place& place, std::uint32_t source) {
    if (listed_ && !expects(place.name)) return add_unexpected(place, source);
    add_source(place, source);
    return {};
  }

  Expected<void> add_unexpected(const Place& place, std::uint32_t source) {
    std::vector<std::string> names = {place.name};
    if (place.conversion) {
      const Convert& convert = running(place).convert;
      names.clear();
      for (const std::string& target : convert.to) {
        names.push_back(with_all_replaced(place.name, convert.to[0], target));
      }
    }
    for (std::string& name : names) {
      const Expected<bool> useless = holds(rules_.ignore_unexpected_, name);
      if (!useless) return fail(useless.error());
      if (!*useless) {
        out_.unexpected.push_back({std::move(name), source});
      } else if (out_.ignored.empty() || out_.ignored.back() != source) {
        out_.ignored.push_back(source);
      }
    }
    return {};
  }

  [[nodiscard]] std::uint32_t running_number(const Place& place) const {
    return rules_.conversions_[*place.conversion].runs[place.pattern];
  }
  [[nodiscard]] const NameRules::Conversion& running(const Place& place) const {
    return rules_.conversions_[running_number(place)];
  }

  void add_source(Place& place, std::uint32_t source) {
    const auto [at, fresh] = by_target_.try_emplace(place.name, out_.products.size());
    if (fresh) {
      Product& product = out_.products.emplace_back();
      numbers_.emplace_back();
      if (place.conversion) product.conversion = running_number(place);
      const std::size_t lists =
          product.conversion ? rules_.conversion(*product.conversion).from.size() : 1;
      product.sources.resize(lists);
      numbers_.back().resize(lists);
      product.targets = {at->first};
    }
    Product& product = out_.products[at->second];
    const std::optional<std::size_t> list = list_of(product, place);
    if (!list || (!product.conversion && !fresh)) {
      out_.problems.push_back(
          {NameProblem::Kind::duplicate, place.name,
           names_[source] + " and " + names_[first_source(product)] + " both become this tensor"});
      return;
    }
    product.sources[*list].push_back(source);
    numbers_[at->second][*list].push_back(place.number);
  }

  static std::uint32_t first_source(const Product& product) {
    for (const auto& list : product.sources) {
      if (!list.empty()) return list.front();
    }
    return 0;
  }

  /// The list of a product that a tensor belongs to: that of the pattern which claimed it.
  [[nodiscard]] std::optional<std::size_t> list_of(const Product& product,
                                                   const Place& place) const {
    if (product.conversion.has_value() != place.conversion.has_value()) return std::nullopt;
    if (!place.conversion) return 0;
    const std::string& pattern = rules_.conversions_[*place.conversion].convert.from[place.pattern];
    const std::vector<std::string>& lists = rules_.conversion(*product.conversion).from;
    const auto found = std::find(lists.begin(), lists.end(), pattern);
    if (found == lists.end()) return std::nullopt;
    return static_cast<std::size_t>(found - lists.begin());
  }

  void finish_products() {
    for (std::size_t i = 0; i < out_.products.size(); ++i) {
      Product& product = out_.products[i];
      if (product.conversion) {
        const Convert& convert = rules_.conversion(*product.conversion);
        check_sources(convert, product, numbers_[i], names_, out_.problems);
        product.targets = targets_of(product.targets[0], convert.to);
      }
      const std::string& name = product.targets[0];
      product.fp32 =
          std::any_of(rules_.facts_.fp32.begin(), rules_.facts_.fp32.end(),
                      [&](const std::string& glob) { return matches_numbers(glob, name); });
    }
    check_targets();
  }

  /// Two products for one target, which only targets behind the first can be.
  void check_targets() {
    for (std::size_t i = 0; i < out_.products.size(); ++i) {
      const Product& product = out_.products[i];
      for (std::size_t t = 1; t < product.targets.size(); ++t) {
        const auto [at, fresh] = by_target_.try_emplace(product.targets[t], i);
        if (fresh) continue;
        out_.problems.push_back({NameProblem::Kind::duplicate, product.targets[t],
                                 names_[first_source(product)] + " and " +
                                     names_[first_source(out_.products[at->second])] +
                                     " both become this tensor"});
      }
    }
  }

  Expected<void> finish_report() {
    for (Product& product : out_.products) {
      const Expected<bool> kept = holds(rules_.fp32_if_fp16_, product.targets[0]);
      if (!kept) return fail(kept.error());
      product.fp32_if_fp16 = *kept;
      if (listed_) continue;
      const Expected<bool> doubtful = holds(rules_.ignore_unexpected_, product.targets[0]);
      if (!doubtful) return fail(doubtful.error());
      product.perhaps_unused = *doubtful;
    }
    report_tied();
    if (rules_.facts_.tied_count > 0) out_.open.push_back(OpenCheck::tied);
    if (listed_) return report_missing();
    for (OpenCheck check : {OpenCheck::missing, OpenCheck::unexpected, OpenCheck::base_prefix,
                            OpenCheck::converted_names}) {
      out_.open.push_back(check);
    }
    return {};
  }

  [[nodiscard]] bool produced(const std::string& name) const { return by_target_.contains(name); }

  /// Tied pairs of which one is there; the one that is not may be the one the table calls stored.
  void report_tied() {
    for (const auto& [name, stored] : rules_.facts_.tied) {
      if (!produced(name) && produced(stored)) {
        out_.tied.emplace_back(name, stored);
      } else if (produced(name) && !produced(stored)) {
        out_.tied.emplace_back(stored, name);
      }
    }
    if (rules_.facts_.tied_head) report_tied_head();
  }

  void report_tied_head() {
    const std::string usual = "lm_head.weight";
    std::vector<std::string_view> absent;
    if (!listed_ && !produced(usual)) absent.push_back(usual);
    for (const std::string& name : listed_.value_or(std::span<const std::string>())) {
      if (!produced(name)) absent.push_back(name);
    }
    std::vector<std::string_view> present;
    for (const Product& product : out_.products) {
      present.insert(present.end(), product.targets.begin(), product.targets.end());
    }
    for (auto& pair : tied_head(rules_.facts_, absent, present)) {
      out_.tied.push_back(std::move(pair));
    }
  }

  Expected<void> report_missing() {
    std::unordered_set<std::string_view> tied;
    for (const auto& [name, stored] : out_.tied) tied.insert(name);
    for (const std::string& name : *listed_) {
      if (produced(name) || tied.contains(name)) continue;
      const Expected<bool> useless = holds(rules_.ignore_missing_, name);
      if (!useless) return fail(useless.error());
      if (!*useless) out_.missing.push_back(name);
    }
    for (std::size_t i = 0; i < out_.products.size(); ++i) {
      const Product& product = out_.products[i];
      for (std::size_t t = 1; t < product.targets.size(); ++t) {
        if (expects(product.targets[t])) continue;
        out_.unexpected.push_back({product.targets[t], first_source(product)});
      }
    }
    return {};
  }

  const NameRules& rules_;
  std::span<const std::string> names_;
  std::optional<std::span<const std::string>> listed_;
  std::unordered_set<std::string_view> expected_;
  std::unordered_set<std::string_view> expected_below_base_;  // of those that are, without the base
  RuleSieve sieve_;                                           // renames, then conversions
  std::vector<RuleProgress> progress_;
  std::unordered_map<std::string, std::size_t> by_target_;
  std::vector<SourceNumbers> numbers_;  // of each product
  NameMapping out_;
};

Expected<NameMapping> NameRules::map(std::span<const std::string> names,
                                     std::optional<std::span<const std::string>> expected) const {
  return Mapper(*this, names, expected).run();
}

}  // namespace plimsoll::rules
