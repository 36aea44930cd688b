#!/usr/bin/env python3
"""Writes tests/golden/gguf_types/decisions.json: the type that llama-quantize gives to every tensor
of many models, for every ftype, with and without --pure and an importance matrix.

    make_type_tables.py LLAMA_QUANTIZE OUT

LLAMA_QUANTIZE is the program of llama.cpp's release b8871. Needs gguf 0.19 and numpy. The types are
those of dry runs, which read no weights, so the files have none; real runs of some small models have to
agree (see confirm).
"""

import json
import os
import re
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFWriter

from type_table_models import MODELS

FTYPES = """Q1_0 Q4_0 Q4_1 MXFP4_MOE Q5_0 Q5_1 IQ2_XXS IQ2_XS IQ2_S IQ2_M IQ1_S IQ1_M TQ1_0 TQ2_0 Q2_K
Q2_K_S IQ3_XXS IQ3_S IQ3_M IQ3_XS Q3_K_S Q3_K_M Q3_K_L IQ4_NL IQ4_XS Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K
Q8_0 F16 BF16 F32 COPY""".split()

# Runs with more options, of these models.
MORE_MODELS = ["llama_32", "llama_tied", "gemma3n", "rows_of_288", "rows_of_288_tied", "mixtral"]
MORE_OPTIONS = [
    {"leave_output": True},
    {"output_type": "q4_0"},
    {"embedding_type": "q8_0"},
    {"output_type": "bf16", "embedding_type": "q5_1"},
    {"output_type": "q5_K"},
    {"overrides": [["attn_v", "q8_0"]]},
    {"overrides": [["blk\\.[0-3]\\.ffn_down", "iq4_xs"], ["ffn_down", "q5_0"]]},
    {"overrides": [["attn_v", "q4_K"], ["attn_v", "q3_K"], ["token_embd", "q4_K"]]},
    {"overrides": [["attn_norm", "q8_0"], ["ffn_up", "f16"], ["^output", "q4_0"]]},
    {"overrides": [["weight", "q6_K"]], "output_type": "q8_0", "embedding_type": "q4_0"},
    {"overrides": [["attn", "q6_K"]], "pure": True},
]
MORE_KEYS = ["leave_output", "output_type", "embedding_type", "overrides"]
MORE_FTYPES = ["Q4_K_M", "Q3_K_M", "Q8_0", "F16", "COPY"]

TENSOR_LINE = re.compile(r"^\[ *\d+/ *\d+\] (\S+) +- \[[^]]*\], type = +(\S+), size = +[\d.]+ MiB"
                         r"(?: -> +[\d.]+ MiB \((\S+)\))?$")
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def block_of(type_name):
    return GGML_QUANT_SIZES[GGMLQuantizationType[type_name.upper()]]


def write_model(path, model, seed=None):
    """Without a seed the data are a hole in the file."""
    writer = GGUFWriter(path, model.architecture)
    for name, value in model.keys.items():
        key = f"{model.architecture}.{name}"
        if isinstance(value, list):
            writer.add_array(key, value)
        elif isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        else:
            writer.add_uint32(key, value)
    sizes = []
    for name, shape, type_name in model.tensors():
        elements, size = block_of(type_name)
        packed = (*shape[:-1], shape[-1] // elements * size)
        count = int(numpy.prod(packed))
        writer.add_tensor_info(name, packed, numpy.dtype(numpy.uint8), count,
                               GGMLQuantizationType[type_name.upper()])
        sizes.append((count, type_name))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with open(path, "ab") as file:
        file.write(b"\0" * (-file.tell() % 32))
        for count, type_name in sizes:
            padded = count + -count % 32
            if seed is None:
                file.truncate(file.tell() + padded)
                file.seek(0, os.SEEK_END)
                continue
            numbers = numpy.random.default_rng(seed).standard_normal(padded, numpy.float32)
            raw = numbers.astype(numpy.float16 if type_name == "f16" else numpy.float32).tobytes()
            file.write(raw[:count] + b"\0" * (padded - count))


def write_imatrix(path, entries):
    """The older format; `entries` maps names to numbers of columns."""
    with open(path, "wb") as file:
        file.write(struct.pack("<i", len(entries)))
        for name, count in entries.items():
            file.write(struct.pack("<i", len(name)) + name.encode())
            file.write(struct.pack("<ii", 1, count))
            file.write((numpy.arange(count, dtype=numpy.float32) % 7 + 1).tobytes())
        file.write(struct.pack("<ii", 5, 9) + b"words.txt")


def arguments(run, imatrix):
    made = []
    if run.get("pure"):
        made.append("--pure")
    if run.get("imatrix"):
        made += ["--imatrix", str(imatrix)]
    if run.get("leave_output"):
        made.append("--leave-output-tensor")
    if "output_type" in run:
        made += ["--output-tensor-type", run["output_type"]]
    if "embedding_type" in run:
        made += ["--token-embedding-type", run["embedding_type"]]
    for pattern, type_name in run.get("overrides", []):
        made += ["--tensor-type", f"{pattern}={type_name}"]
    return made


def quantize(program, options):
    environment = {**os.environ, "GGML_NO_BACKTRACE": "1"}
    return subprocess.run(["nice", "-n", "19", str(program), *options], env=environment,
                          capture_output=True, text=True, errors="replace")


def decide(program, path, run, imatrix):
    """What a dry run says: the types by name, or why it failed; and whether the real one will."""
    done = quantize(program, ["--dry-run", *arguments(run, imatrix), str(path), run["ftype"]])
    reason = re.search(r"failed to quantize: (.*)", done.stderr)
    if reason:
        return {"error": reason.group(1)}
    if done.returncode != 0:
        return {"error": "llama-quantize dies"}
    types = {}
    for line in done.stderr.splitlines():
        match = TENSOR_LINE.match(line)
        if match:
            types[match.group(1)] = match.group(3) or match.group(2)
    return {"types": types, "lacks_importance": "will require an imatrix" in done.stderr}


def outcome_of(model, decided):
    """A letter a tensor, or an error. Where rows are no whole blocks, dry runs tell of no error."""
    if "error" in decided:
        return decided
    rows = {name: shape[-1] for name, shape, _ in model.tensors()}
    assert set(decided["types"]) == set(rows), set(rows) ^ set(decided["types"])
    for name, type_name in decided["types"].items():
        if rows[name] % block_of(type_name)[0] != 0:
            return {"error": "rows that are no whole blocks"}
    if decided["lacks_importance"]:
        return {"error": "no importance matrix"}
    return decided["types"]


def runs_of(name):
    for ftype in FTYPES:
        for pure in (False, True):
            for imatrix in (False, True):
                yield {"ftype": ftype, "pure": pure, "imatrix": imatrix}
    if name in MORE_MODELS:
        for options in MORE_OPTIONS:
            for ftype in MORE_FTYPES:
                yield {"ftype": ftype, "imatrix": True, **options}


class Table:
    def __init__(self):
        self.types = []

    def letters(self, types):
        for type_name in types.values():
            if type_name not in self.types:
                self.types.append(type_name)
        return "".join(ALPHABET[self.types.index(type_name)] for type_name in types.values())

    def model(self, name, model, decided):
        outcomes, runs = [], []
        for run, found in decided:
            outcome = outcome_of(model, found)
            text = outcome if "error" in outcome else self.letters(outcome)
            if text not in outcomes:
                outcomes.append(text)
            flags = ("p" if run.get("pure") else "") + ("i" if run.get("imatrix") else "")
            more = {key: run[key] for key in MORE_KEYS if key in run}
            runs.append([run["ftype"], flags, outcomes.index(text), *([more] if more else [])])
        return {"architecture": model.architecture, "keys": model.keys, "groups": model.groups,
                "outcomes": outcomes, "runs": runs}


def confirm(program, scratch, name, model, runs):
    """Whether real runs of a model do what the dry ones say."""
    source, target = scratch / f"{name}.real.gguf", scratch / f"{name}.out.gguf"
    write_model(source, model, seed=1)
    imatrix = scratch / f"{name}.real.dat"
    write_imatrix(imatrix, {tensor: shape[-1] * (shape[-3] if len(shape) > 2 else 1)
                            for tensor, shape, _ in model.tensors()})
    for run in runs:
        expected = outcome_of(model, decide(program, source, run, imatrix))
        options = [*arguments(run, imatrix), str(source), str(target), run["ftype"], "1"]
        done = quantize(program, options)
        assert (done.returncode != 0) == ("error" in expected), (name, run, expected, done.stderr)
        if done.returncode == 0:
            made = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(target).tensors}
            wanted = {tensor: type_name.upper() for tensor, type_name in expected.items()}
            assert made == wanted and list(made) == list(wanted), (name, run)
            target.unlink()


def write_tables(path, types, models):
    """A few lines a model, so that changes show."""
    text = json.dumps({"types": types, "models": models}, separators=(",", ":"))
    for key in ("architecture", "outcomes", "runs"):
        text = text.replace(f'"{key}":', f'\n"{key}":')
    path.write_text(text + "\n")


def main():
    program, out = Path(sys.argv[1]), Path(sys.argv[2])
    table, models = Table(), {}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        scratch = Path(folder)
        imatrix = scratch / "imatrix.dat"
        write_imatrix(imatrix, {"blk.0.attn_q.weight": 256})
        for name, model in MODELS.items():
            path = scratch / f"{name}.gguf"
            write_model(path, model)
            runs = list(runs_of(name))
            found = pool.map(lambda run: decide(program, path, run, imatrix), runs)
            models[name] = table.model(name, model, zip(runs, found))
            errors = [text["error"] for text in models[name]["outcomes"]
                      if isinstance(text, dict)]
            print(f"{name}: {len(runs)} runs, {len(models[name]['outcomes'])} outcomes, {errors}")
            path.unlink()
        for name in ("llama_3", "rows_of_40"):
            confirm(program, scratch, name, MODELS[name], list(runs_of(name)))
    out.mkdir(parents=True, exist_ok=True)
    write_tables(out / "decisions.json", table.types, models)


if __name__ == "__main__":
    main()
