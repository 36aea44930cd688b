#include "io/catalogue.hpp"

#include <functional>
#include <numeric>

namespace plimsoll::io {

std::uint64_t element_count(const Shape& shape) noexcept {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>{});
}

}  // namespace plimsoll::io
