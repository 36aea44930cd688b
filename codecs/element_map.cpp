#include "codecs/element_map.hpp"

#include <cmath>
#include <cstring>

#include "codecs/float_bits.hpp"

namespace plimsoll::codecs {

namespace {

float mapped(ElementMap map, float value) noexcept {
  switch (map) {
    case ElementMap::subtract_one:
      return value - 1.0f;
    case ElementMap::add_one:
      return value + 1.0f;
    case ElementMap::add_one_in_f16:
      return f32_from_f16(f16_from_f32(value + 1.0f));
    case ElementMap::log_negate:
      return static_cast<float>(std::log(-static_cast<double>(value)));
    case ElementMap::negate_exp:
      return static_cast<float>(-std::exp(static_cast<double>(value)));
    case ElementMap::none:
      break;
  }
  return value;
}

template <class Bits, class Widen, class Narrow>
void map_all(ElementMap map, std::byte* numbers, std::size_t count, Widen widen, Narrow narrow) {
  for (std::size_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, numbers + i * sizeof bits, sizeof bits);
    bits = narrow(mapped(map, widen(bits)));
    std::memcpy(numbers + i * sizeof bits, &bits, sizeof bits);
  }
}

}  // namespace

bool can_map(ElementMap map, Dtype dtype) noexcept {
  return map == ElementMap::none || dtype == Dtype::f32 || dtype == Dtype::f16 ||
         dtype == Dtype::bf16;
}

void apply(ElementMap map, Dtype dtype, std::byte* numbers, std::size_t count) noexcept {
  if (map == ElementMap::none) return;
  if (dtype == Dtype::f32) {
    map_all<float>(
        map, numbers, count, [](float x) { return x; }, [](float x) { return x; });
  } else if (dtype == Dtype::bf16) {
    map_all<std::uint16_t>(map, numbers, count, f32_from_bf16, bf16_from_f32);
  } else {
    map_all<std::uint16_t>(map, numbers, count, f32_from_f16, f16_from_f32);
  }
}

}  // namespace plimsoll::codecs
