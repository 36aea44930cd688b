#include "cli/synth_values.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <vector>

#include "catch.hpp"

using namespace plimsoll::cli;

namespace {

std::vector<std::uint16_t> values_of(SynthValues values, std::uint64_t stream, std::size_t count) {
  std::vector<std::uint16_t> out(count);
  fill_synth_values(values, stream, 0, out);
  return out;
}

double number(std::uint16_t bf16) {
  return std::bit_cast<float>(std::uint32_t{bf16} << 16);
}

struct Moments {
  double mean = 0;
  double deviation = 0;
};

Moments moments_of(const std::vector<std::uint16_t>& values) {
  Moments moments;
  for (const std::uint16_t value : values) moments.mean += number(value);
  moments.mean /= static_cast<double>(values.size());
  for (const std::uint16_t value : values) {
    moments.deviation += std::pow(number(value) - moments.mean, 2);
  }
  moments.deviation = std::sqrt(moments.deviation / static_cast<double>(values.size()));
  return moments;
}

}  // namespace

TEST_CASE("weights look normal with a deviation of 0.02, norms with a mean of one") {
  const Moments weight = moments_of(values_of(SynthValues::weight, 1, 1 << 20));
  CHECK(std::abs(weight.mean) < 1e-4);
  CHECK(std::abs(weight.deviation - 0.02) < 1e-4);
  const Moments norm = moments_of(values_of(SynthValues::norm, 1, 1 << 20));
  CHECK(std::abs(norm.mean - 1) < 1e-3);
  CHECK(std::abs(norm.deviation - 0.05) < 1e-3);
}

TEST_CASE("weights have both signs, every mantissa, and tails beyond four deviations") {
  std::set<unsigned> mantissas;
  double least = 0;
  double most = 0;
  std::size_t beyond_one = 0;
  const auto values = values_of(SynthValues::weight, 7, 1 << 20);
  for (const std::uint16_t value : values) {
    mantissas.insert(value & 0x7f);
    least = std::min(least, number(value));
    most = std::max(most, number(value));
    beyond_one += std::abs(number(value)) > 0.02 ? 1 : 0;
  }
  CHECK(mantissas.size() == 128);
  CHECK(least < -0.08);
  CHECK(most > 0.08);
  // 31.7 % of a normal distribution.
  CHECK(std::abs(static_cast<double>(beyond_one) / static_cast<double>(values.size()) - 0.317) <
        0.005);
}

TEST_CASE("scales are near a thousandth, with every bit of their mantissas") {
  std::vector<float> scales(1 << 18);
  fill_synth_values(SynthValues::scale, 3, 0, scales);
  std::uint32_t ones = 0;
  std::uint32_t zeros = 0;
  for (const float scale : scales) {
    CHECK((scale > 4e-4f && scale < 1.6e-3f));
    ones |= std::bit_cast<std::uint32_t>(scale);
    zeros |= ~std::bit_cast<std::uint32_t>(scale);
  }
  CHECK((ones & zeros & 0x7fffff) == 0x7fffff);
}

TEST_CASE("codes are all codes of eight bits but the two that are no numbers") {
  std::vector<std::uint8_t> codes(1 << 16);
  fill_synth_codes(5, 0, codes);
  std::set<unsigned> seen(codes.begin(), codes.end());
  CHECK(seen.size() == 254);
  CHECK_FALSE(seen.contains(0x7f));
  CHECK_FALSE(seen.contains(0xff));
  std::vector<std::uint8_t> tail(codes.size() - synth_chunk_values);
  fill_synth_codes(5, 1, tail);
  CHECK(std::equal(tail.begin(), tail.end(), codes.begin() + synth_chunk_values));
}

TEST_CASE("a chunk has the same values whatever is made along with it") {
  std::vector<std::uint16_t> whole(3 * synth_chunk_values + 5);
  fill_synth_values(SynthValues::weight, 9, 0, whole);
  std::vector<std::uint16_t> tail(synth_chunk_values + 5);
  fill_synth_values(SynthValues::weight, 9, 2, tail);
  CHECK(std::equal(tail.begin(), tail.end(), whole.begin() + 2 * synth_chunk_values));
}

TEST_CASE("names and seeds have streams of their own") {
  std::set<std::uint64_t> streams;
  for (const char* name : {"", "a", "b", "ab", "ba", "model.layers.1.a", "model.layers.2.a"}) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) streams.insert(synth_stream(seed, name));
  }
  CHECK(streams.size() == 28);
}

TEST_CASE("the values are the same on every machine") {
  const std::vector<std::uint16_t> values = values_of(
      SynthValues::weight, synth_stream(0, "model.embed_tokens.weight"), synth_chunk_values);
  std::uint64_t sum = 0;
  for (const std::uint16_t value : values) sum = sum * 31 + value;
  CHECK(sum == 0x7c393cb510069f5du);
  const std::vector<std::uint16_t> first(values.begin(), values.begin() + 6);
  CHECK(first == std::vector<std::uint16_t>{47905, 15509, 15524, 48393, 15139, 15269});
}
