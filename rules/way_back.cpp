#include "rules/way_back.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "rules/inverse_rule.hpp"
#include "rules/natural_order.hpp"

namespace plimsoll::rules {
namespace {

bool takes_apart(const Operation& operation) {
  return std::holds_alternative<SplitModulelist>(operation) ||
         std::holds_alternative<ErnieSplitAndDecouple>(operation);
}

/// A tensor that goes back has the model's shape, and what a checkpoint's is nobody knows: there is
/// nothing to compare.
Convert without_comparing(Convert convert) {
  for (Operation& operation : convert.operations) {
    if (auto* const transpose = std::get_if<Transpose>(&operation)) {
      transpose->if_shape_differs = false;
    }
  }
  return convert;
}

}  // namespace

Expected<WayBack> WayBack::compile(const RuleSet& set, const Architecture& facts) {
  WayBack out;
  for (auto use = facts.lists.rbegin(); use != facts.lists.rend(); ++use) {
    const std::vector<Rule>* list = set.list(use->key);
    if (!list) return fail(ErrorCode::not_found, "there are no rules " + use->key);
    std::optional<Scope> scope;
    if (use->scope) scope = Scope{facts.base, *use->scope};
    for (auto rule = list->rbegin(); rule != list->rend(); ++rule) {
      if (std::holds_alternative<PrefixChange>(*rule)) continue;
      const Expected<Rule> inverse = inverse_of(*rule);
      Expected<NameRule> compiled =
          inverse ? NameRule::compile(*inverse, scope) : Expected<NameRule>(fail(inverse.error()));
      if (!compiled) {
        return fail(compiled.error().code(),
                    "rules " + use->key + ", back: " + compiled.error().reason());
      }
      if (const auto* convert = std::get_if<Convert>(&*inverse)) {
        const bool unstacks =
            std::any_of(convert->operations.begin(), convert->operations.end(), takes_apart);
        out.conversions_.push_back({std::move(*compiled), without_comparing(*convert), unstacks});
      } else {
        out.renames_.push_back(std::move(*compiled));
      }
    }
  }
  return out;
}

Expected<std::optional<WayBack::Claim>> WayBack::claim(std::string_view name) const {
  for (std::uint32_t i = 0; i < conversions_.size(); ++i) {
    RuleProgress unused;
    auto renamed = conversions_[i].rule.apply(name, unused);
    if (!renamed) return fail(renamed.error());
    if (*renamed) return Claim{i, std::move(**renamed)};
  }
  return std::nullopt;
}

Expected<bool> WayBack::unstacks(std::string_view name) const {
  const Expected<std::optional<Claim>> claimed = claim(name);
  if (!claimed) return fail(claimed.error());
  return claimed->has_value() && conversions_[(*claimed)->conversion].unstacks;
}

Expected<std::string> WayBack::renamed(std::string name,
                                       std::vector<RuleProgress>& progress) const {
  for (std::size_t i = 0; i < renames_.size(); ++i) {
    auto next = renames_[i].apply(name, progress[i]);
    if (!next) return fail(next.error());
    if (*next) name = std::move((*next)->name);
  }
  return name;
}

Expected<std::vector<BackProduct>> WayBack::map(std::span<const std::string> names,
                                                const std::vector<bool>& stays) const {
  std::vector<BackProduct> out;
  std::unordered_map<std::string, std::size_t> by_name;
  std::vector<RuleProgress> progress(renames_.size());
  for (std::uint32_t source : natural_order(names)) {
    if (stays[source]) continue;
    Expected<std::optional<Claim>> claimed = claim(names[source]);
    if (!claimed) return fail(claimed.error());
    if (!*claimed) {
      Expected<std::string> name = renamed(names[source], progress);
      if (!name) return fail(name.error());
      out.push_back({std::move(*name), {{source}}, std::nullopt});
      continue;
    }
    const auto& [number, made] = **claimed;
    const auto [at, fresh] = by_name.try_emplace(made.name, out.size());
    if (fresh) {
      const std::size_t lists = conversions_[number].convert.from.size();
      out.push_back({made.name, std::vector<std::vector<std::uint32_t>>(lists), number});
    }
    BackProduct& product = out[at->second];
    if (product.conversion != number || !product.sources[made.from].empty()) {
      return fail(ErrorCode::malformed, "it and another tensor have one place on the way back",
                  std::string(), names[source]);
    }
    product.sources[made.from].push_back(source);
  }
  return out;
}

Expected<std::vector<std::string>> WayBack::names_of(const BackProduct& product,
                                                     std::span<const std::string> results) const {
  std::string whole = product.name;
  for (std::size_t at = whole.find("*."); at != std::string::npos; at = whole.find("*.", at)) {
    whole[at] = '0';
  }
  const auto found = std::find_if(results.begin(), results.end(), [&](const std::string& result) {
    return whole.find(result) != std::string::npos;
  });
  if (found == results.end()) {
    return fail(ErrorCode::unsupported, "no name of a checkpoint for it", std::string(),
                product.name);
  }
  const std::size_t at = whole.find(*found);
  std::vector<RuleProgress> progress(renames_.size());
  std::vector<std::string> out;
  out.reserve(results.size());
  for (const std::string& result : results) {
    Expected<std::string> name =
        renamed(whole.substr(0, at) + result + whole.substr(at + found->size()), progress);
    if (!name) return fail(name.error());
    out.push_back(std::move(*name));
  }
  return out;
}

const Convert& WayBack::conversion(std::uint32_t number) const {
  return conversions_.at(number).convert;
}

}  // namespace plimsoll::rules
