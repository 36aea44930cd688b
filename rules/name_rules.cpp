#include <unordered_map>
#include <utility>

#include "rules/name_mapping.hpp"

namespace plimsoll::rules {
namespace {

// The list that every model's names go through at the end.
constexpr std::string_view last_list = "legacy";

}  // namespace

std::string_view text_of(OpenCheck check) noexcept {
  switch (check) {
    case OpenCheck::missing:
      return "whether tensors of the model are missing";
    case OpenCheck::unexpected:
      return "whether the model has a place for every tensor";
    case OpenCheck::base_prefix:
      return "whether the base prefix stands where the model has it";
    case OpenCheck::converted_names:
      return "whether names are the model's without any rule";
    case OpenCheck::tied:
      return "which tensors are tied to others";
  }
  return "";
}

Expected<void> NameRules::add_list(const RuleSet& set, const ListUse& use) {
  const std::vector<Rule>* rules = set.list(use.key);
  if (!rules) return fail(ErrorCode::not_found, "there are no rules " + use.key);
  std::optional<Scope> scope;
  if (use.scope) scope = Scope{facts_.base, *use.scope};
  for (const Rule& rule : *rules) {
    Expected<NameRule> compiled = NameRule::compile(rule, scope);
    if (!compiled) {
      return fail(compiled.error().code(), "rules " + use.key + ": " + compiled.error().reason());
    }
    if (const auto* convert = std::get_if<Convert>(&rule)) {
      conversions_.push_back({std::move(*compiled), *convert, {}});
    } else {
      renames_.push_back(std::move(*compiled));
    }
  }
  return {};
}

void NameRules::find_runs() {
  std::unordered_map<std::string_view, std::uint32_t> last;
  for (std::uint32_t i = 0; i < conversions_.size(); ++i) {
    for (const std::string& pattern : conversions_[i].convert.from) last[pattern] = i;
  }
  for (Conversion& conversion : conversions_) {
    for (const std::string& pattern : conversion.convert.from) {
      conversion.runs.push_back(last[pattern]);
    }
  }
}

Expected<NameRules> NameRules::compile(const RuleSet& set, const Architecture& facts) {
  NameRules out;
  out.facts_ = facts;
  for (const ListUse& use : facts.lists) {
    if (Expected<void> added = out.add_list(set, use); !added) return fail(added.error());
  }
  if (set.list(last_list)) {
    const ListUse use{std::string(last_list), std::nullopt};
    if (Expected<void> added = out.add_list(set, use); !added) return fail(added.error());
  }
  out.find_runs();
  const auto compile_any = [](const std::vector<std::string>& patterns,
                              std::optional<config::Pattern>& into) -> Expected<void> {
    Expected<std::optional<config::Pattern>> compiled = any_of(patterns);
    if (!compiled) return fail(compiled.error());
    into = std::move(*compiled);
    return {};
  };
  for (Expected<void> done : {compile_any(facts.fp32_if_fp16, out.fp32_if_fp16_),
                              compile_any(facts.ignore_unexpected, out.ignore_unexpected_),
                              compile_any(facts.ignore_missing, out.ignore_missing_)}) {
    if (!done) return fail(done.error());
  }
  return out;
}

const Convert& NameRules::conversion(std::uint32_t number) const {
  return conversions_.at(number).convert;
}

}  // namespace plimsoll::rules
