#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/hf_config.hpp"
#include "errors/expected.hpp"
#include "rules/rule.hpp"

namespace plimsoll::rules {

/// A list of rules that applies to a model, and to which of its names.
struct ListUse {
  std::string key;
  /// Nothing: to whole names. Else only to names below "BASE.SCOPE." or "SCOPE.", without that
  /// prefix; an empty scope is "BASE." or nothing.
  std::optional<std::string> scope;
  friend bool operator==(const ListUse&, const ListUse&) = default;
};

/// What is known of the classes that config.json calls `architectures`. docs/rules.md says more.
struct Architecture {
  std::string model_type;
  std::string base = "model";     ///< prefix of the base model's names within a model with a head
  std::vector<ListUse> lists;     ///< in the order in which they apply
  std::vector<std::string> fp32;  ///< tensors of full precision; `*` is a number
  std::vector<std::string> fp32_if_fp16;                  ///< patterns of names, for models in fp16
  std::vector<std::pair<std::string, std::string>> tied;  ///< a tensor, and the one it shares
  std::uint64_t tied_count = 0;  ///< that many tensors are tied, too many to be listed; else 0
  bool tied_head = false;        ///< config.json says that the output head is tied; no list does
  std::vector<std::string> ignore_unexpected;  ///< patterns of names that no report mentions
  std::vector<std::string> ignore_missing;
  bool published_merged = false;  ///< checkpoints have merged experts although rules merge them
  friend bool operator==(const Architecture&, const Architecture&) = default;
};

/// What is to be done with a checkpoint's names, and where that comes from.
struct Choice {
  Architecture architecture;
  bool known = false;  ///< whether the class is; else its facts follow from the model type
};

/// All rules and all architectures, by name. The shipped ones are part of the program
/// (config/rules); a directory adds to them or replaces them one by one. Immutable but for that.
class RuleSet {
 public:
  /// Nothing at all, to build on.
  RuleSet() = default;

  /// The shipped ones. Reads about 300 KB of text: some ten milliseconds.
  [[nodiscard]] static Expected<RuleSet> shipped();

  /// Of the shipped ones all lists, and the classes that choose() asks about for these facts: a
  /// third of the text.
  [[nodiscard]] static Expected<RuleSet> shipped_for(const config::HfConfig& facts);

  /// Adds what a file's text holds; a list or class that is there already is replaced, whole.
  /// `file` names it in errors. On failure nothing has changed. invalid_config, with FILE:LINE, for
  /// broken syntax, unknown keys, rules that make no sense and patterns that do not compile.
  [[nodiscard]] Expected<void> add_text(std::string_view text, const std::string& file);

  /// Adds every file NAME.toml of a directory, in the order of the names; then every list that a
  /// class asks for must be there. On failure nothing has changed.
  [[nodiscard]] Expected<void> add_directory(const std::string& directory);

  /// Null if there is none of that name.
  [[nodiscard]] const std::vector<Rule>* list(std::string_view key) const;
  [[nodiscard]] const Architecture* architecture(std::string_view class_name) const;

  [[nodiscard]] const std::map<std::string, std::vector<Rule>, std::less<>>& lists() const;
  [[nodiscard]] const std::map<std::string, Architecture, std::less<>>& architectures() const;

  /// The facts that apply to a checkpoint: by its class; for an unknown class the list of that
  /// name, else that of its model type, and the base that most classes of the type have.
  /// config.json has the last word on whether anything is tied.
  [[nodiscard]] Choice choose(const config::HfConfig& facts) const;

 private:
  friend class RuleFile;

  std::map<std::string, std::vector<Rule>, std::less<>> lists_;
  std::map<std::string, Architecture, std::less<>> architectures_;
};

}  // namespace plimsoll::rules
