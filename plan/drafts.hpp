#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "plan/assemble.hpp"
#include "plan/tile_scales.hpp"
#include "plan/tiled_view.hpp"
#include "rules/rule.hpp"

namespace plimsoll::plan {

/// The tensors of a conversion, ready for its operations, and what they have in common.
struct Gathered {
  std::vector<std::vector<TiledView>> lists;  ///< one a source pattern
  Dtype dtype = Dtype::f32;
  std::optional<Dtype> scale_dtype;  ///< of their scales, if they have any
  std::uint32_t first = 0;           ///< the first of them in the catalogue
  std::uint32_t first_scales = 0;    ///< likewise of their scales
};

/// Collects the tensors `sources` of a catalogue, one list a source pattern of `convert`.
/// malformed, with the tensor that is unlike the first: other dtypes, some with scales and some
/// without, and other shapes where they are to be stacked. unsupported for dtypes of less than a
/// byte. `convert` is null for a tensor that is taken as it is.
[[nodiscard]] Expected<Gathered> gather(const io::Catalogue& catalogue, const ScalePairs& pairs,
                                        const std::vector<std::vector<std::uint32_t>>& sources,
                                        const rules::Convert* convert);

/// Blueprints in the making, in any order.
class Drafts {
 public:
  Drafts(const io::Catalogue& catalogue, ScalePairs pairs)
      : catalogue_(catalogue), pairs_(std::move(pairs)) {}

  [[nodiscard]] const ScalePairs& pairs() const { return pairs_; }

  void reserve(std::size_t tensors) { drafts_.reserve(tensors); }

  /// A catalogue tensor as it is, under a name; its scales, if it has any, under `scale_name`.
  [[nodiscard]] Expected<void> add_stored(std::uint32_t source, std::string name,
                                          std::optional<Dtype> model_dtype, std::string scale_name);

  /// A result of a conversion of what was gathered; its scales under the name and `_scale_inv`.
  void add_converted(TiledView tensor, std::string name, std::optional<Dtype> model_dtype,
                     const Gathered& from);

  /// Sorted by first source. malformed if two have one name.
  [[nodiscard]] Expected<void> finish(Assembly& into);

 private:
  struct Draft {
    Blueprint tensor;
    std::uint32_t first = 0;               // catalogue tensor
    std::optional<std::size_t> scales_of;  // draft
    std::string lost;
  };

  const io::Catalogue& catalogue_;
  ScalePairs pairs_;
  std::vector<Draft> drafts_;
};

/// An error about a catalogue tensor, with the file it is in.
[[nodiscard]] tl::unexpected<Error> fail_at(const io::Catalogue& catalogue, std::uint32_t source,
                                            ErrorCode code, std::string reason, std::string tensor);

}  // namespace plimsoll::plan
