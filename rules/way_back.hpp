#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"
#include "rules/name_rule.hpp"
#include "rules/rule_set.hpp"

namespace plimsoll::rules {

/// Tensors of a model that one inverse conversion makes a checkpoint's of.
struct BackProduct {
  /// What the conversion called its first result. A tensor that is only renamed is finished with.
  std::string name;
  std::vector<std::vector<std::uint32_t>> sources;  ///< one list a source pattern, as Product has
  std::optional<std::uint32_t> conversion;          ///< WayBack::conversion()
};

/// The rules of one model in the other direction: from the model's names to a published
/// checkpoint's, as the library writes one. One conversion first, then all renames on what it gave.
/// The list for every model and prefix rules do not take part: they say what names may look like,
/// not what they looked like. Move-only; const members may be called from any thread at once.
class WayBack {
 public:
  /// As NameRules::compile; unsupported if a rule has no inverse.
  [[nodiscard]] static Expected<WayBack> compile(const RuleSet& set, const Architecture& facts);

  /// Whether a conversion that takes stacked tensors apart has its place for this name.
  [[nodiscard]] Expected<bool> unstacks(std::string_view name) const;

  /// What becomes of a model's names. Those whose flag in `stays` is set are left out: they are a
  /// checkpoint's already.
  [[nodiscard]] Expected<std::vector<BackProduct>> map(std::span<const std::string> names,
                                                       const std::vector<bool>& stays) const;

  /// The checkpoint's names of a product's results. `results` are the patterns of its targets with
  /// numbers in place of `*`. unsupported if none of them has a place in the product's name.
  [[nodiscard]] Expected<std::vector<std::string>> names_of(
      const BackProduct& product, std::span<const std::string> results) const;

  [[nodiscard]] const Convert& conversion(std::uint32_t number) const;

 private:
  struct Conversion {
    NameRule rule;
    Convert convert;
    bool unstacks = false;
  };

  struct Claim {
    std::uint32_t conversion = 0;
    Renamed renamed;
  };

  [[nodiscard]] Expected<std::optional<Claim>> claim(std::string_view name) const;
  [[nodiscard]] Expected<std::string> renamed(std::string name,
                                              std::vector<RuleProgress>& progress) const;

  std::vector<NameRule> renames_;
  std::vector<Conversion> conversions_;
};

}  // namespace plimsoll::rules
