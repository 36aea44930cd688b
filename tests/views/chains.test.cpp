#include <numeric>

#include "catch.hpp"
#include "random_chain.hpp"
#include "views/copies.hpp"
#include "views/source_ranges.hpp"

using namespace plimsoll::views;
using namespace plimsoll::views::test;

namespace {

constexpr std::uint32_t seeds = 3000;

/// What the copies of a region put into its memory.
std::vector<std::uint64_t> contents(const View& view, const Region& region) {
  std::vector<std::uint64_t> memory(region.elements(), ~std::uint64_t{0});
  for_each_copy(view, region, [&](const StridedBox& copy) {
    for (std::uint64_t i = 0; i < elements_of(copy); ++i) {
      std::uint64_t rest = i;
      std::uint64_t to = copy.result_offset;
      std::uint64_t from = copy.source_offset;
      for (const Axis& axis : copy.used()) {
        to += rest % axis.extent * axis.result_stride;
        from += rest % axis.extent * axis.source_stride;
        rest /= axis.extent;
      }
      REQUIRE(memory.at(to) == ~std::uint64_t{0});
      memory[to] = (std::uint64_t{copy.source} << 32) | from;
    }
  });
  return memory;
}

/// What it should put there.
std::vector<std::uint64_t> expected(const DenseTensor& dense, const Region& region) {
  std::vector<std::uint64_t> memory;
  for (std::uint64_t row = 0; row < region.rows; ++row) {
    const auto at =
        dense.values.begin() + static_cast<std::ptrdiff_t>(region.first + row * region.row_stride);
    memory.insert(memory.end(), at, at + static_cast<std::ptrdiff_t>(region.columns));
  }
  return memory;
}

/// A range, or rows of the result seen as a matrix of any width that divides it.
Region random_region(std::mt19937& random, std::uint64_t elements) {
  if (random() % 3 == 0) {
    const std::uint64_t begin = random() % (elements + 1);
    return {begin, 1, random() % (elements - begin + 1), 0};
  }
  std::uint64_t width = random() % elements + 1;
  while (elements % width != 0) --width;
  const std::uint64_t row = random() % (elements / width);
  const std::uint64_t column = random() % width;
  return {row * width + column, random() % (elements / width - row) + 1,
          random() % (width - column) + 1, width};
}

}  // namespace

TEST_CASE("a chain of operations is the view that its steps, done one by one, say") {
  int operations = 0;
  int refused = 0;
  for (std::uint32_t seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    const RandomChain chain = random_chain(seed);
    REQUIRE(dense_of(chain.view) == chain.dense);
    operations += chain.operations;
    refused += chain.refused;
  }
  CHECK(refused * 20 < operations);
}

TEST_CASE("copies fill any region of a result exactly") {
  for (std::uint32_t seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    const RandomChain chain = random_chain(seed);
    if (chain.view.elements() == 0) continue;
    std::mt19937 random(seed);
    for (int i = 0; i < 8; ++i) {
      const Region region = random_region(random, chain.view.elements());
      INFO("first " << region.first << " rows " << region.rows << " columns " << region.columns
                    << " stride " << region.row_stride);
      REQUIRE(contents(chain.view, region) == expected(chain.dense, region));
    }
  }
}

TEST_CASE("the ranges of a region are its source elements, each once, sorted and apart") {
  for (std::uint32_t seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    const RandomChain chain = random_chain(seed);
    if (chain.view.elements() == 0) continue;
    std::mt19937 random(seed);
    const Region region = random_region(random, chain.view.elements());
    std::vector<std::uint64_t> wanted = expected(chain.dense, region);
    std::sort(wanted.begin(), wanted.end());
    std::vector<std::uint64_t> named;
    const auto ranges = source_ranges(chain.view, region);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      for (std::uint64_t at = 0; at < ranges[i].count; ++at) {
        named.push_back((std::uint64_t{ranges[i].source} << 32) | (ranges[i].first + at));
      }
      if (i != 0 && ranges[i].source == ranges[i - 1].source) {
        REQUIRE(ranges[i].first > ranges[i - 1].first + ranges[i - 1].count);
      }
    }
    REQUIRE(named == wanted);
  }
}

TEST_CASE("a chain that leaves nothing out reads every source element exactly once") {
  int chains = 0;
  for (std::uint32_t seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    const RandomChain chain = random_chain(seed);
    if (!chain.permutes || chain.view.elements() == 0) continue;
    ++chains;
    std::vector<SourceRange> all;
    for (std::uint32_t source = 0; source < chain.source_elements.size(); ++source) {
      if (chain.source_elements[source] != 0) {
        all.push_back({source, 0, chain.source_elements[source]});
      }
    }
    REQUIRE(source_ranges(chain.view, 0, chain.view.elements()) == all);
  }
  CHECK(chains > 1000);
}

TEST_CASE("copies from where the ranges were read give the same result") {
  for (std::uint32_t seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    const RandomChain chain = random_chain(seed);
    if (chain.view.elements() == 0) continue;
    std::mt19937 random(seed);
    const Region region = random_region(random, chain.view.elements());
    const auto ranges = source_ranges(chain.view, region);
    std::vector<std::uint64_t> landed;
    std::vector<std::uint64_t> slot;
    for (const SourceRange& range : ranges) {
      slot.resize(slot.size() + random() % 3);
      landed.push_back(slot.size());
      for (std::uint64_t i = 0; i < range.count; ++i) {
        slot.push_back((std::uint64_t{range.source} << 32) | (range.first + i));
      }
    }
    std::vector<StridedBox> copies;
    for_each_copy(chain.view, region,
                  [&](const StridedBox& copy) { append_landed(copy, ranges, landed, copies); });
    std::vector<std::uint64_t> memory(region.elements(), ~std::uint64_t{0});
    for (const StridedBox& copy : copies) {
      for (std::uint64_t i = 0; i < elements_of(copy); ++i) {
        std::uint64_t rest = i;
        std::uint64_t to = copy.result_offset;
        std::uint64_t from = copy.source_offset;
        for (const Axis& axis : copy.used()) {
          to += rest % axis.extent * axis.result_stride;
          from += rest % axis.extent * axis.source_stride;
          rest /= axis.extent;
        }
        memory.at(to) = slot.at(from);
      }
    }
    REQUIRE(memory == expected(chain.dense, region));
  }
}
