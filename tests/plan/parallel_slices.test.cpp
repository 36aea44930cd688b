#include "plan/parallel_slices.hpp"

#include <array>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "../views/dense_tensor.hpp"
#include "catch.hpp"
#include "views/operations.hpp"
#include "views/source_ranges.hpp"

using namespace plimsoll;
using namespace plimsoll::plan;
using config::Packing;
using config::Slice;
using config::SliceKind;
using views::View;
using views::test::dense_concatenate;
using views::test::dense_of;
using views::test::dense_slice;
using views::test::dense_source;
using views::test::DenseTensor;

namespace {

constexpr Slice columns{SliceKind::columns};
constexpr Slice rows{SliceKind::rows};
constexpr Slice experts{SliceKind::experts};
constexpr Slice gate_and_up{SliceKind::columns, Packing::gate_and_up};
constexpr Slice queries_keys_values{SliceKind::columns, Packing::queries_keys_values};

SliceTest all_as(const Slice& slice) {
  return [slice](std::string_view, const io::Shape&) -> Expected<Slice> { return slice; };
}

/// Blueprints of tensors that are stored as they are, sources in the order of adding.
class Stored {
 public:
  Stored& add(const std::string& name, const io::Shape& shape, Dtype dtype = Dtype::bf16) {
    const auto source = static_cast<std::uint32_t>(all.scales.size());
    all.tensors.push_back({name, dtype, views::whole(source, shape).value(), {}, {}});
    all.scales.emplace_back();
    return *this;
  }
  /// Scales of the tensor added last.
  Stored& scales(const io::Shape& shape, std::uint64_t tile_rows, std::uint64_t tile_columns) {
    const auto weight = static_cast<std::uint32_t>(all.tensors.size() - 1);
    add(all.tensors.back().name + "_scale_inv", shape, Dtype::f32);
    all.tensors.back().scales_of = weight;
    all.scales[weight] = TileScales{weight + 1, tile_rows, tile_columns};
    return *this;
  }

  Blueprints all;
};

Blueprints one(const io::Shape& shape, const std::string& name = "w.weight") {
  return Stored().add(name, shape).all;
}

Blueprints share_of(const Blueprints& all, std::uint32_t rank, std::uint32_t count,
                    const SliceTest& test) {
  auto share = parallel_share(all, {rank, count}, test);
  INFO((share ? "" : share.error().what()));
  REQUIRE(share);
  return *share;
}

DenseTensor dense_share(const Blueprints& all, std::uint32_t rank, std::uint32_t count,
                        const SliceTest& test) {
  return dense_of(share_of(all, rank, count, test).tensors.at(0).view);
}

void check_refused(const Blueprints& all, const ParallelShare& share, const SliceTest& test,
                   ErrorCode code, const std::string& part) {
  const auto refused = parallel_share(all, share, test);
  REQUIRE_FALSE(refused);
  INFO(refused.error().what());
  CHECK(refused.error().code() == code);
  CHECK(std::string(refused.error().what()).find(part) != std::string::npos);
}

io::Shape random_shape(std::mt19937& random, std::size_t rank) {
  io::Shape shape;
  for (std::size_t i = 0; i < rank; ++i) shape.push_back(1 + random() % 12);
  return shape;
}

}  // namespace

TEST_CASE("columns divide the output features, rows the input features") {
  const Blueprints all = one({6, 4});
  const DenseTensor whole = dense_source(0, {6, 4});
  CHECK(dense_share(all, 1, 3, all_as(columns)) == dense_slice(whole, 0, 2, 4));
  CHECK(dense_share(all, 1, 2, all_as(rows)) == dense_slice(whole, 1, 2, 4));
}

TEST_CASE("columns of merged experts are the output features of each, rows the input features") {
  const Blueprints all = one({3, 6, 4}, "experts.down_proj");
  const DenseTensor whole = dense_source(0, {3, 6, 4});
  CHECK(dense_share(all, 0, 2, all_as(columns)) == dense_slice(whole, 1, 0, 3));
  CHECK(dense_share(all, 1, 2, all_as(rows)) == dense_slice(whole, 2, 2, 4));
  CHECK(dense_share(all, 1, 2, all_as({SliceKind::columns, Packing::none, true})) ==
        dense_slice(whole, 2, 2, 4));
  CHECK(dense_share(all, 1, 2, all_as({SliceKind::rows, Packing::none, true})) ==
        dense_slice(whole, 1, 3, 6));
}

TEST_CASE("a bias goes with the output features, and stays whole in a layer divided by rows") {
  const Blueprints all = one({6}, "w.bias");
  CHECK(dense_share(all, 2, 3, all_as(columns)) == dense_slice(dense_source(0, {6}), 0, 4, 6));
  CHECK(dense_share(all, 2, 3, all_as(rows)) == dense_source(0, {6}));

  const Blueprints merged = one({3, 8}, "experts.gate_up_proj_bias");
  const DenseTensor whole = dense_source(0, {3, 8});
  CHECK(dense_share(merged, 1, 2, all_as(columns)) == dense_slice(whole, 1, 4, 8));
  CHECK(dense_share(merged, 1, 2, all_as(rows)) == whole);
}

TEST_CASE("each half of a fused gate and up is divided on its own") {
  const DenseTensor whole = dense_source(0, {8, 3});
  const DenseTensor expected =
      dense_concatenate(std::array{dense_slice(whole, 0, 2, 4), dense_slice(whole, 0, 6, 8)}, 0);
  CHECK(dense_share(one({8, 3}, "gate_up_proj.weight"), 1, 2, all_as(gate_and_up)) == expected);

  const DenseTensor merged = dense_source(0, {2, 3, 8});
  const DenseTensor transposed =
      dense_concatenate(std::array{dense_slice(merged, 2, 0, 2), dense_slice(merged, 2, 4, 6)}, 2);
  CHECK(dense_share(one({2, 3, 8}), 0, 2,
                    all_as({SliceKind::columns, Packing::gate_and_up, true})) == transposed);
}

TEST_CASE("halves that were made of two tensors give the parts of both") {
  const View gate = views::whole(0, {4, 3}).value();
  const View up = views::whole(1, {4, 3}).value();
  Blueprints all;
  all.tensors.push_back({"experts.gate_up_proj",
                         Dtype::bf16,
                         views::concatenate(std::array{gate, up}, 0).value(),
                         {},
                         {}});
  all.scales.resize(2);
  const DenseTensor expected =
      dense_concatenate(std::array{dense_slice(dense_source(0, {4, 3}), 0, 2, 4),
                                   dense_slice(dense_source(1, {4, 3}), 0, 2, 4)},
                        0);
  CHECK(dense_share(all, 1, 2, all_as(gate_and_up)) == expected);
}

TEST_CASE("rows of a fused gate and up are one run of input features") {
  const Blueprints all = one({8, 4});
  CHECK(dense_share(all, 0, 2, all_as({SliceKind::rows, Packing::gate_and_up})) ==
        dense_slice(dense_source(0, {8, 4}), 1, 0, 2));
}

TEST_CASE("queries, keys and values of equal sizes are divided each") {
  Stored stored;
  stored.add("qkv_proj.weight", {12, 4}).add("qkv_proj.bias", {12});
  const Blueprints share = share_of(stored.all, 1, 2, all_as(queries_keys_values));
  const auto expected = [](const DenseTensor& whole) {
    return dense_concatenate(std::array{dense_slice(whole, 0, 2, 4), dense_slice(whole, 0, 6, 8),
                                        dense_slice(whole, 0, 10, 12)},
                             0);
  };
  CHECK(dense_of(share.tensors[0].view) == expected(dense_source(0, {12, 4})));
  CHECK(dense_of(share.tensors[1].view) == expected(dense_source(1, {12})));
}

TEST_CASE("queries, keys and values of sizes that nothing tells are refused") {
  // 4 + 1 + 1 heads, whose features divide by three all the same.
  check_refused(one({12, 8}, "qkv_proj.weight"), {0, 2}, all_as(queries_keys_values),
                ErrorCode::unsupported, "qkv_proj.weight: shape [12, 8] holds queries");
  check_refused(one({12}, "qkv_proj.bias"), {0, 2}, all_as(queries_keys_values),
                ErrorCode::unsupported, "qkv_proj.bias");
}

TEST_CASE("features that do not divide evenly give the last ranks fewer") {
  const Blueprints all = one({7, 2});
  const DenseTensor whole = dense_source(0, {7, 2});
  CHECK(dense_share(all, 0, 3, all_as(columns)) == dense_slice(whole, 0, 0, 3));
  CHECK(dense_share(all, 1, 3, all_as(columns)) == dense_slice(whole, 0, 3, 6));
  CHECK(dense_share(all, 2, 3, all_as(columns)) == dense_slice(whole, 0, 6, 7));
}

TEST_CASE("a rank that would have nothing is refused, whichever rank asks") {
  for (std::uint32_t rank = 0; rank < 4; ++rank) {
    check_refused(one({5, 2}), {rank, 4}, all_as(columns), ErrorCode::invalid_argument,
                  "w.weight: shape [5, 2]: 5 output features cannot be divided among 4 ranks");
  }
  check_refused(one({8, 2}), {0, 3}, all_as(rows), ErrorCode::invalid_argument, "2 input features");
  check_refused(one({1U << 20, 2}), {0, ~0U}, all_as(columns), ErrorCode::invalid_argument,
                "1048576 output features");
}

TEST_CASE("whole experts go to the ranks in runs of equal length") {
  CHECK(dense_share(one({6, 2, 3}, "experts.down_proj"), 1, 3, all_as(experts)) ==
        dense_slice(dense_source(0, {6, 2, 3}), 0, 2, 4));
  check_refused(one({6, 2, 3}, "experts.down_proj"), {0, 4}, all_as(experts),
                ErrorCode::invalid_argument, "6 experts cannot be divided evenly among 4 ranks");
}

TEST_CASE("single experts are kept by their numbers, and no others") {
  Stored stored;
  for (const int number : {0, 10, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
    const std::string before = "layers.0.mlp.experts." + std::to_string(number);
    stored.add(before + ".w1.weight", {4, 4}).add(before + ".w2.weight", {4, 4});
  }
  stored.add("layers.0.norm.weight", {4});
  const SliceTest test = [](std::string_view name, const io::Shape&) -> Expected<Slice> {
    return name.find("experts.") == std::string_view::npos ? Slice{} : experts;
  };
  std::vector<std::string> names;
  for (const Blueprint& tensor : share_of(stored.all, 2, 3, test).tensors) {
    names.push_back(tensor.name);
  }
  CHECK(names == std::vector<std::string>{
                     "layers.0.mlp.experts.10.w1.weight", "layers.0.mlp.experts.10.w2.weight",
                     "layers.0.mlp.experts.11.w1.weight", "layers.0.mlp.experts.11.w2.weight",
                     "layers.0.mlp.experts.8.w1.weight", "layers.0.mlp.experts.8.w2.weight",
                     "layers.0.mlp.experts.9.w1.weight", "layers.0.mlp.experts.9.w2.weight",
                     "layers.0.norm.weight"});
}

TEST_CASE("experts with a gap in their numbers cannot be told apart among ranks") {
  Stored stored;
  for (const int number : {0, 1, 3, 4}) {
    stored.add("experts." + std::to_string(number) + ".w1.weight", {2, 2});
  }
  check_refused(stored.all, {0, 2}, all_as(experts), ErrorCode::malformed, "not all of 5 experts");
}

TEST_CASE("what is no expert is not divided as such") {
  check_refused(one({4, 4}, "shared_experts.up_proj.weight"), {0, 2}, all_as(experts),
                ErrorCode::malformed, "neither that of merged experts");
  check_refused(one({4, 4}, "experts.01.up_proj.weight"), {0, 2}, all_as(experts),
                ErrorCode::malformed, "neither that of merged experts");
}

TEST_CASE("the scales of tiles follow their weight") {
  Stored stored;
  stored.add("w.weight", {12, 8}, Dtype::f8_e4m3).scales({3, 2}, 4, 4);
  const auto share = share_of(stored.all, 1, 2, all_as(rows));
  CHECK(dense_of(share.tensors[1].view) == dense_slice(dense_source(1, {3, 2}), 1, 1, 2));
  const auto third = share_of(stored.all, 2, 3, all_as(columns));
  CHECK(dense_of(third.tensors[1].view) == dense_slice(dense_source(1, {3, 2}), 0, 2, 3));
  CHECK(third.tensors[1].scales_of == 0U);
  check_refused(stored.all, {0, 2}, all_as(columns), ErrorCode::unsupported,
                "w.weight: shape [12, 8]: indices 0 to 6 of dimension 0 cut through a tile of 4");
}

TEST_CASE("a last tile that is not whole goes to the last rank") {
  Stored stored;
  stored.add("w.weight", {7, 8}, Dtype::f8_e4m3).scales({2, 2}, 4, 4);
  const auto share = share_of(stored.all, 1, 2, all_as(columns));
  CHECK(dense_of(share.tensors[0].view) == dense_slice(dense_source(0, {7, 8}), 0, 4, 7));
  CHECK(dense_of(share.tensors[1].view) == dense_slice(dense_source(1, {2, 2}), 0, 1, 2));
}

TEST_CASE("the scales of a fused gate and up come from both halves") {
  Stored stored;
  stored.add("experts.gate_up_proj", {2, 16, 8}, Dtype::f8_e4m3).scales({2, 4, 2}, 4, 4);
  const auto share = share_of(stored.all, 1, 2, all_as(gate_and_up));
  const DenseTensor whole = dense_source(1, {2, 4, 2});
  CHECK(dense_of(share.tensors[1].view) ==
        dense_concatenate(std::array{dense_slice(whole, 1, 1, 2), dense_slice(whole, 1, 3, 4)}, 1));
}

TEST_CASE("one scale for all that is divided goes to every rank") {
  Stored stored;
  stored.add("a.weight", {6, 4}, Dtype::f8_e4m3).scales({}, 6, 4);
  stored.add("b.weight", {6, 4}, Dtype::f8_e4m3).scales({6, 1}, 1, 4);
  stored.add("experts.c", {2, 6, 4}, Dtype::f8_e4m3).scales({2}, 6, 4);
  const auto share = share_of(stored.all, 1, 2, all_as(rows));
  CHECK(dense_of(share.tensors[1].view) == dense_source(1, {}));
  CHECK(dense_of(share.tensors[3].view) == dense_source(3, {6, 1}));
  CHECK(dense_of(share.tensors[5].view) == dense_source(5, {2}));
}

TEST_CASE("the scales of whole experts go where these go") {
  Stored stored;
  for (const char* number : {"0", "1", "2", "3"}) {
    stored.add("experts." + std::string(number) + ".w1.weight", {4, 4}, Dtype::f8_e4m3)
        .scales({2, 2}, 2, 2);
  }
  const auto share = share_of(stored.all, 1, 2, all_as(experts));
  REQUIRE(share.tensors.size() == 4);
  CHECK(share.tensors[1].name == "experts.2.w1.weight_scale_inv");
  CHECK(share.tensors[1].scales_of == 0U);
  CHECK(share.tensors[3].scales_of == 2U);

  Stored merged;
  merged.add("experts.c", {4, 6, 4}, Dtype::f8_e4m3).scales({4, 3, 2}, 2, 2);
  CHECK(dense_of(share_of(merged.all, 1, 2, all_as(experts)).tensors[1].view) ==
        dense_slice(dense_source(1, {4, 3, 2}), 0, 2, 4));
}

TEST_CASE("scales that do not fit their weight, or that nothing calls scales, are refused") {
  Stored wrong;
  wrong.add("w.weight", {8, 8}, Dtype::f8_e4m3).scales({3, 2}, 4, 4);
  check_refused(wrong.all, {0, 2}, all_as(columns), ErrorCode::malformed,
                "does not fit a weight of shape [8, 8]");
  Stored unknown;
  unknown.add("w.weight", {8, 8}, Dtype::f8_e4m3).add("w.weight_scale_inv", {2, 2}, Dtype::f32);
  check_refused(unknown.all, {0, 2}, all_as(columns), ErrorCode::unsupported,
                "w.weight_scale_inv may be its scales");
}

TEST_CASE("a rank that is none, less than a byte an element, and four dimensions are refused") {
  check_refused(one({8, 8}), {2, 2}, all_as(columns), ErrorCode::invalid_argument,
                "no rank 2 of 2");
  check_refused(one({8, 8}), {0, 0}, all_as(columns), ErrorCode::invalid_argument,
                "no rank 0 of 0");
  check_refused(Stored().add("w.weight", {8, 8}, Dtype::f4_e2m1).all, {0, 2}, all_as(columns),
                ErrorCode::unsupported, "F4");
  check_refused(one({8, 8, 3, 3}), {0, 2}, all_as(columns), ErrorCode::unsupported,
                "shape [8, 8, 3, 3]");
  check_refused(one({7, 8}), {0, 2}, all_as(gate_and_up), ErrorCode::malformed,
                "not 2 projections of equal size");
}

TEST_CASE("an error of the test is passed on, and one rank alone has everything without a test") {
  const SliceTest failing = [](std::string_view, const io::Shape&) -> Expected<Slice> {
    return fail(ErrorCode::invalid_argument, "too much work");
  };
  check_refused(one({8, 8}), {0, 2}, failing, ErrorCode::invalid_argument, "too much work");
  CHECK(dense_share(one({8, 8}), 0, 1, failing) == dense_source(0, {8, 8}));
}

TEST_CASE("the ranks together have every element once, and read no byte of another rank's") {
  std::mt19937 random(7);
  int divided = 0;
  for (int i = 0; i < 2000; ++i) {
    const io::Shape shape = random_shape(random, 1 + random() % 3);
    const Slice slice{static_cast<SliceKind>(random() % 4),
                      random() % 2 == 0 ? Packing::none : Packing::gate_and_up, random() % 4 == 0};
    const auto count = static_cast<std::uint32_t>(1 + random() % 5);
    const Blueprints all = one(shape, random() % 2 == 0 ? "experts.w.weight" : "w.bias");
    if (!parallel_share(all, {0, count}, all_as(slice))) continue;

    std::map<std::uint64_t, int> seen;
    bool whole = false;
    for (std::uint32_t rank = 0; rank < count; ++rank) {
      const View view = share_of(all, rank, count, all_as(slice)).tensors.at(0).view;
      whole = whole || view.shape() == shape;
      const DenseTensor dense = dense_of(view);
      std::uint64_t read = 0;
      for (const auto& range : views::source_ranges(view, 0, view.elements())) read += range.count;
      REQUIRE(read == dense.values.size());
      for (const std::uint64_t value : dense.values) ++seen[value];
    }
    REQUIRE(seen.size() == dense_source(0, shape).values.size());
    for (const auto& [element, times] : seen) {
      REQUIRE(times == (whole ? static_cast<int>(count) : 1));
    }
    divided += !whole && count > 1;
  }
  CHECK(divided > 200);
}
