#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "errors/expected.hpp"
#include "rules/rule_set.hpp"

namespace plimsoll::rules {

/// A list of rules under its names, from one place of a file.
struct WrittenList {
  std::vector<std::string> keys;
  std::vector<std::pair<Rule, std::uint64_t>> rules;  ///< with the line each begins at, from 1
};

/// The facts of some classes, from one place of a file.
struct WrittenArchitecture {
  std::vector<std::string> classes;
  Architecture facts;
  std::uint64_t line = 0;  ///< where they begin, from 1
};

/// What a rules file says, in the order in which it says it.
struct WrittenRules {
  std::vector<WrittenList> lists;
  std::vector<WrittenArchitecture> architectures;
};

/// Reads a rules file's text (TOML; docs/rules.md describes the tables). `file` names it in errors.
/// invalid_config with FILE:LINE for syntax errors, unknown keys, wrong types, rules that make no
/// sense, and a list or class that the file has twice. Patterns are not compiled here.
[[nodiscard]] Expected<WrittenRules> read_rules(std::string_view text, const std::string& file);

/// "FILE:LINE", as errors name a place.
[[nodiscard]] std::string place_of(const std::string& file, std::uint64_t line);

}  // namespace plimsoll::rules
