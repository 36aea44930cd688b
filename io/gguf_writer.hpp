#pragma once

#include <memory>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "io/checkpoint_writer.hpp"
#include "io/shard_layout.hpp"

namespace plimsoll::io {

struct GgufWriterOptions {
  std::string directory;            ///< where the files go; it is there already
  std::vector<SourceFile> sources;  ///< must survive
  std::string fingerprint;          ///< as CheckpointWriterOptions::fingerprint
  ExistingOutput existing = ExistingOutput::refuse;
};

/// Writes the files of a GGUF model, one or the parts of a split one, beside whatever else stands
/// in their directory. Each grows under a temporary name that does not end in .gguf, is synced,
/// sealed with the run's identity and renamed when it is whole; a single file and the first part
/// last, so that nothing looks complete before it is. The header of `layout` is written as it is,
/// and what lies between tensors is zero.
///
/// open() takes the disk space. refuse: none of the names is taken. replace: a single file stays
/// until the new one is whole; parts are removed before. resume: parts that carry this run's seal
/// are finished; others' are resume_mismatch. Two runs never write one file: the second one is
/// output_exists before it has removed or changed anything. Without finish(), the destructor leaves
/// nothing but parts that have their names. Threads and errors as CheckpointWriter; there are no
/// bounded tensors.
[[nodiscard]] Expected<std::unique_ptr<CheckpointWriter>> open_gguf_writer(
    ShardLayout layout, GgufWriterOptions options);

}  // namespace plimsoll::io
