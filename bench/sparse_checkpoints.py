"""Checkpoints for planning: headers as published, all numbers one hole."""

import json
import math
import struct

ITEM_BYTES = {"BF16": 2, "F32": 4, "F8_E4M3": 1}


def write_shard(path, tensors):
    """tensors: name -> (dtype, shape). Returns the bytes of all."""
    entries, end = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape) in tensors.items():
        begin, end = end, end + ITEM_BYTES[dtype] * math.prod(shape)
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    return end


def write_shards(directory, shards, config):
    """shards: one dict of tensors each."""
    directory.mkdir()
    weight_map, total = {}, 0
    for number, tensors in enumerate(shards, 1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        total += write_shard(directory / name, tensors)
        weight_map.update(dict.fromkeys(tensors, name))
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    (directory / "config.json").write_text(json.dumps(config, indent=2))


def write_many_shards(directory, shards=1000, tensors=20):
    """Llama's names, matrices of 1024 x 1024."""
    modules = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
               "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    names = [f"model.layers.{i // len(modules)}.{modules[i % len(modules)]}.weight"
             for i in range(shards * tensors)]
    parts = [names[i:i + tensors] for i in range(0, len(names), tensors)]
    write_shards(directory, [{name: ("BF16", [1024, 1024]) for name in part} for part in parts], {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 1024,
        "intermediate_size": 1024, "num_attention_heads": 16, "num_key_value_heads": 16,
        "num_hidden_layers": -(-len(names) // len(modules)), "vocab_size": 32000,
        "tie_word_embeddings": False, "torch_dtype": "bfloat16"})


HIDDEN, DENSE, EXPERT, LAYERS, DENSE_LAYERS, EXPERTS, VOCABULARY = 7168, 18432, 2048, 61, 3, 256, 129280


def fp8_linear(name, rows, columns):
    """A weight in blocks of 128 x 128 and its scales."""
    return {f"{name}.weight": ("F8_E4M3", [rows, columns]),
            f"{name}.weight_scale_inv": ("F32", [-(-rows // 128), -(-columns // 128)])}


def gated(name, width):
    return {**fp8_linear(f"{name}.gate_proj", width, HIDDEN), **fp8_linear(f"{name}.up_proj", width, HIDDEN),
            **fp8_linear(f"{name}.down_proj", HIDDEN, width)}


def deepseek_v3_layer(number):
    name = f"model.layers.{number}"
    tensors = {}
    for linear, rows, columns in (("q_a_proj", 1536, HIDDEN), ("q_b_proj", 24576, 1536),
                                  ("kv_a_proj_with_mqa", 576, HIDDEN), ("kv_b_proj", 32768, 512),
                                  ("o_proj", HIDDEN, 16384)):
        tensors.update(fp8_linear(f"{name}.self_attn.{linear}", rows, columns))
    for norm, size in (("self_attn.q_a_layernorm", 1536), ("self_attn.kv_a_layernorm", 512),
                       ("input_layernorm", HIDDEN), ("post_attention_layernorm", HIDDEN)):
        tensors[f"{name}.{norm}.weight"] = ("BF16", [size])
    if number < DENSE_LAYERS:
        return {**tensors, **gated(f"{name}.mlp", DENSE)}
    tensors[f"{name}.mlp.gate.weight"] = ("BF16", [EXPERTS, HIDDEN])
    tensors[f"{name}.mlp.gate.e_score_correction_bias"] = ("F32", [EXPERTS])
    tensors.update(gated(f"{name}.mlp.shared_experts", EXPERT))
    for expert in range(EXPERTS):
        tensors.update(gated(f"{name}.mlp.experts.{expert}", EXPERT))
    return tensors


def write_deepseek_v3(directory, shards=163):
    """DeepSeek-V3 as published: 91,991 tensors, the layer that predicts a further token among them."""
    tensors = {"model.embed_tokens.weight": ("BF16", [VOCABULARY, HIDDEN])}
    for number in range(LAYERS + 1):
        tensors.update(deepseek_v3_layer(number))
    extra = f"model.layers.{LAYERS}"
    for norm in ("enorm", "hnorm", "shared_head.norm"):
        tensors[f"{extra}.{norm}.weight"] = ("BF16", [HIDDEN])
    tensors[f"{extra}.eh_proj.weight"] = ("BF16", [HIDDEN, 2 * HIDDEN])
    for table in (f"{extra}.embed_tokens", f"{extra}.shared_head.head", "lm_head"):
        tensors[f"{table}.weight"] = ("BF16", [VOCABULARY, HIDDEN])
    tensors["model.norm.weight"] = ("BF16", [HIDDEN])
    size = -(-len(tensors) // shards)
    names = list(tensors)
    parts = [names[i:i + size] for i in range(0, len(names), size)]
    write_shards(directory, [{name: tensors[name] for name in part} for part in parts], {
        "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "hidden_size": HIDDEN,
        "intermediate_size": DENSE, "moe_intermediate_size": EXPERT, "n_routed_experts": EXPERTS,
        "n_shared_experts": 1, "num_hidden_layers": LAYERS, "first_k_dense_replace": DENSE_LAYERS,
        "num_attention_heads": 128, "num_key_value_heads": 128, "num_nextn_predict_layers": 1,
        "vocab_size": VOCABULARY, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
                                "weight_block_size": [128, 128]}})
    return len(tensors)
