#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/family_patterns.hpp"
#include "config/hf_config.hpp"

namespace plimsoll::config {

/// Why a module is left out although nobody asked for it.
enum class SkipReason : std::uint8_t {
  output_head,  ///< turns hidden states into scores of words
  tied,         ///< shares its weight with another module
  last_module,  ///< holds the model's last parameter: the head of a model for a task
  kept_fp32,    ///< the model itself keeps it in full precision
};

/// "output head", "tied", "last module", "kept in fp32". Static storage.
[[nodiscard]] std::string_view name_of(SkipReason reason) noexcept;

struct SkippedModule {
  std::string module;  ///< a tensor's name without ".weight"
  SkipReason reason;

  friend bool operator==(const SkippedModule&, const SkippedModule&) = default;
};

/// The default skip list: what the reference library (get_keys_to_not_convert of transformers)
/// leaves out when a user names nothing, found without a model definition. Names are told by
/// config/patterns/skips.toml; docs/configuration.md says where the answers differ.
class SkipDefaults {
 public:
  SkipDefaults();

  /// `facts` is config.json's; without one the class of the model is unknown and only names count.
  /// `names` are all tensors' names in the natural order. Modules come out in the order of `names`,
  /// each once, and only those that hold one of the tensors. Cost: a few searches a kind of name.
  [[nodiscard]] std::vector<SkippedModule> modules(const std::optional<HfConfig>& facts,
                                                   std::span<const std::string> names) const;

  /// Whether the model ties its output head to its embeddings: config.json's word, else the
  /// default of its type.
  [[nodiscard]] bool ties_embeddings(const HfConfig& facts) const;

 private:
  [[nodiscard]] std::optional<std::string> last_module(std::span<const std::string> names) const;

  FamilyPatterns output_heads_;
  FamilyPatterns tied_;
  FamilyPatterns kept_fp32_;
  FamilyPatterns embeddings_;
  FamilyPatterns task_heads_;
  FamilyPatterns headed_architectures_;
  std::vector<std::string> tied_by_default_;  // sorted
};

/// The module a tensor belongs to, its name without the last part: "lm_head" for "lm_head.weight".
/// A name of one part is its own module.
[[nodiscard]] std::string_view module_of(std::string_view tensor);

}  // namespace plimsoll::config
