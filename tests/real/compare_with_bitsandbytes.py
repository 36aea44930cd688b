#!/usr/bin/env python3
"""Holds the command's NF4 output to what transformers and bitsandbytes make of the same weights.

For one model: the output loads with from_pretrained; exactly the modules that transformers would
have quantized are Linear4bit there; their bytes are those that bitsandbytes computes; everything
else is what it was; and both models answer alike, bit for bit. Once with the recipe that names the
CPU backend of bitsandbytes and once with the default.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import bitsandbytes as bnb
import torch
from bitsandbytes.functional import quantize_4bit
from transformers import AutoModel, AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig
from transformers.utils import logging

# Small Llamas: dtype, tied, hidden size, intermediate size. The odd one has rows that blocks of 64
# cross and weights whose last block is short; the CPU kernels of bitsandbytes cannot run it.
LLAMAS = {
    "llama-bf16-tied": (torch.bfloat16, True, 64, 192),
    "llama-bf16": (torch.bfloat16, False, 64, 192),
    "llama-f16-tied": (torch.float16, True, 64, 192),
    "llama-f16": (torch.float16, False, 64, 192),
    "llama-odd": (torch.bfloat16, False, 40, 122),
}

logging.disable_progress_bar()
failures = []


def expect(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def make_llama(directory, dtype, tied, hidden, intermediate):
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=101, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=tied)
    AutoModelForCausalLM.from_config(config).to(dtype).save_pretrained(directory)


def linear4bit_modules(model):
    return {name: module for name, module in model.named_modules()
            if isinstance(module, bnb.nn.Linear4bit)}


def same_bytes(left, right):
    left, right = left.detach().contiguous(), right.detach().contiguous()
    return left.dtype == right.dtype and left.shape == right.shape and torch.equal(
        left.reshape(-1).view(torch.uint8), right.reshape(-1).view(torch.uint8))


def compare_weight(name, ours, theirs, original):
    """ours, theirs: Params4bit; original: the full-precision weight."""
    codes, state = quantize_4bit(original.contiguous(), blocksize=64, quant_type="nf4",
                                 compress_statistics=False)
    expect(same_bytes(ours.data, codes), f"{name}: codes are not those of quantize_4bit")
    expect(same_bytes(ours.quant_state.absmax, state.absmax), f"{name}: absmax differs")
    expect(same_bytes(ours.quant_state.code, state.code), f"{name}: quant_map differs")
    for field in ("blocksize", "quant_type", "dtype", "shape", "nested"):
        expect(getattr(ours.quant_state, field) == getattr(theirs.quant_state, field),
               f"{name}: quant_state.{field} differs")
    expect(same_bytes(ours.data, theirs.data), f"{name}: codes are not from_pretrained's")
    expect(same_bytes(ours.quant_state.absmax, theirs.quant_state.absmax),
           f"{name}: absmax is not from_pretrained's")


def reference_settings(model):
    """What transformers is asked for. It means to leave out the module of the last parameter, but
    looks for it by the parameter's name and so misses one that ends with a bias, BERT's pooler."""
    skipped = {"llm_int8_skip_modules": ["pooler.dense"]} if model == "bert" else {}
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4",
                              bnb_4bit_use_double_quant=False, **skipped)


def compare(model, source, out, model_class, recipe, command):
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([command, "quantize", source, "-o", out, "--to", recipe], check=True)

    original = model_class.from_pretrained(source, dtype="auto").state_dict()
    theirs = model_class.from_pretrained(
        source, dtype="auto", device_map="cpu", quantization_config=reference_settings(model))
    ours = model_class.from_pretrained(out, dtype="auto", device_map="cpu")

    our_modules, their_modules = linear4bit_modules(ours), linear4bit_modules(theirs)
    expect(len(their_modules) > 0, "the reference has no Linear4bit at all")
    expect(our_modules.keys() == their_modules.keys(),
           f"other modules are quantized: {our_modules.keys() ^ their_modules.keys()}")
    for name in our_modules.keys() & their_modules.keys():
        expect(our_modules[name].weight.quant_state is not None, f"{name}: was not read quantized")
        compare_weight(name, our_modules[name].weight, their_modules[name].weight,
                       original[name + ".weight"])

    quantized = {name + ".weight" for name in their_modules}
    their_rest = dict(theirs.named_parameters(remove_duplicate=False))
    our_rest = dict(ours.named_parameters(remove_duplicate=False))
    expect(our_rest.keys() == their_rest.keys(), "the models have different parameters")
    for name in their_rest.keys() - quantized:
        expect(same_bytes(our_rest[name], their_rest[name]), f"{name}: was not kept as it was")

    if model != "llama-odd":
        words = torch.arange(12).reshape(1, 12)
        with torch.no_grad():
            expect(torch.equal(ours(words)[0], theirs(words)[0]), "the models answer differently")
    print(f"{recipe}: {len(our_modules)} modules in NF4, {len(their_rest)} parameters compared")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["bert", *LLAMAS])
    parser.add_argument("--command", required=True, help="the plimsoll command")
    parser.add_argument("--published", help="directory of the published BERT")
    parser.add_argument("--work", required=True, help="a directory of this run's own")
    options = parser.parse_args()

    work = pathlib.Path(options.work)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    if options.model == "bert":
        if not options.published or not pathlib.Path(options.published).exists():
            print("skipped: the published checkpoint was not fetched")
            return 77
        source, model_class = options.published, AutoModel
    else:
        source, model_class = str(work / "source"), AutoModelForCausalLM
        make_llama(source, *LLAMAS[options.model])
    for recipe in ("nf4:variant=cpu", "nf4"):
        compare(options.model, source, str(work / "out"), model_class, recipe, options.command)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
