#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "errors/expected.hpp"

namespace plimsoll::config {

/// Which share of the tensors is loaded: that of one tensor-parallel rank.
struct ParallelRank {
  std::uint32_t rank = 0;   ///< below `count`
  std::uint32_t count = 1;  ///< 1..65536

  friend bool operator==(const ParallelRank&, const ParallelRank&) = default;
};

/// Reads RANK/COUNT, for example "0/4". invalid_argument for anything else.
[[nodiscard]] Expected<ParallelRank> parse_parallel(std::string_view text);

/// The text that parse_parallel reads back.
[[nodiscard]] std::string parallel_text(const ParallelRank& parallel);

/// How a tensor is divided among ranks, in the words of the field: a column-parallel layer divides
/// its output features, which are dimension 0 of a weight [out, in], a row-parallel one its input
/// features.
enum class SliceKind : std::uint8_t {
  columns,  ///< dimension 0 of a matrix; of merged experts, the output features of each
  rows,     ///< dimension 1 of a matrix; of merged experts, the input features of each
  experts,  ///< the leading dimension of merged experts, or whole experts by their number
  whole,    ///< every rank has all of it
};

/// The words of SliceKind, in the enum's order. Static storage.
[[nodiscard]] std::span<const std::string_view> slice_kinds();

/// One `--slice`: how the tensors in whose full name `pattern` is found are divided.
struct SliceRule {
  std::string pattern;  ///< PCRE2, known to compile
  SliceKind kind = SliceKind::whole;

  friend bool operator==(const SliceRule&, const SliceRule&) = default;
};

/// Reads 'REGEX -> columns|rows|experts|whole'. The last arrow counts, blanks around it and upper
/// or lower case do not. invalid_argument when a side is missing or wrong.
[[nodiscard]] Expected<SliceRule> parse_slice(std::string_view text);

/// The text that parse_slice reads back.
[[nodiscard]] std::string slice_text(const SliceRule& rule);

}  // namespace plimsoll::config
