#pragma once

#include <vector>

#include "codecs/ggml/decode.hpp"

namespace plimsoll::codecs::ggml::test {

/// Every type that can be decoded, in the order of ids.
inline std::vector<Type> decodable_types() {
  std::vector<Type> types;
  for (std::uint32_t id = 0; id < 64; ++id) {
    const auto type = type_of(id);
    if (type && can_decode(*type)) types.push_back(*type);
  }
  return types;
}

}  // namespace plimsoll::codecs::ggml::test
