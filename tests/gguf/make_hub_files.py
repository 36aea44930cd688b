#!/usr/bin/env python3
"""Writes tests/golden/gguf_names/hub: tiny Hugging Face checkpoints, and the GGUF files made of them.

    make_hub_files.py OUT LLAMA_CPP

Needs what make_name_tables.py needs. OUT/NAME has the checkpoint; OUT/NAME/expected.json says what
convert_hf_to_gguf.py of llama.cpp b8871 makes of it, as F32: tensors in the order of the file, with
shapes and a hash of their numbers, and the keys of the metadata with types and values. The name of the
way in which a tokenizer cuts text is given, as the converter knows it only for published vocabularies.
Some converters want a tokenizer.model; of their files keys of the tokenizer are left out.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from gguf import GGUFReader, GGUFValueType
from make_name_tables import SIZES, VOCABULARY, fill, fnv1a, published, untied
from transformers import AutoModelForCausalLM

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

# name, class of the config, what differs from SIZES, changes of config.json, tokenizer
CASES = [
    ("llama", "LlamaConfig", {}, {"rope_parameters": None, "rope_theta": 5000.0,
                                  "rope_scaling": {"type": "linear", "factor": 2.0}}, "byte_fallback"),
    ("llama3", "LlamaConfig", {"tie_word_embeddings": True, "rope_parameters": {
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}, {}, "llama-bpe"),
    ("mistral", "MistralConfig", {"head_dim": 16}, {}, "byte_fallback"),
    ("mixtral", "MixtralConfig", {"num_local_experts": 3, "num_experts_per_tok": 2}, {}, "byte_fallback"),
    ("qwen2", "Qwen2Config", {"rope_parameters": {
        "rope_type": "yarn", "rope_theta": 1000000.0, "factor": 4.0, "original_max_position_embeddings": 64}},
     {}, "qwen2"),
    ("qwen2_moe", "Qwen2MoeConfig", {"num_experts": 3, "num_experts_per_tok": 2, "moe_intermediate_size": 16,
                                     "shared_expert_intermediate_size": 48}, {}, "qwen2"),
    ("qwen3", "Qwen3Config", {"head_dim": 16}, {}, "qwen2"),
    ("qwen3_moe", "Qwen3MoeConfig", {"head_dim": 16, "num_experts": 11, "num_experts_per_tok": 2,
                                     "moe_intermediate_size": 16}, {}, "qwen2"),
    ("gemma2", "Gemma2Config", {"head_dim": 8, "sliding_window": 16}, {}, None),
    ("gemma3", "Gemma3TextConfig", {"head_dim": 8, "sliding_window": 16,
                                    "layer_types": ["sliding_attention", "full_attention"]}, {}, None),
    ("phi3", "Phi3Config", {}, {"rope_parameters": None, "rope_theta": 10000.0, "max_position_embeddings": 512,
                                "original_max_position_embeddings": 64, "sliding_window": 32,
                                "rope_scaling": {"type": "longrope", "long_factor": [1.5, 2.0, 3.0, 4.0],
                                                 "short_factor": [1.0, 1.0, 1.25, 1.5]}}, None),
]
SKIPPED = ("GGUF.", "general.file_type", "general.quantization_version", "general.size_label")


def added(token_id, content, special, normalized=False):
    return {"id": token_id, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": normalized, "special": special}


def byte_level(folder, pre):
    """Twenty tokens of bytes, two special ones, one of a user's, and an id that nothing has."""
    letters = [chr(c) for c in range(ord("a"), ord("p"))]
    vocabulary = letters + ["\u0120", "ab", "\u0120ab", "cd", "abcd"]
    merges = [["a", "b"], ["\u0120", "ab"], ["c", "d"], ["ab", "cd"]]
    llama = pre == "llama-bpe"
    special = [added(20, "<|begin|>", True), added(21, "<|endoftext|>", True), added(22, "user\u2581said", False, True)]
    begin = {"SpecialToken": {"id": "<|begin|>", "type_id": 0}}
    template = {"type": "TemplateProcessing", "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [begin, {"Sequence": {"id": "A", "type_id": 0}}, begin, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<|begin|>": {"id": "<|begin|>", "ids": [20], "tokens": ["<|begin|>"]}}}
    bytes_only = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": LLAMA3 if llama else QWEN2}, "behavior": "Isolated",
             "invert": False}, bytes_only]},
        "post_processor": {"type": "Sequence", "processors": [bytes_only, template]} if llama else bytes_only,
        "decoder": bytes_only,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": llama,
                  "vocab": {token: i for i, token in enumerate(vocabulary)}, "merges": merges}}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
              "add_bos_token": llama, "chat_template": "{{ messages }}"}
    if llama:
        config["bos_token"] = {"__type": "AddedToken", "content": "<|begin|>", "special": True}
        tokenizer["model"]["merges"] = [" ".join(pair) for pair in merges]
    write_tokenizer(folder, tokenizer, config)


def byte_fallback(folder):
    vocabulary = ["<unk>", "<s>", "</s>", "<0x0A>", "<0x41>", "\u2581", "a", "b", "ab", "\u2581ab"]
    special = [added(0, "<unk>", True), added(1, "<s>", True), added(2, "</s>", True),
               added(10, "<pad>", True), added(11, "tool", False, True)]
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
        "pre_tokenizer": None, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": {token: i for i, token in enumerate(vocabulary)},
                  "merges": ["a b", "\u2581 ab"]}}
    write_tokenizer(folder, tokenizer, {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "pad_token": "<pad>", "add_bos_token": True, "add_eos_token": False, "add_prefix_space": True,
        "chat_template": [{"name": "default", "template": "{{ 1 }}"}, {"name": "tool-use", "template": "{{ 2 }}"}]})


def write_tokenizer(folder, tokenizer, config):
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False))
    (folder / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False))


def make_checkpoint(case, folder, seed):
    name, config_class, changes, edits, tokenizer = case
    config = getattr(transformers, config_class)(**{**SIZES, "intermediate_size": 24, **changes})
    model = AutoModelForCausalLM.from_config(config).float()
    model.load_state_dict(fill(untied(model), seed), strict=False)
    model.tie_weights()
    published(model.half(), folder)
    text = json.loads((folder / "config.json").read_text())
    for key, value in edits.items():
        if value is None:
            text.pop(key, None)
        else:
            text[key] = value
    (folder / "config.json").write_text(json.dumps(text, indent=1, sort_keys=True))
    (folder / "generation_config.json").unlink(missing_ok=True)
    if tokenizer == "byte_fallback":
        byte_fallback(folder)
    elif tokenizer:
        byte_level(folder, tokenizer)


def convert(converter, case, folder, out):
    name, tokenizer = case[0], case[4]
    config = json.loads((folder / "config.json").read_text())
    model_class = converter.ModelBase.from_model_architecture(config["architectures"][0])
    changed = {"get_vocab_base_pre": lambda self, _: tokenizer}
    if not tokenizer:
        changed["set_vocab"] = lambda self: None
    tiny = type(model_class.__name__, (model_class,), {**changed, "model_arch": model_class.model_arch})
    # As the converter reads it where the library has no class for it: factors stay where they stood.
    hparams = config if name == "phi3" else None
    if name == "gemma3":  # rows of embeddings are counted by the vocabulary
        (folder / "tokenizer.json").write_text(json.dumps(
            {"model": {"vocab": {f"t{i}": i for i in range(VOCABULARY)}}, "added_tokens": []}))
    with torch.inference_mode():
        tiny(folder, converter.gguf.LlamaFileType.ALL_F32, out, eager=True, model_name="Tiny", hparams=hparams).write()
    if name == "gemma3":
        (folder / "tokenizer.json").unlink()


def described(file):
    reader = GGUFReader(str(file))
    tensors = [{"name": t.name, "shape": [int(n) for n in reversed(t.shape)], "type": t.tensor_type.name,
                "numbers": [float(x) for x in t.data.reshape(-1)] if "rope" in t.name else None,
                "fnv1a": fnv1a(t.data.tobytes())} for t in reader.tensors]
    metadata = []
    for key, field in reader.fields.items():
        if key.startswith(SKIPPED):
            continue
        value = field.contents()
        if isinstance(value, list):
            value = [getattr(x, "item", lambda x=x: x)() for x in value]
        metadata.append({"key": key, "type": [GGUFValueType(t).name for t in field.types], "value": value})
    return {"tensors": tensors, "metadata": metadata}


def main():
    out, llama = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path[:0] = [str(llama / "gguf-py"), str(llama)]
    import convert_hf_to_gguf as converter

    shutil.rmtree(out, ignore_errors=True)
    for seed, case in enumerate(CASES):
        folder = out / case[0]
        folder.mkdir(parents=True)
        make_checkpoint(case, folder, 100 + seed)
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "tiny.gguf"
            convert(converter, case, folder, file)
            (folder / "expected.json").write_text(json.dumps(described(file), indent=1) + "\n")


if __name__ == "__main__":
    main()
