#include <array>
#include <cstring>

#include "codecs/cast.hpp"
#include "codecs/float8.hpp"
#include "codecs/float_bits.hpp"

namespace plimsoll::codecs {
namespace {

struct ToF32 {
  using Element = std::uint32_t;
  static constexpr Element from_f32(float value) {
    return f32_quieted(std::bit_cast<std::uint32_t>(value));
  }
};
struct ToF16 {
  using Element = std::uint16_t;
  static constexpr Element from_f32(float value) { return f16_from_f32(value); }
};
struct ToBf16 {
  using Element = std::uint16_t;
  static constexpr Element from_f32(float value) { return bf16_from_f32(value); }
};

template <class To, float (*decode)(std::uint8_t)>
constexpr auto table_of() {
  std::array<typename To::Element, 256> table{};
  for (unsigned code = 0; code < 256; ++code) {
    table[code] = To::from_f32(decode(static_cast<std::uint8_t>(code)));
  }
  return table;
}

template <class To, float (*decode)(std::uint8_t)>
constexpr auto decoded = table_of<To, decode>();

template <class From, class To, class Convert>
void convert_each(const std::byte* source, std::byte* destination, std::size_t count,
                  Convert convert) {
  for (std::size_t i = 0; i < count; ++i) {
    From from;
    std::memcpy(&from, source + i * sizeof from, sizeof from);
    const typename To::Element to = convert(from);
    std::memcpy(destination + i * sizeof to, &to, sizeof to);
  }
}

template <class To, float (*decode)(std::uint8_t)>
void look_up(const std::byte* source, std::byte* destination, std::size_t count) {
  convert_each<std::uint8_t, To>(source, destination, count,
                                 [](std::uint8_t code) { return decoded<To, decode>[code]; });
}

template <class To>
void cast_to(Dtype from, const std::byte* source, std::byte* destination, std::size_t count) {
  switch (from) {
    case Dtype::f64:
      return convert_each<double, To>(source, destination, count, [](double value) {
        return To::from_f32(static_cast<float>(value));
      });
    case Dtype::f32:
      return convert_each<float, To>(source, destination, count, To::from_f32);
    case Dtype::f16:
      return convert_each<std::uint16_t, To>(source, destination, count, [](std::uint16_t bits) {
        return To::from_f32(f32_from_f16(bits));
      });
    case Dtype::bf16:
      return convert_each<std::uint16_t, To>(source, destination, count, [](std::uint16_t bits) {
        return To::from_f32(f32_from_bf16(bits));
      });
    case Dtype::f8_e4m3:
      return look_up<To, f32_from_e4m3>(source, destination, count);
    case Dtype::f8_e5m2:
      return look_up<To, f32_from_e5m2>(source, destination, count);
    case Dtype::f8_e8m0:
      return look_up<To, f32_from_e8m0>(source, destination, count);
    case Dtype::f8_e4m3fnuz:
      return look_up<To, f32_from_e4m3fnuz>(source, destination, count);
    case Dtype::f8_e5m2fnuz:
      return look_up<To, f32_from_e5m2fnuz>(source, destination, count);
    default:
      return;
  }
}

}  // namespace

bool can_cast(Dtype from, Dtype to) noexcept {
  const bool target = to == Dtype::f32 || to == Dtype::f16 || to == Dtype::bf16;
  return target && is_floating_point(from) && bits_of(from) >= 8;
}

void cast_scalar(Dtype from, const std::byte* source, Dtype to, std::byte* destination,
                 std::size_t count) {
  if (from == to) {
    if (source != destination && count != 0) {
      std::memcpy(destination, source, count * (bits_of(to) / 8));
    }
    return;
  }
  switch (to) {
    case Dtype::f32:
      return cast_to<ToF32>(from, source, destination, count);
    case Dtype::f16:
      return cast_to<ToF16>(from, source, destination, count);
    default:
      return cast_to<ToBf16>(from, source, destination, count);
  }
}

}  // namespace plimsoll::codecs
