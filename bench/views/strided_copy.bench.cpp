// How many bytes a core moves in a second by copies of each kind, a unit of 1 MiB at a time from
// memory it has touched before; `memcpy` is what the machine allows.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "views/copies.hpp"
#include "views/operations.hpp"
#include "views/strided_copy.hpp"
#include "views/units.hpp"

namespace {

using namespace plimsoll::views;

constexpr std::uint64_t unit_bytes = 1u << 20;
constexpr std::uint64_t source_bytes = 32u << 20;

/// Every unit of the view, one after the other, into the same slot.
void units(benchmark::State& state, const View& view, std::size_t element_bytes) {
  const Units cut = cut_units(view, {unit_bytes / element_bytes, 64}).value();
  std::vector<std::byte> source(source_bytes, std::byte{1});
  std::vector<std::byte> slot(cut.largest * element_bytes);
  for (auto _ : state) {
    for (const Region& region : cut.regions) {
      for_each_copy(view, region, [&](const StridedBox& copy) {
        copy_strided(copy, source.data(), slot.data(), element_bytes);
      });
      benchmark::ClobberMemory();
    }
  }
  state.SetBytesProcessed(
      static_cast<std::int64_t>(state.iterations() * view.elements() * element_bytes));
}

void plain_memcpy(benchmark::State& state) {
  std::vector<std::byte> source(source_bytes, std::byte{1});
  std::vector<std::byte> slot(unit_bytes);
  for (auto _ : state) {
    for (std::size_t at = 0; at < source.size(); at += unit_bytes) {
      std::memcpy(slot.data(), source.data() + at, unit_bytes);
      benchmark::ClobberMemory();
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * source.size()));
}

const bool registered = [] {
  benchmark::RegisterBenchmark("memcpy", plain_memcpy);
  for (const std::size_t bytes : {1u, 2u, 4u, 8u}) {
    const std::uint64_t rows = 4096;
    const std::uint64_t columns = source_bytes / rows / bytes;
    const View view = whole(0, {rows, columns}).value();
    std::string suffix("/");
    suffix += std::to_string(8 * bytes);
    const auto add = [&](const std::string& name, const View& made) {
      benchmark::RegisterBenchmark((name + suffix).c_str(), units, made, bytes);
    };
    add("as_stored", view);
    add("rotary", permute_for_rope(view, 32).value());
    add("columns_of_a_share", slice(view, 1, 0, columns / 4).value());
    add("transpose", transpose(view, 0, 1).value());
    const View odd = whole(0, {rows, columns - 24}).value();
    add("transpose_odd_rows", transpose(odd, 0, 1).value());
    add("deinterleave_columns", interleave(view, 1).value());
  }
  return true;
}();

}  // namespace
