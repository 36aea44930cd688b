#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "plimsoll/dtype.hpp"
#include "simulation/scenario.hpp"

namespace plimsoll::simulation {

using Bytes = std::vector<std::byte>;

/// A stored piece of a tensor, as a reader of the result must find it.
struct ExpectedComponent {
  std::string name;
  Dtype dtype = Dtype::u8;
  Bytes bytes;
};

/// What becomes of a load's blueprint, made the naive way: its numbers one by one from whole
/// sources, then whole, in scalar code, without a plan. In the order data, absmax, quant_map,
/// quant_state, or data, scale.
[[nodiscard]] std::vector<ExpectedComponent> expected_components(const LoadScenario& load,
                                                                 std::size_t tensor);

/// The data sections (what follows the header) of the files of a checkpoint with these tensors.
[[nodiscard]] std::vector<Bytes> expected_shards(
    const std::vector<std::vector<ExpectedComponent>>& tensors, std::uint64_t shard_bytes);

/// The same of a GGUF model: every tensor with the zeros behind it.
[[nodiscard]] std::vector<Bytes> expected_gguf_files(
    const std::vector<std::vector<ExpectedComponent>>& tensors, const plan::GgufTarget& target);

}  // namespace plimsoll::simulation
