#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/family_patterns.hpp"
#include "rules/rule_set.hpp"

namespace plimsoll::rules {

/// What the base prefix of a checkpoint's names needs so that they are the model's.
enum class BaseChange : std::uint8_t {
  none,
  add,     ///< the checkpoint is of the base model, the class has a head
  remove,  ///< the checkpoint has a head, the class is the base model
};

/// The few names of a model that an architecture's facts tell, its fp32 and its tied tensors, and
/// what follows from them for all names. It stands in for a list of the model's names where there
/// is none, and is conservative: no evidence, no change. The facts must outlive it.
class KnownNames {
 public:
  explicit KnownNames(const Architecture& facts);

  /// Whether the facts tell that the model has this name.
  [[nodiscard]] bool hold(std::string_view name) const;

  /// `names` are the checkpoint's, after the rules.
  [[nodiscard]] BaseChange base_change(std::span<const std::string_view> names) const;

  /// `name` with the change made. The names of output heads, which are outside of the base, stay.
  [[nodiscard]] std::string changed(BaseChange change, std::string name) const;

 private:
  [[nodiscard]] bool is_head(std::string_view name) const;

  const Architecture& facts_;
  std::string prefix_;                   // of names in the base, with the dot
  std::vector<std::string_view> known_;  // `*` for numbers
  config::FamilyPatterns output_heads_;
  config::FamilyPatterns task_heads_;
};

/// The output head that config.json calls tied, where the table of architectures does not list it,
/// and the embeddings it shares. `absent` are names of the model that the checkpoint lacks,
/// `present` those that it has. Nothing if either cannot be told.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> tied_head(
    const Architecture& facts, std::span<const std::string_view> absent,
    std::span<const std::string_view> present);

}  // namespace plimsoll::rules
