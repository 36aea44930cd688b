#include "codecs/cast.hpp"

namespace plimsoll::codecs {
void cast(Dtype from, const std::byte* source, Dtype to, std::byte* destination,
          std::size_t count) {
  cast_scalar(from, source, to, destination, count);
}
}  // namespace plimsoll::codecs
