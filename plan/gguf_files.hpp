#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "io/gguf_layout.hpp"
#include "io/gguf_metadata.hpp"
#include "io/shard_layout.hpp"
#include "plan/plan.hpp"

namespace plimsoll::plan {

/// A result that is a GGUF model.
struct GgufTarget {
  io::GgufMetadata metadata;  ///< as it is written; split keys aside
  std::string prefix;         ///< names of the files: PREFIX.gguf, or parts of a split model
  io::GgufSplit split;        ///< how many outputs each part of a split model takes, in their order
};

/// The files of a GGUF result. In one file tensors stand in the order of llama-quantize: those of
/// no block first, then block by block, by name; in the parts of a split model as the plan has
/// them. Fills in addresses and shards of the plan's components, and its layout. Errors: those of
/// io::lay_out_gguf.
[[nodiscard]] Expected<void> lay_out_gguf_files(const GgufTarget& target, Plan& plan);

}  // namespace plimsoll::plan
