#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/family_patterns.hpp"
#include "config/hf_config.hpp"
#include "config/settings.hpp"
#include "config/slice_rule.hpp"

namespace plimsoll::config {

/// What a tensor's features are made of; each part is divided on its own.
enum class Packing : std::uint8_t {
  none,                 ///< one projection, or several that alternate head by head
  gate_and_up,          ///< two, of equal sizes, one after the other
  queries_keys_values,  ///< three, one after the other, of sizes that the shape need not tell
};

struct Slice {
  SliceKind kind = SliceKind::whole;
  Packing packing = Packing::none;
  bool transposed = false;  ///< matrices are [in, out]: columns is their dimension 1, rows 0

  friend bool operator==(const Slice&, const Slice&) = default;
};

/// How the tensors of a model are divided when nobody says otherwise: by the plan that the
/// transformers library has for its type, told by names (config/patterns/parallel.toml;
/// docs/parallel.md says where answers differ). Experts are divided within each (columns, rows),
/// as there. Immutable, so safe from any thread; making one compiles the patterns (a few
/// milliseconds), asking costs a handful of searches.
class ParallelPatterns {
 public:
  /// `facts` is config.json's; without one only names count. `layout` says whose names and shapes
  /// will be asked about: hub the checkpoint's, transformers the model's.
  ParallelPatterns(const std::optional<HfConfig>& facts, Layout layout);

  /// A user's own kind for a tensor replaces `kind`; the rest is what the tensor is, and stays.
  [[nodiscard]] Slice slice(std::string_view name) const;

 private:
  /// Patterns of some model types, and those of all.
  struct Names {
    FamilyPatterns families;
    FamilyPatterns general;
  };
  [[nodiscard]] bool in_family(const FamilyPatterns& patterns, std::string_view name) const;
  [[nodiscard]] SliceKind kind_of(std::string_view name) const;

  std::string model_type_;
  std::string text_model_type_;
  Names whole_;
  Names columns_;
  Names rows_;
  FamilyPatterns transposed_;
  FamilyPatterns stored_transposed_;
  FamilyPatterns one_projection_;
  FamilyPatterns gate_and_up_;
  FamilyPatterns queries_keys_values_;
};

}  // namespace plimsoll::config
