#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "config/parallel_patterns.hpp"
#include "errors/expected.hpp"
#include "plan/blueprint.hpp"

namespace plimsoll::plan {

/// One rank of tensor parallelism.
struct ParallelShare {
  std::uint32_t rank = 0;   ///< below `count`
  std::uint32_t count = 1;  ///< at least 1
};

/// How a tensor of the result is divided; an error if that could not be told.
using SliceTest =
    std::function<Expected<config::Slice>(std::string_view name, const io::Shape& shape)>;

/// Narrows every tensor to what the rank has of it, so that a plan made of the blueprints reads the
/// bytes of that rank only. Names stay, of single experts too; tensors that the rank has nothing of
/// are gone. docs/parallel.md says what each kind divides. In short:
///   columns  the output features (of a bias too), in each of the projections that share a tensor;
///   rows     the input features; biases and other vectors stay whole;
///   experts  the leading dimension of merged experts, or the experts with the rank's numbers;
///   whole    nothing.
/// Features are divided as torch.chunk divides: all ranks have ceil(size / count), the last ones
/// fewer; experts only evenly. Scales (Blueprint::scales_of, an index into Blueprints::tensors)
/// follow their weight, tile by tile; the test is not asked about them.
///
/// Errors name the tensor and its sizes: those of the test; invalid_argument for a rank that is
/// none, or when some rank would have nothing; malformed for shapes that do not fit the kind, or a
/// gap in the experts' numbers; unsupported for queries, keys and values in one tensor whose sizes
/// cannot be told, a share that cuts through a tile of scales, scales that are not known as such,
/// and dtypes with less than a byte an element.
/// One call of the test a tensor; then time as for views::slice().
[[nodiscard]] Expected<Blueprints> parallel_share(Blueprints all, const ParallelShare& share,
                                                  const SliceTest& test);

}  // namespace plimsoll::plan
