#pragma once

#include <string>

#include "cli/json_output.hpp"
#include "io/gguf_checkpoint.hpp"

namespace plimsoll::cli {

/// What `inspect` prints of a GGUF model: files, metadata, tensors and totals by type. Every byte
/// of the file that it shows is safe to print.
[[nodiscard]] std::string gguf_text(const io::GgufCheckpoint& checkpoint);

/// The same in full: all elements of the metadata's arrays, and where each tensor's bytes are.
[[nodiscard]] Json gguf_json(const io::GgufCheckpoint& checkpoint);

}  // namespace plimsoll::cli
