#!/usr/bin/env python3
"""Writes tests/golden/gguf_types/metadata.json: what llama-quantize makes of a model's metadata.

    make_metadata_cases.py LLAMA_QUANTIZE OUT

Needs the same as make_type_tables.py.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from gguf import GGUFReader, GGUFValueType, GGUFWriter

from make_type_tables import write_imatrix

NUMPY_TYPES = {"f16": numpy.float16, "f32": numpy.float32}
TENSORS = {  # rows of 256; in every part of a split model two of them
    "token_embd.weight": "f16", "output_norm.weight": "f32", "output.weight": "f16",
    "blk.0.attn_v.weight": "f16", "blk.0.ffn_norm.weight": "f32", "blk.0.ffn_up.weight": "f32",
    "blk.0.ffn_down.weight": "f32",
}


def write_source(path, file_type, **options):
    writer = GGUFWriter(path, "llama", **options)
    writer.add_quantization_version(1)
    if file_type is not None:
        writer.add_file_type(file_type)
    writer.add_context_length(128)
    writer.add_embedding_length(256)
    writer.add_block_count(1)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_string("general.name", "A \u00fcbliche name")
    writer.add_token_list(["a", "b", ""])
    writer.add_bool("tokenizer.ggml.add_bos_token", True)
    for name, type_name in TENSORS.items():
        shape = (256,) if "norm" in name else (2, 256)
        writer.add_tensor(name, numpy.ones(shape, NUMPY_TYPES[type_name]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def pairs_of(path):
    out = []
    for key, field in GGUFReader(path).fields.items():
        if key.startswith("GGUF."):
            continue
        name = field.types[0].name.lower()
        if field.types[0] == GGUFValueType.ARRAY:
            name = "array of " + field.types[1].name.lower()
        out.append([key, name, field.contents()])
    return out


def tensors_of(paths):
    return [[tensor.name, tensor.tensor_type.name.lower(), part]
            for part, path in enumerate(paths) for tensor in GGUFReader(path).tensors]


class Cases:
    def __init__(self, program, scratch):
        self.program, self.scratch, self.cases = program, scratch, []

    def run(self, ftype, source="whole.gguf", imatrix=None, keep_split=False):
        options = ["--imatrix", imatrix] if imatrix else []
        options += ["--keep-split"] if keep_split else []
        subprocess.run([self.program, *options, source, "out.gguf", ftype, "1"], check=True,
                       cwd=self.scratch, capture_output=True)
        parts = sorted(self.scratch.glob("out*.gguf"))
        stem = source.removesuffix("-00001-of-00004.gguf")
        sources = sorted(self.scratch.glob(stem + "*")) if stem != source else [self.scratch / source]
        self.cases.append({
            "target": ftype, "imatrix": imatrix, "source": pairs_of(sources[0]),
            "source_tensors": tensors_of(sources), "made": pairs_of(parts[0]),
            "made_tensors": tensors_of(parts)})
        for part in parts:
            part.unlink()


def main():
    program, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        cases = Cases(program, scratch)
        write_source(scratch / "whole.gguf", 1)
        write_source(scratch / "untold.gguf", None)
        write_source(scratch / "split.gguf", 1, split_max_tensors=2)
        deep = "folder/" + "x" * 100
        (scratch / deep).mkdir(parents=True)
        long_path = f"{deep}/an importance matrix.dat"
        for name in ("words.dat", long_path):
            write_imatrix(scratch / name, {"blk.0.attn_v.weight": 256, "blk.0.ffn_up.weight": 256})
        first = "split-00001-of-00004.gguf"
        cases.run("Q4_K_M")
        cases.run("F16")
        cases.run("COPY")
        cases.run("COPY", "untold.gguf")
        cases.run("IQ3_S", imatrix="words.dat")
        cases.run("COPY", imatrix=long_path)
        cases.run("Q8_0", first)
        cases.run("Q8_0", first, keep_split=True)
        cases.run("MXFP4_MOE", first, imatrix="words.dat", keep_split=True)
    out.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(case, separators=(",", ":")) for case in cases.cases]
    (out / "metadata.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
