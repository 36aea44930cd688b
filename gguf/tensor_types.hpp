#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codecs/ggml/ftype.hpp"
#include "codecs/ggml/type.hpp"
#include "config/pattern.hpp"
#include "errors/expected.hpp"
#include "io/gguf_layout.hpp"
#include "io/gguf_metadata.hpp"
#include "io/imatrix.hpp"

namespace plimsoll::gguf {

using codecs::ggml::Ftype;
using codecs::ggml::TypeTarget;

/// "Tensors whose name has this get that type".
struct TypeOverride {
  config::Pattern pattern;
  codecs::ggml::Type type;
};

/// What a user may say about types beside the target.
struct TypeOptions {
  /// Which tensors an override reaches.
  enum class Reach : std::uint8_t {
    /// As llama-quantize's --tensor-type: only tensors that it would quantize, only where the
    /// target is an ftype of block types without `pure`, and none that output_type or
    /// token_embedding_type decide. The first pattern counts whose type is not the ftype's own; so
    /// an override to that does not hold a tensor back from the mixture.
    mixture,
    /// The first pattern that is found decides, whatever tensor it is, before anything else.
    every_tensor,
  };

  bool pure = false;           ///< one type for all, no mixture
  bool leaves_output = false;  ///< "output.weight" stays as it is
  std::optional<codecs::ggml::Type> output_type = {};
  std::optional<codecs::ggml::Type> token_embedding_type = {};
  std::span<const TypeOverride> overrides = {};
  Reach reach = Reach::mixture;
  const io::ImportanceMatrix* importance = nullptr;  ///< null: there is none
};

/// What becomes of one tensor.
struct TensorChoice {
  codecs::ggml::Type type = codecs::ggml::Type::f32;
  bool is_copied = false;  ///< it has that type already: its bytes stay as they are
  /// How much the columns matter, for the quantizer: of each expert in turn, ne0 * ne2 in ggml's
  /// terms. Empty where nothing is known, or nothing to be quantized. Part of
  /// TypeOptions::importance.
  std::span<const float> importance = {};
};

struct TensorChoices {
  std::vector<TensorChoice> tensors;  ///< one a tensor, in the order given
  std::vector<std::string> warnings;  ///< one line each, safe to print
};

/// The types that llama-quantize (llama.cpp b8871) gives to a model's tensors.
///
/// `tensors` have the types of the source, and the order that the result will have: in a mixture a
/// type can go by how many came before. That is io::llama_quantize_order, or the order of the
/// source where the parts of a split model are kept. `metadata` are the source's; only a mixture
/// looks at it. Pure; costs a few searches a tensor. A target that is a type gives it to every
/// tensor that an ftype with `pure` would.
///
/// Where a type's blocks do not fit a tensor's rows, a mixture falls back to a type of smaller
/// blocks, or F16, with a warning, as llama-quantize does; so do overrides and a type as target.
/// Unlike llama-quantize, quantized tensors may be quantized again without a word, and a tensor
/// that has its type already needs no importance matrix, nor does one that an override reaches as
/// `every_tensor`, if its quantizer can do without.
///
/// Errors (`file` names the source in them), always where llama-quantize fails too:
/// - invalid_argument: a pattern that takes too much work; an override to a type that nothing can
///   be made of; a type of about two bits for a tensor without weights in the importance matrix
///   (the output head and embeddings may go without if their quantizer can); a number of weights
///   that is not the tensor's (those of embeddings are ignored, with a warning);
/// - unsupported: rows that are no whole blocks, where there is nothing to fall back to; a
///   mixture for a model with experts where names do not tell layers; numbers that are no floats;
/// - those of model_facts.
[[nodiscard]] Expected<TensorChoices> choose_tensor_types(
    const TypeTarget& target, const io::GgufMetadata& metadata,
    std::span<const io::GgufStoredTensor> tensors, const TypeOptions& options,
    const std::string& file);

}  // namespace plimsoll::gguf
