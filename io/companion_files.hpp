#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "errors/expected.hpp"
#include "io/catalogue.hpp"
#include "io/output_directory.hpp"

namespace plimsoll::io {

/// A file that goes with a checkpoint's weights: a tokenizer, a generation config, a licence.
struct CompanionFile {
  std::string source;  ///< as it can be opened
  std::string name;    ///< relative to the checkpoint; directories are separated by '/'
};

/// Finds what a copy of a checkpoint takes along: regular files, and symbolic links to such, in
/// `directory` and its subdirectories (links to directories are not followed). Left out are hidden
/// names, weights by their ending or because they are in `weights`, indices of weights, the top
/// level's config.json, and `output` if it lies inside. Sorted by name. Each file is opened once,
/// so that one that cannot be read is an error before any work is done (read_failed).
[[nodiscard]] Expected<std::vector<CompanionFile>> find_companions(
    const std::string& directory, const std::vector<SourceFile>& weights,
    const OutputDirectory& output);

/// Copies one, replacing what stands there. Returns the bytes copied. Errors: read_failed,
/// disk_full, write_failed.
[[nodiscard]] Expected<std::uint64_t> copy_companion(const CompanionFile& file,
                                                     const OutputDirectory& output);

}  // namespace plimsoll::io
