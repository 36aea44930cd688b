#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plimsoll/dtype.hpp"

namespace plimsoll {

/// A tensor that a model wants: what `--expect` lists.
struct ExpectedTensor {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::uint64_t> shape;  ///< outermost first; empty for one number

  friend bool operator==(const ExpectedTensor&, const ExpectedTensor&) = default;
};

}  // namespace plimsoll
