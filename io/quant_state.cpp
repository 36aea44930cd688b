#include "io/quant_state.hpp"

#include "io/json_string.hpp"

namespace plimsoll::io {

std::string quant_state_json(const QuantState& state) {
  std::string out = "{\"quant_type\": ";
  append_json_string(out, state.quant_type, JsonText::ascii);
  out += ", \"blocksize\": " + std::to_string(state.blocksize) + ", \"dtype\": ";
  append_json_string(out, state.dtype, JsonText::ascii);
  out += ", \"shape\": [";
  for (std::size_t i = 0; i < state.shape.size(); ++i) {
    if (i > 0) out += ", ";
    out += std::to_string(state.shape[i]);
  }
  out += "]}";
  return out;
}

}  // namespace plimsoll::io
