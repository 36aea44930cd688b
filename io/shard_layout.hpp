#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/catalogue.hpp"

namespace plimsoll::io {

/// One tensor to be stored in a safetensors checkpoint.
struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::u8;
  Shape shape;
  std::uint64_t bytes = 0;
  std::uint32_t group = 0;  ///< tensors of one group (they stand side by side) share a shard
  /// `bytes` and the shape's only size are an upper bound; the true size is known when the group's
  /// last unit is done. Such a tensor lies last in its shard. Only for one-dimensional U8.
  bool size_is_bound = false;
};

/// Where a stored tensor lies: `offset` counts from the start of the shard's file.
struct StoredPlace {
  std::uint32_t shard = 0;
  std::uint64_t offset = 0;
};

/// One output file. `header` is its complete head (length word, JSON, padding) with bounds taken at
/// their maximum; data begins at header.size().
struct ShardFile {
  std::string name;  ///< "model.safetensors" or "model-00001-of-00003.safetensors"
  std::uint64_t bytes = 0;
  std::string header;
  std::vector<std::uint32_t> tensors;  ///< indices into the stored tensors, in file order
};

/// The files of a checkpoint, exactly, before anything is written. Pure data.
struct ShardLayout {
  std::vector<ShardFile> shards;
  std::vector<StoredPlace> places;   ///< one a stored tensor, in the order given
  std::vector<std::uint64_t> sizes;  ///< GGUF only: bytes of each stored tensor, without padding
  std::string index;                 ///< model.safetensors.index.json; empty for a single file
};

/// Fills shards greedily in the order given: a shard is closed when the next group would carry its
/// data over `shard_bytes` (one group alone may). Within a shard the tensors follow the reference
/// writer: descending dtype, then name; bounds last. The header is compact JSON with
/// `"__metadata__":{"format":"pt"}` first, padded with spaces to a multiple of eight bytes.
/// No tensors at all make one valid, empty file.
[[nodiscard]] ShardLayout lay_out_shards(std::span<const StoredTensor> tensors,
                                         std::uint64_t shard_bytes);

/// The head of one shard once the bounded tensors' true sizes are known (`true_bytes`: one a stored
/// tensor, equal to its `bytes` unless it is a bound). Never longer than ShardFile::header, and
/// padded with spaces to exactly its length.
[[nodiscard]] std::string final_header(const ShardFile& shard,
                                       std::span<const StoredTensor> tensors,
                                       std::span<const std::uint64_t> true_bytes);

/// ShardLayout::index once the true sizes are known: its total_size counts those.
[[nodiscard]] std::string final_index(const ShardLayout& layout,
                                      std::span<const StoredTensor> tensors,
                                      std::span<const std::uint64_t> true_bytes);

}  // namespace plimsoll::io
