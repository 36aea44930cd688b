#include "views/operations.hpp"

#include <string>

#include "catch.hpp"
#include "dense_tensor.hpp"
#include "views/source_ranges.hpp"

using namespace plimsoll;
using namespace plimsoll::views;

namespace {

std::vector<View> sources(std::uint32_t first, std::uint32_t count, const io::Shape& shape) {
  std::vector<View> views;
  for (std::uint32_t i = 0; i < count; ++i) views.push_back(whole(first + i, shape).value());
  return views;
}

std::vector<Axis> axes_of(const View& view, std::size_t box) {
  const StridedBox copy = view.box(box);
  return {copy.used().begin(), copy.used().end()};
}

}  // namespace

TEST_CASE("a tensor taken as it is, however it is reshaped, is one contiguous piece") {
  const View view = whole(3, {8, 6, 4}).value();
  CHECK(view.is_contiguous());
  for (const io::Shape& shape : {io::Shape{48, 4}, io::Shape{192}, io::Shape{1, 2, 4, 24}}) {
    const View other = reshape(view, shape).value();
    CHECK(other.shape() == shape);
    REQUIRE(other.box_count() == 1);
    CHECK(other.is_contiguous());
  }
  CHECK(squeeze(unsqueeze(view, 3).value(), 3).value().shape() == view.shape());
}

TEST_CASE("a merge of 128 experts is 128 pieces, and of gates and ups 256 in turn") {
  const auto gate = stack(sources(0, 128, {768, 2048}), 0).value();
  CHECK(gate.shape() == io::Shape{128, 768, 2048});
  CHECK(gate.box_count() == 128);
  const auto up = stack(sources(128, 128, {768, 2048}), 0).value();
  const View both = concatenate(std::vector{gate, up}, 1).value();
  CHECK(both.shape() == io::Shape{128, 1536, 2048});
  REQUIRE(both.box_count() == 256);
  for (std::uint32_t i = 0; i < 256; ++i) {
    const StridedBox box = both.box(i);
    CHECK(box.source == i / 2 + (i % 2 == 0 ? 0 : 128));
    CHECK(box.result_offset == i * 768ull * 2048);
    CHECK(axes_of(both, i) == std::vector<Axis>{{768 * 2048, 1, 1}});
  }
}

TEST_CASE("parts of a tensor, joined in their order, are one piece again") {
  const View view = whole(0, {4, 6, 10}).value();
  for (const std::size_t dimension : {0u, 1u, 2u}) {
    const auto halves = chunk(view, dimension, 2).value();
    CHECK(halves[0].box_count() == 1);
    CHECK(concatenate(halves, dimension).value().is_contiguous());
    const auto singles = unstack(view, dimension).value();
    CHECK(singles.size() == view.shape()[dimension]);
    CHECK(stack(singles, dimension).value().is_contiguous());
  }
  CHECK(concatenate(split(view, 1, std::vector<std::uint64_t>{1, 3, 0, 2}).value(), 1)
            .value()
            .is_contiguous());
}

TEST_CASE("operations that undo each other leave one contiguous piece") {
  const View view = whole(0, {24, 6, 10}).value();
  CHECK(transpose(transpose(view, 0, 2).value(), 0, 2).value().is_contiguous());
  for (const std::size_t dimension : {0u, 1u, 2u}) {
    const View regrouped = interleave(view, dimension).value();
    CHECK_FALSE(regrouped.is_contiguous());
    CHECK(interleave(regrouped, dimension, Direction::inverse).value().is_contiguous());
  }
  const View rope = permute_for_rope(view, 3).value();
  CHECK(rope.box_count() == 1);
  CHECK(permute_for_rope(rope, 3, Direction::inverse).value().is_contiguous());
}

TEST_CASE("rows of a rotary projection go head by head from pairs to halves") {
  const View view = permute_for_rope(whole(0, {8, 1}).value(), 2).value();
  std::vector<std::uint64_t> rows;
  for (const std::uint64_t value : test::dense_of(view).values) rows.push_back(value);
  CHECK(rows == std::vector<std::uint64_t>{0, 2, 1, 3, 4, 6, 5, 7});
  const View back = permute_for_rope(whole(0, {12}).value(), 2, Direction::inverse).value();
  CHECK(test::dense_of(back).values ==
        std::vector<std::uint64_t>{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11});
}

TEST_CASE("interleaving puts even indices before odd ones, and its inverse alternates halves") {
  CHECK(test::dense_of(interleave(whole(0, {6}).value(), 0).value()).values ==
        std::vector<std::uint64_t>{0, 2, 4, 1, 3, 5});
  CHECK(test::dense_of(interleave(whole(0, {6}).value(), 0, Direction::inverse).value()).values ==
        std::vector<std::uint64_t>{0, 3, 1, 4, 2, 5});
}

TEST_CASE("a fused query, key and value of three blocks becomes one of heads") {
  // q, k and v are each [heads * size, hidden]; the result is [heads, 3, size, hidden], flattened.
  const std::uint64_t heads = 4, size = 3, hidden = 5;
  const View blocks =
      reshape(whole(0, {3 * heads * size, hidden}).value(), {3, heads, size, hidden}).value();
  const View fused = reshape(transpose(blocks, 0, 1).value(), {3 * heads * size, hidden}).value();
  CHECK(fused.box_count() == 1);
  const auto values = test::dense_of(fused).values;
  for (std::uint64_t head = 0; head < heads; ++head) {
    for (std::uint64_t block = 0; block < 3; ++block) {
      for (std::uint64_t i = 0; i < size * hidden; ++i) {
        CHECK(values[(head * 3 + block) * size * hidden + i] ==
              (block * heads + head) * size * hidden + i);
      }
    }
  }
}

TEST_CASE("an expert list that serves two tensors is split, stacked and joined without a copy") {
  // Eight gates, then eight ups; the first half of each makes one tensor, the second another.
  const auto gates = sources(0, 8, {6, 4});
  const auto ups = sources(8, 8, {6, 4});
  for (const std::size_t half : {0u, 1u}) {
    const std::span<const View> gate = std::span(gates).subspan(4 * half, 4);
    const std::span<const View> up = std::span(ups).subspan(4 * half, 4);
    const View fused =
        concatenate(std::vector{stack(gate, 0).value(), stack(up, 0).value()}, 1).value();
    CHECK(fused.shape() == io::Shape{4, 12, 4});
    CHECK(fused.box_count() == 8);
    CHECK(fused.box(1).source == 8 + 4 * half);
  }
}

TEST_CASE("a share of tensor parallelism reads its own rows or columns") {
  const View view = whole(0, {8, 6}).value();
  CHECK(source_ranges(slice(view, 0, 2, 4).value(), 0, 12) ==
        std::vector<SourceRange>{{0, 12, 12}});
  const View columns = slice(view, 1, 3, 6).value();
  CHECK(columns.box_count() == 1);
  CHECK(axes_of(columns, 0) == std::vector<Axis>{{8, 3, 6}, {3, 1, 1}});
  CHECK(source_ranges(columns, 2, 5) == std::vector<SourceRange>{{0, 5, 1}, {0, 9, 2}});
}

TEST_CASE("empty and single-element tensors go through every operation") {
  for (const std::uint64_t size : {0u, 1u}) {
    const View view = whole(0, {size, 1}).value();
    CHECK(transpose(view, 0, 1).value().elements() == size);
    CHECK(stack(std::vector{view, view}, 1).value().elements() == 2 * size);
    CHECK(unstack(view, 0).value().size() == size);
    CHECK(slice(view, 0, 0, 0).value().box_count() == 0);
    CHECK(source_ranges(view, 0, size).size() == size);
  }
  const View scalar = whole(7, {}).value();
  CHECK(scalar.elements() == 1);
  CHECK(unsqueeze(scalar, 0).value().shape() == io::Shape{1});
  CHECK(stack(std::vector{scalar, scalar}, 0).value().shape() == io::Shape{2});
  CHECK(interleave(whole(0, {0}).value(), 0).value().elements() == 0);
  CHECK(permute_for_rope(whole(0, {0, 4}).value(), 2).value().elements() == 0);
}

TEST_CASE("what does not fit an operation is refused with the part and the sizes") {
  struct Refused {
    Expected<View> view;
    ErrorCode code;
    std::string reason;
  };
  const View view = whole(0, {6, 4}).value();
  const auto first = [](Expected<std::vector<View>> parts) -> Expected<View> {
    if (!parts) return fail(parts.error());
    return parts->at(0);
  };
  auto experts = sources(0, 3, {6, 4});
  experts[2] = whole(2, {5, 4}).value();
  const std::vector<std::uint64_t> lengths{2, 3};
  const std::vector<std::size_t> twice{0, 0};
  const std::uint64_t huge = std::uint64_t{1} << 62;
  const Refused cases[] = {
      {stack(experts, 0), ErrorCode::malformed,
       "part 2 of 3 has shape [5, 4] where part 0 has [6, 4]: only equal shapes can be stacked"},
      {concatenate(experts, 1), ErrorCode::malformed,
       "part 2 of 3 has shape [5, 4] where part 0 has [6, 4]: they cannot be joined along "
       "dimension 1"},
      {concatenate(std::vector{view, whole(1, {6}).value()}, 0), ErrorCode::malformed,
       "part 1 of 2 has shape [6] where part 0 has [6, 4]: they cannot be joined along dimension "
       "0"},
      {concatenate({}, 0), ErrorCode::invalid_argument, "no tensors to concatenate"},
      {stack({}, 0), ErrorCode::invalid_argument, "no tensors to stack"},
      {concatenate(experts, 2), ErrorCode::invalid_argument,
       "a tensor of shape [6, 4] has no dimension 2"},
      {stack(std::vector{view}, 3), ErrorCode::invalid_argument,
       "a tensor of shape [6, 4] has no dimension 3"},
      {transpose(view, 0, 2), ErrorCode::invalid_argument,
       "a tensor of shape [6, 4] has no dimension 2"},
      {permute(view, twice), ErrorCode::invalid_argument,
       "an order of dimensions that does not name each of shape [6, 4] once"},
      {slice(view, 0, 2, 7), ErrorCode::malformed,
       "indices 2 to 7 are not in dimension 0 of shape [6, 4]"},
      {slice(view, 0, 3, 2), ErrorCode::malformed,
       "indices 3 to 2 are not in dimension 0 of shape [6, 4]"},
      {first(split(view, 0, lengths)), ErrorCode::malformed,
       "parts whose lengths do not add up to 6, dimension 0 of shape [6, 4]"},
      {first(chunk(view, 0, 4)), ErrorCode::malformed,
       "dimension 0 of shape [6, 4] has no 4 equal parts"},
      {first(chunk(view, 0, 0)), ErrorCode::invalid_argument, "a tensor in 0 parts"},
      {squeeze(view, 1), ErrorCode::malformed, "dimension 1 of shape [6, 4] is not of size 1"},
      {interleave(whole(0, {5}).value(), 0), ErrorCode::malformed,
       "dimension 0 of shape [5] has no 1 parts of even length"},
      {permute_for_rope(view, 2), ErrorCode::malformed,
       "dimension 0 of shape [6, 4] has no 2 parts of even length"},
      {permute_for_rope(view, 0), ErrorCode::invalid_argument, "a tensor of no heads"},
      {reshape(view, {5, 5}), ErrorCode::malformed,
       "shape [6, 4] cannot become [5, 5]: sizes differ"},
      {reshape(transpose(whole(0, {3, 4}).value(), 0, 1).value(), {6, 2}), ErrorCode::unsupported,
       "no strided view of shape [6, 2] expresses this chain of operations"},
      {whole(0, {huge, 3}), ErrorCode::malformed,
       "shape [4611686018427387904, 3] has too many elements"},
      {stack(std::vector{whole(0, {huge}).value(), whole(1, {huge}).value()}, 0),
       ErrorCode::malformed, "shape [2, 4611686018427387904] has too many elements"}};
  for (const Refused& refused : cases) {
    INFO(refused.reason);
    REQUIRE_FALSE(refused.view);
    CHECK(refused.view.error().code() == refused.code);
    CHECK(refused.view.error().reason() == refused.reason);
  }
}
