#pragma once

#include <cstdint>
#include <optional>

#include "errors/expected.hpp"
#include "gguf/names_row.hpp"
#include "io/catalogue.hpp"
#include "io/gguf_metadata.hpp"

namespace plimsoll::gguf {

/// How many heads the layers of a model have.
struct HeadCounts {
  std::uint64_t query = 0;
  std::uint64_t key_value = 0;
};

/// The counts of one layer: metadata give one number for all layers, or one a layer. Without
/// attention.head_count_kv there are as many keys as queries. Errors, which name `file`: malformed
/// without attention.head_count, or where a number is none.
[[nodiscard]] Expected<HeadCounts> head_counts(const io::GgufMetadata& metadata,
                                               std::optional<std::uint64_t> layer,
                                               const std::string& file);

/// A checkpoint's shape of one tensor, and the order in which a file holds its numbers (nothing:
/// row-major).
struct Ordered {
  io::Shape shape;
  std::optional<io::StoredOrder> order;
};

/// What `operations` make of the shape that a file has. `heads` count where the order depends on
/// them. Errors (reason only): malformed where heads do not divide the rows, or where there are too
/// few sizes; unsupported for several keys a layer, but fewer than queries, where queries, keys and
/// values stand in one tensor.
[[nodiscard]] Expected<Ordered> ordered(const Operations& operations, const io::Shape& stored,
                                        const HeadCounts& heads);

}  // namespace plimsoll::gguf
