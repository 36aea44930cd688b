#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/catalogue.hpp"

namespace plimsoll::io {

/// What a 4-bit tensor's reader needs beside its bytes, when its scales are not quantized
/// themselves.
struct QuantState {
  std::string_view quant_type = "nf4";  ///< "nf4" or "fp4"
  std::uint64_t blocksize = 64;         ///< elements that share a scale
  std::string_view dtype;               ///< torch's name of the type it dequantizes to
  Shape shape;                          ///< of the tensor before it was packed
};

/// The bytes of the tensor `<module>.weight.quant_state.bitsandbytes__<quant_type>`: a JSON object
/// with the keys, order and spacing that bitsandbytes writes. Its readers refuse unknown keys.
[[nodiscard]] std::string quant_state_json(const QuantState& state);

}  // namespace plimsoll::io
