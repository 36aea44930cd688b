#include "numbers.hpp"

#include <cstring>
#include <random>

#include "codecs/cast.hpp"

namespace plimsoll::codecs::bench {

std::vector<std::byte> weights(Dtype dtype) {
  std::mt19937 random(1);
  std::vector<std::byte> unit(unit_bytes);
  if (bits_of(dtype) == 8) {
    for (std::byte& code : unit) code = static_cast<std::byte>(random());
    return unit;
  }
  std::normal_distribution<float> bell(0.0f, 0.02f);
  std::vector<float> numbers(unit_bytes / (bits_of(dtype) / 8));
  for (float& number : numbers) number = bell(random);
  cast_scalar(Dtype::f32, reinterpret_cast<const std::byte*>(numbers.data()), dtype, unit.data(),
              numbers.size());
  return unit;
}

}  // namespace plimsoll::codecs::bench
