#include "gguf/tensor_types_roles.hpp"

#include <string_view>

#include "catch.hpp"

using namespace plimsoll::gguf;

TEST_CASE("a tensor's role is told by a part of its name") {
  using enum TensorRole;
  CHECK(role_of("token_embd.weight") == token_embedding);
  CHECK(role_of("per_layer_token_embd.weight") == token_embedding);
  CHECK(role_of("output.weight") == output);
  CHECK(role_of("output_norm.weight") == other);
  CHECK(role_of("blk.3.attn_q.weight") == attention_query);
  CHECK(role_of("dec.blk.3.cross_attn_k.weight") == attention_key);
  CHECK(role_of("blk.3.attn_v.weight") == attention_value);
  CHECK(role_of("blk.3.attn_qkv.weight") == attention_value);
  CHECK(role_of("blk.3.attn_kv_b.weight") == attention_value);
  CHECK(role_of("blk.3.attn_v_b.weight") == other);
  CHECK(role_of("blk.3.attn_v.bias") == other);
  CHECK(role_of("blk.3.attn_output.weight") == attention_output);
  CHECK(role_of("blk.3.ffn_up_exps.weight") == ffn_up);
  CHECK(role_of("blk.3.ffn_gate.7.weight") == ffn_gate);
  CHECK(role_of("blk.3.ffn_down_shexp.weight") == ffn_down);
  CHECK(role_of("blk.3.ssm_out.weight") == other);
}

TEST_CASE("weights of two dimensions and more are quantized, whatever they are") {
  CHECK(is_quantizable("blk.0.attn_q.weight", {4, 4}));
  CHECK(is_quantizable("anything_weight", {4, 4}));
  CHECK(is_quantizable("blk.0.ffn_up_exps.weight", {2, 4, 4}));
  CHECK(is_quantizable("blk.0.ffn_up_exps.weight", {2, 1, 4}));
  CHECK(is_quantizable("x.weight", {4, 1}));
}

TEST_CASE("rows alone are not quantized, nor what is no weight") {
  CHECK_FALSE(is_quantizable("blk.0.attn_q.weight", {}));
  CHECK_FALSE(is_quantizable("blk.0.attn_q.weight", {4}));
  CHECK_FALSE(is_quantizable("blk.0.attn_q.weight", {1, 1, 4}));
  CHECK_FALSE(is_quantizable("blk.0.attn_q.bias", {4, 4}));
  CHECK_FALSE(is_quantizable("blk.0.weight.lora", {4, 4}));
  CHECK_FALSE(is_quantizable("", {4, 4}));
}

TEST_CASE("small weights that models are sensitive to are left alone") {
  for (const std::string_view name : {"blk.0.attn_norm.weight",
                                      "blk.0.ffn_gate_inp.weight",
                                      "altup_proj.weight",
                                      "blk.0.laurel_l.weight",
                                      "per_layer_model_proj.weight",
                                      "position_embd.weight",
                                      "token_types.weight",
                                      "blk.0.ssm_conv1d.weight",
                                      "blk.0.shortconv.conv.weight",
                                      "blk.0.time_mix_w1.weight",
                                      "blk.0.time_mix_decay_w2.weight",
                                      "blk.0.time_mix_lerp_fused.weight",
                                      "enc.blk.0.attn_rel_b.weight",
                                      "v.position_embd.weight",
                                      "v.sam.pos_embd.weight",
                                      "v.sam.neck.0.weight",
                                      "v.sam.net_2.weight",
                                      "v.blk.0.attn.rel_pos_h.weight",
                                      "v.patch_embd.weight",
                                      "mm.patch_merger.weight"}) {
    INFO(name);
    CHECK_FALSE(is_quantizable(name, {4, 4}));
  }
  CHECK(is_quantizable("blk.0.ffn_gate_inp_shexp.weight", {4, 4}));
  CHECK(is_quantizable("blk.0.time_mix_key.weight", {4, 4}));
  CHECK(is_quantizable("patch_embd.weight", {4, 4}));
}
