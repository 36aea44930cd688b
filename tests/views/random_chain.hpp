#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "dense_tensor.hpp"
#include "views/view.hpp"

namespace plimsoll::views::test {

/// What a seed's chain of operations makes of small sources, as a view and element by element.
struct RandomChain {
  View view;
  DenseTensor dense;
  std::vector<std::uint64_t> source_elements;  ///< of each source
  int operations = 0;                          ///< that were applied
  int refused = 0;                             ///< reshapes that no view expresses
  bool permutes = true;                        ///< no operation has left an element out
};

/// Sources of odd sizes, 0 and 1 among them; up to six operations.
[[nodiscard]] RandomChain random_chain(std::uint32_t seed);

}  // namespace plimsoll::views::test
