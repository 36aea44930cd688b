#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "codecs/float_bits.hpp"

namespace plimsoll::codecs {

// The dtypes that the scalar quantizers read, as types: what an element is stored as, and how it
// becomes an fp32 number.

struct F32Source {
  using Element = float;
  static float widen(Element value) { return value; }
};
struct Bf16Source {
  using Element = std::uint16_t;
  static float widen(Element bits) { return f32_from_bf16(bits); }
};
struct F16Source {
  using Element = std::uint16_t;
  static float widen(Element bits) { return f32_from_f16(bits); }
};

/// Element `index`, widened; `source` may have any alignment.
template <class Source>
float load(const std::byte* source, std::size_t index) {
  typename Source::Element element;
  std::memcpy(&element, source + index * sizeof element, sizeof element);
  return Source::widen(element);
}

}  // namespace plimsoll::codecs
