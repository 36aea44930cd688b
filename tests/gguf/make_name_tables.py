#!/usr/bin/env python3
"""Writes tests/golden/gguf_names: tiny GGUF files of every family, and what a checkpoint has in their place.

    make_name_tables.py OUT LLAMA_CPP

Needs transformers 5.23, torch and gguf 0.19, and LLAMA_CPP, a folder with the sources of llama.cpp b8871,
whose convert_hf_to_gguf.py makes the files. What a file's tensors are in a checkpoint says the loader of
transformers; of families that it cannot load, the checkpoint that the file was made of. All numbers but
those of Q8_0 are few enough bits for any type, so that nothing is lost on the way.

expected.json has a file's tensors with shapes and a hash (FNV-1a, 64 bits) of their numbers as F32; of
those that went through a logarithm the numbers themselves. "config" is what transformers makes of the
metadata.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.integrations.gguf import GGUF_CONFIG_ARCHS, get_gguf_config, read_gguf_metadata
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

VOCABULARY = 24
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
FULL = ["sliding_attention", "full_attention"]

# name, class of the config, what differs from SIZES, type of the file
CAUSAL = [
    ("llama", "LlamaConfig", {"attention_bias": True}, "q8_0"),
    ("llama3", "LlamaConfig", {"tie_word_embeddings": True, "rope_parameters": {
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}, "f16"),
    ("mistral", "MistralConfig", {"head_dim": 8}, "f16"),
    ("mixtral", "MixtralConfig", {"num_local_experts": 3, "num_experts_per_tok": 2}, "f16"),
    ("qwen2", "Qwen2Config", {}, "q8_0"),
    ("qwen2_moe", "Qwen2MoeConfig", {"num_experts": 3, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
                                     "shared_expert_intermediate_size": 64}, "q8_0"),
    ("qwen3", "Qwen3Config", {"head_dim": 16, "tie_word_embeddings": True}, "q8_0"),
    ("qwen3_moe", "Qwen3MoeConfig", {"head_dim": 16, "num_experts": 11, "num_experts_per_tok": 2,
                                     "moe_intermediate_size": 32}, "q8_0"),
    ("gpt_oss", "GptOssConfig", {"head_dim": 8, "num_local_experts": 3, "num_experts_per_tok": 2,
                                 "sliding_window": 16}, "f16"),
    ("lfm2", "Lfm2Config", {"layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False}, "f16"),
    ("falcon", "FalconConfig", {"num_kv_heads": 1}, "f16"),
    ("phi3", "Phi3Config", {"sliding_window": 16}, "q8_0"),
    ("bloom", "BloomConfig", {}, "q8_0"),
    ("stablelm", "StableLmConfig", {"use_qkv_bias": True, "rope_theta": 5000.0}, "f16"),
    ("gpt2", "GPT2Config", {"n_positions": 128, "n_ctx": 128}, "q8_0"),
    ("starcoder2", "Starcoder2Config", {}, "f16"),
    ("mamba", "MambaConfig", {"intermediate_size": 64, "state_size": 4}, "f32"),
    ("nemotron", "NemotronConfig", {}, "f16"),
    ("gemma2", "Gemma2Config", {"head_dim": 8, "sliding_window": 16}, "f16"),
    ("gemma3", "Gemma3TextConfig", {"head_dim": 8, "sliding_window": 16, "layer_types": FULL}, "f16"),
    ("gemma4", "Gemma4TextConfig", {
        "head_dim": 8, "global_head_dim": 16, "sliding_window": 16, "layer_types": FULL,
        "hidden_size_per_layer_input": 4, "vocab_size_per_layer_input": VOCABULARY}, "f16"),
    ("gemma4_moe", "Gemma4TextConfig", {
        "head_dim": 8, "global_head_dim": 16, "sliding_window": 16, "layer_types": FULL, "enable_moe_block": True,
        "num_experts": 3, "top_k_experts": 2, "moe_intermediate_size": 32, "hidden_size_per_layer_input": 0}, "f16"),
    ("minimax_m2", "MiniMaxM2Config", {"head_dim": 8, "rotary_dim": 4, "num_local_experts": 3,
                                       "num_experts_per_tok": 2}, "f16"),
]
T5_SIZES = {"vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "d_ff": 24, "num_layers": 2,
            "num_decoder_layers": 1, "num_heads": 4, "decoder_start_token_id": 0}
SEQ2SEQ = [
    ("t5", "T5Config", {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}, "f16"),
    ("t5_relu", "T5Config", {}, "f16"),
    ("umt5", "UMT5Config", {}, "f16"),
]

# What the loader of transformers cannot load: a wrong layout (gpt_oss, gemma4_moe), an architecture that
# gguf-py does not know (mistral), or names of its own (deci).
NOT_LOADED = {"gpt_oss", "gemma4_moe", "mixtral", "mistral", "deci"}


def fill(state, seed):
    """Numbers of few bits, the same on every machine."""
    random = numpy.random.default_rng(seed)
    for name in sorted(state):
        tensor = state[name]
        numbers = random.integers(-96, 96, tuple(tensor.shape)) / 64.0
        if name.endswith("A_log"):
            numbers = numpy.abs(numbers)
        state[name] = torch.from_numpy(numbers.astype(numpy.float32))
    return state


def untied(model):
    """A model's own tensors, each once."""
    seen, state = set(), {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            state[name] = tensor.detach().clone()
    return state


def published(model, folder):
    """The names and shapes of a saved checkpoint."""
    model.save_pretrained(folder)
    state = {}
    for file in sorted(Path(folder).glob("*.safetensors")):
        state.update(load_file(file))
    return {name: tensor.float() for name, tensor in state.items()}


def make_checkpoint(entry, folder, auto, seed):
    name, config_class, changes, outtype = entry
    sizes = T5_SIZES if auto is AutoModelForSeq2SeqLM else SIZES
    # rows of Q8_0 are a multiple of 32; others may be smaller
    narrow = {} if outtype == "q8_0" or sizes is T5_SIZES else {"intermediate_size": 24}
    config = getattr(transformers, config_class)(**{**sizes, **narrow, **changes})
    model = auto.from_config(config).float()
    state = fill(untied(model), seed)
    model.load_state_dict(state, strict=False)
    model.tie_weights()
    state = published(model, folder)
    config = json.loads((Path(folder) / "config.json").read_text())
    if name.startswith("gemma4"):
        # the converter knows the language model only as a part of the whole
        state = {"model.language_model." + key.removeprefix("model."): value for key, value in state.items()}
        (Path(folder) / "config.json").write_text(json.dumps({
            "architectures": ["Gemma4ForConditionalGeneration"], "model_type": "gemma4", "text_config": config}))
        save_file(state, Path(folder) / "model.safetensors", {"format": "pt"})
        state = {"model." + key.removeprefix("model.language_model."): value for key, value in state.items()}
    return state


def make_deci(folder, seed):
    """A layer of attention and one with a matrix in its place; the library has no such model."""
    shapes = {"model.embed_tokens": (VOCABULARY, 32), "model.norm": (32,), "lm_head": (VOCABULARY, 32)}
    for layer in range(2):
        at = f"model.layers.{layer}."
        shapes |= {at + "input_layernorm": (32,), at + "post_attention_layernorm": (32,)}
        shapes |= {at + "mlp." + part: shape for part, shape in (
            ("gate_proj", (256, 32)), ("up_proj", (256, 32)), ("down_proj", (32, 256)))}
    shapes |= {f"model.layers.0.self_attn.{part}_proj": (rows, 32) for part, rows in (
        ("q", 32), ("k", 16), ("v", 16), ("o", 32))}
    shapes["model.layers.1.self_attn.linear_attn"] = (32, 32)
    state = fill({name + ".weight": torch.empty(shape) for name, shape in shapes.items()}, seed)
    block = {"ffn": {"ffn_mult": 1.0}, "attention": {"n_heads_in_group": 2, "replace_with_linear": False}}
    linear = {"ffn": {"ffn_mult": 1.0}, "attention": {"n_heads_in_group": None, "replace_with_linear": True}}
    (Path(folder) / "config.json").write_text(json.dumps({
        "architectures": ["DeciLMForCausalLM"], "model_type": "nemotron-nas", "vocab_size": VOCABULARY,
        "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 128, "rope_theta": 10000.0, "block_configs": [block, linear]}))
    save_file(state, Path(folder) / "model.safetensors", {"format": "pt"})
    return state


def convert(converter, folder, out, outtype, general_name):
    """Runs the converter, with a vocabulary that needs no tokenizer."""
    types = {"f32": "ALL_F32", "f16": "MOSTLY_F16", "q8_0": "MOSTLY_Q8_0"}
    config = json.loads((Path(folder) / "config.json").read_text())
    model_class = converter.ModelBase.from_model_architecture(config["architectures"][0])

    def set_vocab(self):
        self.gguf_writer.add_tokenizer_model("gpt2")
        self.gguf_writer.add_token_list([f"t{i}" for i in range(VOCABULARY)])
        self.gguf_writer.add_bos_token_id(1)
        self.gguf_writer.add_eos_token_id(2)
        self.gguf_writer.add_pad_token_id(0)

    tiny = type(model_class.__name__, (model_class,), {"set_vocab": set_vocab, "model_arch": model_class.model_arch})
    (Path(folder) / "tokenizer.json").write_text(json.dumps(
        {"model": {"vocab": {f"t{i}": i for i in range(VOCABULARY)}}, "added_tokens": []}))
    # The converter looks for some of the members of rope_parameters where they stood earlier.
    hparams = converter.ModelBase.load_hparams(Path(folder), False)
    for key in ("partial_rotary_factor", "rope_theta"):
        if key in (hparams.get("rope_parameters") or {}):
            hparams.setdefault(key, hparams["rope_parameters"][key])
    if "text_config" in config:  # gemma4, whose head sizes the library keeps by layer now
        hparams = config
        hparams["text_config"]["global_head_dim"] = 16
    with torch.inference_mode():
        tiny(Path(folder), getattr(converter.gguf.LlamaFileType, types[outtype]), out, eager=True,
             model_name=general_name, hparams=hparams).write()


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def described(state):
    tensors = {}
    for name, tensor in sorted(state.items()):
        numbers = tensor.float().contiguous().numpy()
        entry = {"shape": list(numbers.shape)}
        if name.endswith("A_log"):
            entry["numbers"] = [float(x) for x in numbers.reshape(-1)]
        else:
            entry["fnv1a"] = fnv1a(numbers.tobytes())
        tensors[name] = entry
    return tensors


def halves(state):
    """Experts of gpt_oss as a file can give them: gate and up apart."""
    out = {}
    for name, tensor in state.items():
        if ".experts.gate_up_proj" in name:
            out[name.replace("gate_up", "gate")] = tensor[..., 0::2]
            out[name.replace("gate_up", "up")] = tensor[..., 1::2]
        else:
            out[name] = tensor
    return out


def loaded(file, auto, folder, scratch):
    """What transformers makes of the file, as a saved checkpoint. Sizes are those of the source: the
    loader does not take all of them from the metadata."""
    config = AutoConfig.from_pretrained(folder)
    model = auto.from_config(getattr(config, "text_config", config)).float()
    names = list(model.state_dict())
    if file.stem == "lfm2":
        model = auto.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    else:
        tensors = load_gguf_checkpoint(str(file), return_tensors=True, model_to_load=model)["tensors"]
        own = model.state_dict()
        for name in tensors.keys() & own.keys():
            if name.endswith("shared_expert_gate.weight"):  # it has a size of 1 too many
                tensors[name] = tensors[name].reshape(own[name].shape)
        print("   not of the file:", sorted(set(names) - set(tensors)))
        model.load_state_dict(tensors, strict=False)
    model.tie_weights()
    return published(model, scratch)


def plain(value):
    return [plain(x) for x in value] if isinstance(value, (list, tuple)) else getattr(value, "item", lambda: value)()


def derived_config(file):
    """What transformers makes of the metadata; nothing where it fails (rope scaling of gpt_oss)."""
    metadata, names = read_gguf_metadata(str(file))
    if metadata["general.architecture"] in GGUF_CONFIG_ARCHS:
        config = get_gguf_config(metadata, names)
    elif file.stem == "gpt_oss":
        return None
    else:
        config = load_gguf_checkpoint(str(file))["config"]
    return {key: plain(value) for key, value in config.items()}


def main():
    out, llama = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path[:0] = [str(llama / "gguf-py"), str(llama)]
    import convert_hf_to_gguf as converter

    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    only = set(sys.argv[3:])
    expected = {}
    entries = [(e, AutoModelForCausalLM) for e in CAUSAL] + [(e, AutoModelForSeq2SeqLM) for e in SEQ2SEQ]
    entries.append((("deci", None, {}, "f16"), None))
    for seed, (entry, auto) in enumerate(entries):
        name, outtype = entry[0], entry[3]
        if only and name not in only:
            continue
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as scratch:
            source = make_checkpoint(entry, folder, auto, seed) if auto else make_deci(folder, seed)
            file = out / (name + ".gguf")
            general_name = {"mistral": "mistral", "umt5": "UMT5 tiny"}.get(name, "Tiny")
            convert(converter, folder, file, outtype, general_name)
            state = source
            if name not in NOT_LOADED:
                state = loaded(file, auto, folder, scratch)
                if name == "gemma4":  # the loader forgets these
                    state |= {key: value for key, value in source.items() if key.endswith("layer_scalar")}
            lost = sorted(source.keys() - state.keys())
            print(name, "only in the source:", lost, "only loaded:", sorted(state.keys() - source.keys()))
            for key in sorted(source.keys() & state.keys()):
                a, b = source[key], state[key]
                near = 0.02 if outtype == "q8_0" else 1e-6
                if a.shape != b.shape or not torch.allclose(a, b, atol=near):
                    print("   differs:", key, tuple(a.shape), tuple(b.shape))
            if name == "gpt_oss":
                state = halves(state)
        expected[name] = {"config": derived_config(file), "tensors": described(state)}
    (out / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
