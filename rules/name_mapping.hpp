#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "errors/expected.hpp"
#include "rules/name_rule.hpp"
#include "rules/rule_set.hpp"

namespace plimsoll::rules {

/// Which tensors of a model are made of which tensors of a checkpoint.
struct Product {
  /// The model's names, in the order of the conversion's targets; a tensor that is only renamed, or
  /// taken as it is, has one.
  std::vector<std::string> targets;
  /// The checkpoint's tensors, by number: one list a source pattern of the conversion, in its
  /// order, each in the natural order of the checkpoint's names. One list of one if there is none.
  std::vector<std::vector<std::uint32_t>> sources;
  std::optional<std::uint32_t> conversion;  ///< NameRules::conversion(); nothing: unchanged values
  bool fp32 = false;  ///< the model keeps it in full precision, whatever its dtype
  /// Without a list of the model's names: it looks like tensors that models of this class do not
  /// have (extra prediction layers, old buffers). Names of real ones can look like that too.
  bool perhaps_unused = false;
  bool fp32_if_fp16 = false;  ///< it does so in a model of fp16
};

/// Something that no target can be made of.
struct NameProblem {
  enum class Kind : std::uint8_t {
    gap,         ///< a numbered list of tensors (experts) that does not count 0, 1, 2, ...
    duplicate,   ///< two tensors of the checkpoint for one place
    incomplete,  ///< a tensor of one source pattern whose partner of another one is not there
  };
  Kind kind;
  std::string target;  ///< name in the model
  std::string reason;  ///< one sentence without a stop, with the checkpoint's names

  friend bool operator==(const NameProblem&, const NameProblem&) = default;
};

/// A tensor of the checkpoint that the model has no place for.
struct UnexpectedName {
  std::string name;          ///< as the model would call it
  std::uint32_t source = 0;  ///< the checkpoint's tensor
  friend bool operator==(const UnexpectedName&, const UnexpectedName&) = default;
};

/// What could not be checked without a list of the model's names.
enum class OpenCheck : std::uint8_t {
  missing,          ///< whether the model has tensors that the checkpoint lacks
  unexpected,       ///< whether the checkpoint has tensors that the model lacks
  base_prefix,      ///< whether names have the base prefix where the model's have it
  converted_names,  ///< whether names are the model's before any rule
  tied,             ///< which tensors are tied: the table only counts them
};

/// One sentence for a report. Static storage.
[[nodiscard]] std::string_view text_of(OpenCheck check) noexcept;

/// What becomes of a checkpoint's names.
struct NameMapping {
  std::vector<Product> products;           ///< in the order of their first source
  std::vector<UnexpectedName> unexpected;  ///< in the natural order of the checkpoint's names
  std::vector<std::uint32_t> ignored;  ///< unexpected too, but known to be; no report needs them
  std::vector<std::string> missing;    ///< in the order of the expected names
  /// Tensors that the checkpoint lacks because they share another one's memory, with its name.
  std::vector<std::pair<std::string, std::string>> tied;
  std::vector<NameProblem> problems;
  std::vector<OpenCheck> open;
};

/// The rules that apply to one model, compiled. Move-only; const members may be called from any
/// thread at once.
class NameRules {
 public:
  /// not_found if a list is not in the set, invalid_argument if a pattern does not compile.
  [[nodiscard]] static Expected<NameRules> compile(const RuleSet& set, const Architecture& facts);

  /// What becomes of a checkpoint's names, with the semantics of docs/rules.md.
  ///
  /// `expected` are the model's names, if they are known. Without them the rules alone say what the
  /// names become; the few names that the facts tell (fp32, tied) say whether the base prefix is to
  /// be added or taken off, and whether a name was the model's before any rule. Errors:
  /// invalid_argument if a pattern takes too much work on a name. A name that stands twice is a
  /// problem of kind duplicate. Cost: one pass over names times rules, tens of nanoseconds each;
  /// memory for a copy of the names.
  [[nodiscard]] Expected<NameMapping> map(
      std::span<const std::string> names,
      std::optional<std::span<const std::string>> expected) const;

  /// A conversion, by its number in a Product.
  [[nodiscard]] const Convert& conversion(std::uint32_t number) const;

 private:
  friend class Mapper;

  struct Conversion {
    NameRule rule;
    Convert convert;
    /// For each of its patterns: the last conversion that has it, the one that runs.
    std::vector<std::uint32_t> runs;
  };

  Expected<void> add_list(const RuleSet& set, const ListUse& use);
  void find_runs();

  Architecture facts_;
  std::vector<NameRule> renames_;
  std::vector<Conversion> conversions_;
  std::optional<config::Pattern> fp32_if_fp16_;
  std::optional<config::Pattern> ignore_unexpected_;
  std::optional<config::Pattern> ignore_missing_;
};

}  // namespace plimsoll::rules
