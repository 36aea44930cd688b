#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "codecs/format.hpp"
#include "io/catalogue.hpp"

namespace plimsoll::simulation {

using Bytes = std::vector<std::byte>;

/// A stored piece of a tensor, as a reader of the result must find it.
struct ExpectedComponent {
  std::string name;
  Dtype dtype = Dtype::u8;
  Bytes bytes;
};

/// What becomes of a tensor, made the naive way: whole, in scalar code, without a plan. In the
/// order data, absmax, quant_map, quant_state.
[[nodiscard]] std::vector<ExpectedComponent> expected_components(const io::TensorEntry& tensor,
                                                                 std::span<const std::byte> source,
                                                                 const codecs::Format& format);

/// The data sections (what follows the header) of the files of a checkpoint with these tensors.
[[nodiscard]] std::vector<Bytes> expected_shards(
    const std::vector<std::vector<ExpectedComponent>>& tensors, std::uint64_t shard_bytes);

}  // namespace plimsoll::simulation
