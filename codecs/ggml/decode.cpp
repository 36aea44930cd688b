#include "codecs/ggml/decode.hpp"

namespace plimsoll::codecs::ggml {

void decode(Type type, const std::byte* blocks, std::size_t count, Dtype dtype,
            std::byte* destination) noexcept {
  decode_scalar(type, blocks, count, dtype, destination);
}

}  // namespace plimsoll::codecs::ggml
