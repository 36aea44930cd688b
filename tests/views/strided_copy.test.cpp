#include "views/strided_copy.hpp"

#include <cstring>
#include <random>

#include "catch.hpp"
#include "random_chain.hpp"
#include "views/copies.hpp"
#include "views/operations.hpp"

using namespace plimsoll::views;
using namespace plimsoll::views::test;

namespace {

std::vector<std::byte> random_bytes(std::mt19937& random, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// Copies the whole view, the source and the destination `skew` bytes off any alignment, and
/// compares with one memcpy an element.
void check_copy(const View& view, std::size_t bytes, std::size_t skew, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::vector<std::byte>> sources;
  std::vector<std::byte> wanted(view.elements() * bytes);
  std::vector<std::byte> memory(view.elements() * bytes + skew);
  const DenseTensor dense = dense_of(view);
  for (std::uint64_t i = 0; i < dense.values.size(); ++i) {
    const std::size_t source = dense.values[i] >> 32;
    const std::size_t place = dense.values[i] & 0xFFFFFFFFu;
    if (sources.size() <= source) sources.resize(source + 1);
    while (sources[source].size() < (place + 1) * bytes + skew) {
      sources[source].push_back(static_cast<std::byte>(random()));
    }
    std::memcpy(wanted.data() + i * bytes, sources[source].data() + skew + place * bytes, bytes);
  }
  for_each_copy(view, 0, view.elements(), [&](const StridedBox& copy) {
    copy_strided(copy, sources[copy.source].data() + skew, memory.data() + skew, bytes);
  });
  memory.erase(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(skew));
  REQUIRE(memory == wanted);
}

}  // namespace

TEST_CASE("copies of any chain move every element to its place, at any alignment") {
  for (std::uint32_t seed = 0; seed < 1000; ++seed) {
    INFO("seed " << seed);
    const RandomChain chain = random_chain(seed);
    for (const std::size_t bytes : {1u, 2u, 4u, 8u}) check_copy(chain.view, bytes, seed % 3, seed);
  }
}

TEST_CASE("matrices of all sizes around squares and tiles are transposed") {
  for (const std::uint64_t rows : {1u, 2u, 7u, 8u, 16u, 31u, 64u, 67u}) {
    for (const std::uint64_t columns : {1u, 3u, 8u, 15u, 32u, 33u, 64u, 130u}) {
      INFO(rows << " by " << columns);
      const View view = transpose(whole(0, {rows, columns}).value(), 0, 1).value();
      for (const std::size_t bytes : {1u, 2u, 4u, 8u}) check_copy(view, bytes, bytes / 2, 1);
    }
  }
}

TEST_CASE("a part of a transposed matrix is carried into a region's own memory") {
  std::mt19937 random(5);
  const std::uint64_t rows = 96, columns = 80;
  const View view = transpose(whole(0, {rows, columns}).value(), 0, 1).value();
  const auto source = random_bytes(random, rows * columns * 2);
  const Region region{10 * rows + 32, 50, 40, rows};
  std::vector<std::byte> memory(region.elements() * 2);
  for_each_copy(view, region, [&](const StridedBox& copy) {
    copy_strided(copy, source.data(), memory.data(), 2);
  });
  for (std::uint64_t r = 0; r < region.rows; ++r) {
    for (std::uint64_t c = 0; c < region.columns; ++c) {
      REQUIRE(std::memcmp(memory.data() + (r * region.columns + c) * 2,
                          source.data() + ((32 + c) * columns + 10 + r) * 2, 2) == 0);
    }
  }
}
