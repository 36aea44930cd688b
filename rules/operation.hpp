#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "errors/expected.hpp"

namespace plimsoll::rules {

// What a conversion does to the tensors it has collected, one list of tensors a source pattern.
// Source: the transformers library, ConversionOps in core_model_loading.py. Dimensions count from
// 0.

/// Stacks each list along a new dimension. A list of one tensor that is stacked already passes.
struct MergeModulelist {
  std::uint32_t dim = 0;
  friend bool operator==(const MergeModulelist&, const MergeModulelist&) = default;
};

/// Takes a stacked tensor apart again; the number of parts is its length in `dim`.
struct SplitModulelist {
  std::uint32_t dim = 0;
  friend bool operator==(const SplitModulelist&, const SplitModulelist&) = default;
};

/// Joins all lists, in the order of the source patterns and not of arrival.
struct Concatenate {
  std::uint32_t dim = 0;
  std::string parts;  ///< field of the text config with the number of tensors; empty: not needed
  friend bool operator==(const Concatenate&, const Concatenate&) = default;
};

/// Cuts one tensor into equal parts, one a target.
struct Chunk {
  std::uint32_t dim = 0;
  std::string parts;  ///< as Concatenate's: how many targets the one target pattern stands for
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

/// Cuts one tensor into parts of the sizes that the model's own tensors have.
struct Split {
  std::uint32_t dim = 0;
  friend bool operator==(const Split&, const Split&) = default;
};

/// Swaps two dimensions; the result is contiguous.
struct Transpose {
  std::uint32_t dim0 = 0;
  std::uint32_t dim1 = 1;
  bool if_shape_differs = false;  ///< only if the shape is not the model's already
  friend bool operator==(const Transpose&, const Transpose&) = default;
};

/// Rows 0, 2, 4, ... of `dim` first, then rows 1, 3, 5, ...; inverse: the other way round.
struct Interleave {
  std::uint32_t dim = 0;
  bool inverse = false;
  friend bool operator==(const Interleave&, const Interleave&) = default;
};

/// Rows of every head from (re, im, re, im, ...) to (re ..., im ...): the first dimension seen as
/// (heads, half, 2), the last two swapped; inverse: seen as (heads, 2, half).
struct PermuteForRope {
  std::string config;             ///< member of the config with num_attention_heads; empty: itself
  std::vector<std::string> only;  ///< target patterns must contain one of these; empty: all
  bool inverse = false;
  friend bool operator==(const PermuteForRope&, const PermuteForRope&) = default;
};

/// Ernie 4.5 VL: cuts each list into one run of ceil(n / targets) experts a target, stacks every
/// run along `stack`, then joins the stacks of one target along `concatenate`.
struct ErnieFuseAndSplit {
  std::uint32_t stack = 0;
  std::uint32_t concatenate = 1;
  friend bool operator==(const ErnieFuseAndSplit&, const ErnieFuseAndSplit&) = default;
};

/// The inverse of ErnieFuseAndSplit.
struct ErnieSplitAndDecouple {
  std::uint32_t stack = 0;
  std::uint32_t concatenate = 1;
  friend bool operator==(const ErnieSplitAndDecouple&, const ErnieSplitAndDecouple&) = default;
};

/// (out, in, d, h, w) seen as (out, in * d * h * w); two dimensions pass.
struct Conv3dToLinear {
  std::uint32_t in_channels = 0;
  std::array<std::uint32_t, 3> kernel{};
  friend bool operator==(const Conv3dToLinear&, const Conv3dToLinear&) = default;
};

/// The inverse of Conv3dToLinear.
struct LinearToConv3d {
  std::uint32_t in_channels = 0;
  std::array<std::uint32_t, 3> kernel{};
  friend bool operator==(const LinearToConv3d&, const LinearToConv3d&) = default;
};

using Operation = std::variant<MergeModulelist, SplitModulelist, Concatenate, Chunk, Split,
                               Transpose, Interleave, PermuteForRope, ErnieFuseAndSplit,
                               ErnieSplitAndDecouple, Conv3dToLinear, LinearToConv3d>;

/// Reads "merge_modulelist(dim=0)": a name, and parameters that may all be left out. No blanks.
/// invalid_config names an unknown operation or parameter, or a value that is none.
[[nodiscard]] Expected<Operation> parse_operation(std::string_view text);

/// The text that reads back as `operation`, with every parameter that is not its default and every
/// dimension.
[[nodiscard]] std::string text_of(const Operation& operation);

/// What undoes `operation` when a checkpoint is written back.
[[nodiscard]] Operation inverse_of(const Operation& operation);

}  // namespace plimsoll::rules
