#pragma once

#include <string>

#include "cli/json_output.hpp"
#include "io/gguf_metadata.hpp"

namespace plimsoll::cli {

/// A table of keys, types and values: long values are cut, of an array stand its length and the
/// first elements, and all bytes are safe to print.
[[nodiscard]] std::string metadata_text(const io::GgufMetadata& metadata);

/// {key: value} with every element of every array, in the file's order. A float is the shortest
/// number that reads back as the same float, or null where it is not finite.
[[nodiscard]] Json metadata_json(const io::GgufMetadata& metadata);

/// {key: type}, for example "u32" or "arr of str".
[[nodiscard]] Json metadata_types_json(const io::GgufMetadata& metadata);

}  // namespace plimsoll::cli
