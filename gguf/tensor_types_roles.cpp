#include "gguf/tensor_types_roles.hpp"

#include <algorithm>
#include <array>

namespace plimsoll::gguf {
namespace {

struct NamePart {
  std::string_view text;
  TensorRole role;
};

// The first that occurs counts.
constexpr std::array name_parts = {
    NamePart{"attn_qkv.weight", TensorRole::attention_value},
    NamePart{"attn_kv_b.weight", TensorRole::attention_value},
    NamePart{"attn_v.weight", TensorRole::attention_value},
    NamePart{"attn_k.weight", TensorRole::attention_key},
    NamePart{"attn_q.weight", TensorRole::attention_query},
    NamePart{"attn_output.weight", TensorRole::attention_output},
    NamePart{"ffn_up", TensorRole::ffn_up},
    NamePart{"ffn_gate", TensorRole::ffn_gate},
    NamePart{"ffn_down", TensorRole::ffn_down},
};

// Whole names, and parts of names, of weights that stay as they are.
constexpr std::array<std::string_view, 2> left_alone = {"position_embd.weight",
                                                        "token_types.weight"};
constexpr std::array<std::string_view, 30> left_alone_with = {
    "_norm.weight",
    "ffn_gate_inp.weight",
    // Gemma 3n
    "altup",
    "laurel",
    "per_layer_model_proj",
    // convolutions of state-space and mixed models
    "ssm_conv1d",
    "shortconv.conv.weight",
    // RWKV
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    // T5's relative positions
    "attn_rel_b.weight",
    // vision towers
    ".position_embd",
    "sam.pos_embd",
    "sam.neck.",
    "sam.net_",
    ".rel_pos",
    ".patch_embd",
    ".patch_merger",
};

bool has_part(std::string_view name, std::string_view part) noexcept {
  return name.find(part) != std::string_view::npos;
}

}  // namespace

TensorRole role_of(std::string_view name) noexcept {
  if (name == "output.weight") return TensorRole::output;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") {
    return TensorRole::token_embedding;
  }
  const auto found = std::ranges::find_if(
      name_parts, [name](const NamePart& part) { return has_part(name, part.text); });
  return found == name_parts.end() ? TensorRole::other : found->role;
}

bool is_quantizable(std::string_view name, const io::Shape& shape) noexcept {
  const auto outermost = std::ranges::find_if(shape, [](std::uint64_t size) { return size > 1; });
  if (shape.end() - outermost < 2) return false;
  if (!name.ends_with("weight")) return false;
  if (std::ranges::find(left_alone, name) != left_alone.end()) return false;
  return std::ranges::none_of(left_alone_with,
                              [name](std::string_view part) { return has_part(name, part); });
}

}  // namespace plimsoll::gguf
