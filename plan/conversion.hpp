#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/hf_config.hpp"
#include "errors/expected.hpp"
#include "plan/tiled_view.hpp"
#include "rules/rule.hpp"

namespace plimsoll::plan {

/// What the operations of a conversion need to know besides its tensors.
struct ConversionFacts {
  const config::HfConfig* config = nullptr;  ///< may be null
  /// The shapes that the model's tensors have, one a target, null for a target that the model does
  /// not have. Empty if the model's tensors are not known.
  std::span<const io::Shape* const> wanted;
};

/// One result of a conversion, under the pattern of its target; a `*` in it has become a number.
struct ConvertedTensor {
  std::string pattern;
  TiledView tensor;
};

/// What the operations of `rule` make of the tensors collected for it: `sources` has one list a
/// source pattern. One result a target; more where a target's pattern stands for numbered tensors.
///
/// What an operation needs of the model comes from `wanted`, else from the config: heads
/// (num_attention_heads), the sizes of q, k and v (heads too), whether experts have the model's
/// shape (hidden_size, moe_intermediate_size), the number of parts. unsupported if it is not there;
/// the reason says what is missing. malformed if sizes do not fit an operation.
[[nodiscard]] Expected<std::vector<ConvertedTensor>> convert(
    const rules::Convert& rule, std::vector<std::vector<TiledView>> sources,
    const ConversionFacts& facts);

}  // namespace plimsoll::plan
