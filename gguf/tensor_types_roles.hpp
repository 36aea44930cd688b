#pragma once

#include <cstdint>
#include <string_view>

#include "io/catalogue.hpp"

namespace plimsoll::gguf {

/// What a tensor does in a model, as far as its type depends on that. Told by its GGUF name.
enum class TensorRole : std::uint8_t {
  token_embedding,
  output,  ///< the output head alone
  attention_query,
  attention_key,
  attention_value,  ///< also those that hold values with others: merged qkv, latent kv_b
  attention_output,
  ffn_up,
  ffn_gate,
  ffn_down,
  other,
};

/// Names are searched, not compared: "enc.blk.0.attn_q.weight" is an attention_query, and experts
/// of a layer count as its feed-forward tensors. Source: llama.cpp b8871.
[[nodiscard]] TensorRole role_of(std::string_view name) noexcept;

/// Whether llama-quantize changes the type of such tensors at all: weights of at least two
/// dimensions (sizes of 1 in front do not count) but norms, routers, tables of positions and
/// token types, small convolutions and other small weights that models are sensitive to. `shape` is
/// outermost first.
[[nodiscard]] bool is_quantizable(std::string_view name, const io::Shape& shape) noexcept;

}  // namespace plimsoll::gguf
