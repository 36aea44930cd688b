#pragma once

#include <cstdint>
#include <vector>

#include "io/catalogue.hpp"
#include "simulation/choices.hpp"

namespace plimsoll::simulation {

/// Files of weights that exist only in memory.
struct VirtualFiles {
  io::Catalogue catalogue;
  std::vector<std::vector<std::byte>> contents;  ///< one a file of the catalogue
};

/// One to three files with up to sixteen small tensors of every dtype: empty ones, odd lengths,
/// gaps and offsets of any alignment, numbers of ordinary size or (rarely) of any bit pattern.
[[nodiscard]] VirtualFiles draw_files(Choices& choices);

}  // namespace plimsoll::simulation
