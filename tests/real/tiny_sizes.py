"""What the fields of a configuration become in a tiny model, by the fields' names.

Equal numbers only where modules meet; everywhere else no two sizes are the same, and none is a power
of two, so that what is mixed up cannot fit by chance.
"""

LAYERS = 4

SIZES = {
    "hidden_size": 40, "d_model": 40, "n_embd": 40, "embed_dim": 40, "hidden_dim": 40, "dim": 40,
    "out_hidden_size": 40, "text_hidden_size": 40, "thinker_hidden_size": 40, "projection_dim": 40,
    "vision_hidden_size": 40, "audio_hidden_size": 40, "decoder_dim": 40, "decoder_hidden_size": 40,
    "output_dim": 40, "embedding_size": 40, "word_embed_proj_dim": 40, "adapter_out_dim": 40,
    "d_inner": 40, "encoder_hidden_dim": 40, "decoder_hidden_dim": 40, "cross_attention_dim": 40,
    "adapter_in_dim": 40, "adapter_input_size": 40, "text_dim": 40, "vision_dim": 40,
    "intermediate_size": 26, "ffn_hidden_size": 26, "mlp_dim": 26, "d_ff": 26, "ffn_dim": 26,
    "encoder_ffn_dim": 26, "decoder_ffn_dim": 26, "n_inner": 26, "dense_intermediate_size": 26,
    "shared_intermediate_size": 22, "shared_expert_intermediate_size": 22, "share_expert_dim": 22,
    "shared_experts_intermediate_size": 22, "moe_shared_expert_intermediate_size": 22,
    "projector_hidden_size": 36, "projection_hidden_size": 36, "projection_hidden_dim": 36,
    "projection_intermediate_size": 36, "downsample_hidden_size": 8, "conv_output_size": 40,
    "moe_intermediate_size": 18, "expert_ffn_hidden_size": 18, "moe_latent_size": 14,
    "num_experts": 10, "num_local_experts": 10, "n_routed_experts": 10, "moe_num_experts": 10,
    "zero_expert_num": 3, "num_experts_per_tok": 2, "num_experts_per_token": 2, "moe_topk": 2,
    "moe_k": 2, "n_shared_experts": 2, "num_shared_experts": 2, "moe_num_shared_experts": 2,
    "n_group": 1, "topk_group": 1, "num_expert_group": 1,
    "num_attention_heads": 4, "num_heads": 4, "n_head": 4, "n_heads": 4, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "swa_num_attention_heads": 4, "num_sliding_attention_heads": 4,
    "num_key_value_heads": 2, "swa_num_key_value_heads": 2, "n_head_kv": 2,
    "head_dim": 12, "swa_head_dim": 12, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "qk_head_dim": 12,
    "v_head_dim": 10, "q_lora_rank": 14, "kv_lora_rank": 16, "o_lora_rank": 6, "o_groups": 2,
    "index_head_dim": 8, "index_n_heads": 2, "index_topk": 4, "rotary_dim": 4, "index_kpool": 2,
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 6,
    "linear_value_head_dim": 8, "linear_num_heads": 2, "linear_head_dim": 8,
    "mamba_d_state": 6, "ssm_state_size": 6, "mamba_dt_rank": 3, "mamba_num_heads": 4,
    "mamba_head_dim": 20, "mamba_n_heads": 4, "mamba_d_head": 20, "n_groups": 2, "state_size": 6,
    "first_k_dense_replace": 1, "num_dense_layers": 1, "moe_layer_start_index": 1,
    "moe_layer_end_index": LAYERS - 1, "attn_layer_period": 2, "attn_layer_offset": 1,
    "layer_group_size": 2, "global_attn_every_n_layers": 2, "max_window_layers": 2,
    "max_position_embeddings": 64, "max_source_positions": 64, "max_target_positions": 64,
    "original_max_position_embeddings": 32, "model_max_length": 64, "n_positions": 64,
    "num_position_embeddings": 16, "pos_emb_height": 4, "pos_emb_width": 4, "posemb_grid_size": 4,
    "sliding_window": 8, "sliding_window_size": 8, "rel_extent": 8, "accept_hidden_layer": 1,
    "image_size": 32, "patch_size": 4, "window_size": 4, "max_img_size": 32, "crop_size": 32,
    "vocab_size": 71, "unpadded_vocab_size": 71, "mel_vocab_size": 12, "codebook_size": 19,
    "num_quantizers": 3, "num_code_groups": 3, "n_window": 4, "n_window_infer": 8,
    "hc_lowrank": 6, "ple_embed_dim": 24, "ngram_vocab_size_base": 24, "split_ngram_parts": 4,
    "make_ngram_vocab_size_divisible_by": 4, "heads_per_ngram": 2, "num_mel_bins": 16,
    "n_mel_bins": 16, "feature_size": 16, "gated_norm_rank": 6, "merged_hidden_size": 160,
    "patch_dim": 48, "video_patch_dim": 96, "num_queries": 6, "num_query_tokens": 6, "bottleneck_dim": 8,
}

EXPERTS = {"n_routed_experts": 10, "n_shared_experts": 2, "num_experts_per_tok": 2}
NGRAMS = {"indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 12, "indexer_budget": 8,
          "indexer_compress_ratio": 4, "ple_layer_ids": [1], "eos_token_id": 2}
SLIDING = {"-per_layer_config": None, "+swa_num_attention_heads": 4, "+swa_num_key_value_heads": 4,
           "+swa_q_lora_rank": 14, "+swa_kv_lora_rank": 16, "+swa_head_dim": 12,
           "+swa_qk_nope_head_dim": 8, "+swa_v_head_dim": 10, "num_key_value_heads": 4}
FEWER_EACH_LAYER = {"mlp_layer_types": ["dense", "sparse", "dense", "sparse"],
                    "-per_layer_config": None, "+per_layer_config": {
                        1: {"num_local_experts": 12, "num_experts_per_tok": 2},
                        3: {"num_local_experts": 11, "num_experts_per_tok": 2}}}

# By model type: fields that a default configuration leaves open, or that names do not tell. +NAME is
# a field that the configuration takes but does not list, -NAME one that it must not get.
WISHES = {
    "deepseek_ocr2": {"text_config": {"mlp_layer_types": ["dense", "sparse", "sparse", "sparse"]}},
    "dots1": {**EXPERTS, "first_k_dense_replace": 1},
    "dots3_note": {"text_config": SLIDING, "vision_config": FEWER_EACH_LAYER},
    "dots3_note_text": SLIDING,
    "dots3_note_vision_encoder": FEWER_EACH_LAYER,
    "ernie4_5_vl_moe": {"text_config": {"rope_parameters": {"+mrope_section": [2, 2, 1]}}},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "conv", "full_attention"]},
    "nemo_speechlm": {"audio_config": {"num_key_value_heads": 4},
                      "word_timestamp_config": {"num_key_value_heads": 4}},
    "qwen3_omni_moe": {"talker_config": {
        "+spatial_merge_size": 2, "text_config": {"+shared_expert_intermediate_size": 22}}},
    "qwen4_exp": NGRAMS,
    "qwen4_exp_text": NGRAMS,
}
