#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::io {

/// How much each column of a tensor's rows matters, by the tensor's GGUF name: one weight a column,
/// for a tensor of merged experts one a column of each expert, expert after expert.
struct TensorImportance {
  std::string name;
  std::vector<float> weights;  ///< finite
};

/// An importance matrix as llama-quantize uses it.
struct ImportanceMatrix {
  std::vector<TensorImportance> tensors;  ///< sorted by name, names unique
  std::vector<std::string> datasets;      ///< what it was measured on; may be empty
  std::int32_t chunks = 0;                ///< of text that it was measured on; 0 if not known

  /// The weights of a tensor; empty if there are none. Logarithmic.
  [[nodiscard]] std::span<const float> find(std::string_view name) const noexcept;
};

/// Reads an importance matrix file of either format: GGUF with tensors NAME.in_sum2 and
/// NAME.counts, or the older one, which begins with a number of entries. Source: llama.cpp b8871,
/// the functions with which tools/quantize reads them, whose arithmetic this repeats in float: a
/// weight is the sum of squares by the count of its row, 1 where that count is not positive (an
/// expert that never had input); in the older format the value by the number of calls, if that is
/// positive.
///
/// Reads the whole file; takes memory in proportion to it. Errors name the file, and the tensor
/// where there is one: those of RegularFile and read_gguf_header; malformed for a file that is cut
/// short or goes on behind its end, has no entries, an entry without values, a name twice or with a
/// NUL, negative lengths, sums without counts or the reverse, other types and shapes than F32 sums
/// [rows, columns] and F32 counts for each row, or a weight that is not finite, or lacks one of the
/// keys imatrix.datasets, imatrix.chunk_count and imatrix.chunk_size.
[[nodiscard]] Expected<ImportanceMatrix> read_imatrix(const std::string& path);

}  // namespace plimsoll::io
