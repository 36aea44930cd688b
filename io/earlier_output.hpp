#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "io/checkpoint_writer.hpp"
#include "io/output_directory.hpp"
#include "io/run_identity.hpp"
#include "io/shard_layout.hpp"

namespace plimsoll::io {

/// What stands in an output directory before a run, and what the run does about it.
struct EarlierOutput {
  /// Where a shard stands that need not be written again; empty: nowhere.
  std::vector<std::string> finished;
  std::vector<std::uint64_t>
      true_bytes;  ///< one a stored tensor; from the finished shards' headers
  /// The directory is this very run's whole result: nothing that makes it look whole is touched.
  bool complete = false;
  /// The only shard has its final name although the rest is not whole: it has to wait again.
  bool set_back = false;
  /// Files to remove before anything is written, in this order: what makes it look whole first.
  std::vector<OutputDirectory::Entry> remove;
  /// The files to remove may be another run's: a manifest has to say so first, or an interruption
  /// could leave them among this run's.
  bool clears = false;
};

/// Looks at the directory; changes nothing.
///
/// A finished shard has the layout's length and header and is known to be this run's: by its seal,
/// or, without one, by the manifest beside it. replace keeps nothing and removes the checkpoint's
/// files at the top level only (*.safetensors, the index, config.json). resume keeps what is
/// finished. Temporaries always go.
/// Errors: output_exists, resume_mismatch (names what differs where a manifest tells),
/// write_failed.
[[nodiscard]] Expected<EarlierOutput> examine_output(const OutputDirectory& directory,
                                                     const ShardLayout& layout,
                                                     const std::vector<StoredTensor>& tensors,
                                                     const RunIdentity& identity,
                                                     const CheckpointWriterOptions& options);

}  // namespace plimsoll::io
