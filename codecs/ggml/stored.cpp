#include "codecs/ggml/stored.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "codecs/cast.hpp"
#include "codecs/ggml/decode.hpp"
#include "codecs/ggml/plain.hpp"

namespace plimsoll::codecs::ggml {
namespace {

/// Numbers that are worked on at a time where there are several steps: a multiple of every block.
constexpr std::size_t piece = 1024;

void decode_plain(Dtype from, const std::byte* bytes, std::size_t count, Dtype to,
                  std::byte* destination) noexcept {
  const std::size_t width = bits_of(from) / 8;
  const std::size_t made = bits_of(to) / 8;
  if (reinterpret_cast<std::uintptr_t>(bytes) % width == 0) {
    return cast(from, bytes, to, destination, count);
  }
  alignas(8) std::array<std::byte, piece * 8> aligned;
  for (std::size_t done = 0; done < count; done += piece) {
    const std::size_t now = std::min(piece, count - done);
    std::memcpy(aligned.data(), bytes + done * width, now * width);
    cast(from, aligned.data(), to, destination + done * made, now);
  }
}

void decode_numbers(Type type, const std::byte* bytes, std::size_t count, Dtype to,
                    std::byte* destination) noexcept {
  if (const std::optional<Dtype> plain = dtype_of(type)) {
    return decode_plain(*plain, bytes, count, to, destination);
  }
  decode(type, bytes, count / traits_of(type).block_elements, to, destination);
}

}  // namespace

void decode_stored(const Stored& stored, std::byte* bytes, std::size_t count, Dtype to,
                   std::byte* destination) noexcept {
  const Traits& traits = traits_of(stored.type);
  if (stored.swapped) swap_byte_order(stored.type, bytes, count / traits.block_elements);
  if (stored.map == ElementMap::none) {
    return decode_numbers(stored.type, bytes, count, to, destination);
  }
  alignas(64) std::array<float, piece> numbers;
  auto* const mapped = reinterpret_cast<std::byte*>(numbers.data());
  const std::size_t made = bits_of(to) / 8;
  for (std::size_t done = 0; done < count; done += piece) {
    const std::size_t now = std::min(piece, count - done);
    decode_numbers(stored.type, bytes, now, Dtype::f32, mapped);
    apply(stored.map, Dtype::f32, mapped, now);
    cast(Dtype::f32, mapped, to, destination + done * made, now);
    bytes += now / traits.block_elements * traits.block_bytes;
  }
}

}  // namespace plimsoll::codecs::ggml
