#pragma once

#include <cstdint>
#include <vector>

#include "io/catalogue.hpp"
#include "plan/plan.hpp"
#include "views/view.hpp"

namespace plimsoll::plan {

/// One a tensor of a GGUF catalogue, or of one whose numbers are mapped; none for others.
[[nodiscard]] std::vector<PackedSource> packed_sources(const io::Catalogue& catalogue);

/// What the sources of a tensor have in common, as far as they are a GGUF file's.
struct PackedStock {
  bool coded = false;       ///< some have to be decoded
  Packing widest;           ///< the most bytes an element
  std::uint64_t block = 1;  ///< elements that none of them parts
  std::uint64_t bytes = 0;  ///< of all that feeds the tensor
};

/// Only for views with a box, of such a catalogue.
[[nodiscard]] PackedStock packed_stock(const io::Catalogue& catalogue,
                                       const std::vector<PackedSource>& packed,
                                       const views::View& view);

}  // namespace plimsoll::plan
