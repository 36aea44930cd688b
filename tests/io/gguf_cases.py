#!/usr/bin/env python3
"""Writes tests/golden/gguf: files of gguf-py and llama.cpp's tools, and what they hold.

    gguf_cases.py OUT [LLAMA_BIN]

Needs gguf 0.19 and numpy. LLAMA_BIN is a folder with llama-gguf-split and llama-quantize of
release b8871; without it the files that they make are left as they are. expected.json says of every
file what went into it; offsets and sizes are as gguf-py's own reader finds them.
"""

import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from gguf import GGMLQuantizationType as T
from gguf import GGUFEndian, GGUFReader, GGUFValueType as V, GGUFWriter

NUMBERS = {
    "u8": (V.UINT8, [0, 200, 255]),
    "i8": (V.INT8, [-128, 0, 127]),
    "u16": (V.UINT16, [0, 1, 65535]),
    "i16": (V.INT16, [-32768, -2, 32767]),
    "u32": (V.UINT32, [0, 7, 4294967295]),
    "i32": (V.INT32, [-2147483648, 3, 2147483647]),
    "f32": (V.FLOAT32, [0.5, -1.25, 3.0e38]),
    "bool": (V.BOOL, [True, False, True]),
    "u64": (V.UINT64, [0, 1 << 40, (1 << 64) - 1]),
    "i64": (V.INT64, [-(1 << 63), -5, (1 << 63) - 1]),
    "f64": (V.FLOAT64, [0.1, -2.5, 1.0e300]),
}
TEXTS = ["", "a", "\u00fcmlaut \u2581 \U0001f600", "x" * 300]


class Writer(GGUFWriter):
    """Like its base, and empty arrays as well, which the format allows."""

    def _pack_val(self, val, vtype, add_vtype, sub_type=None):
        if vtype == V.ARRAY and len(val) == 0:
            return self._pack("I", vtype) + self._pack("I", sub_type) + self._pack("Q", 0)
        return super()._pack_val(val, vtype, add_vtype, sub_type)


def bits(array):
    return array.view(numpy.uint32).reshape(-1).tolist()


class Cases:
    def __init__(self, out):
        self.out = out
        self.random = numpy.random.default_rng(5)
        self.expected = {}

    def finish(self, writer):
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def describe(self, name, pairs):
        """Notes what a file holds: `pairs` as given, tensors as gguf-py reads them."""
        tensors = [
            {
                "name": tensor.name,
                "type": tensor.tensor_type.name,
                "shape": [int(size) for size in reversed(tensor.shape)],
                "offset": int(tensor.data_offset),
                "bytes": int(tensor.n_bytes),
            }
            for tensor in GGUFReader(self.out / name).tensors
        ]
        self.expected[name] = {"metadata": pairs, "tensors": tensors}

    def add_bytes(self, writer, name, shape, dtype, block, block_bytes):
        """A tensor of random blocks; `shape` counts elements."""
        packed = (*shape[:-1], shape[-1] // block * block_bytes)
        data = self.random.integers(0, 256, packed, numpy.uint8)
        writer.add_tensor(name, data, raw_dtype=dtype)

    def every_type(self, name, endian):
        writer = Writer(self.out / name, "none", endianess=endian)
        pairs = [["general.architecture", "str", "none"]]

        def add(key, vtype, text, value, sub_type=None):
            writer.add_key_value(key, value, vtype, sub_type)
            pairs.append([key, text, value])

        for text, (vtype, values) in NUMBERS.items():
            add("one." + text, vtype, text, values[1])
            add("many." + text, V.ARRAY, "arr of " + text, values, vtype)
            add("none." + text, V.ARRAY, "arr of " + text, [], vtype)
        add("one.str", V.STRING, "str", TEXTS[2])
        add("empty.str", V.STRING, "str", "")
        add("many.str", V.ARRAY, "arr of str", TEXTS, V.STRING)
        add("none.str", V.ARRAY, "arr of str", [], V.STRING)

        for dtype in (numpy.float32, numpy.float16, numpy.float64, numpy.int8, numpy.int16,
                      numpy.int32, numpy.int64):
            values = self.random.integers(0, 9, (3, 5)).astype(dtype)
            writer.add_tensor(values.dtype.name, values)
        writer.add_tensor("one", numpy.ones(1, numpy.float32))
        writer.add_tensor("four", numpy.ones((2, 3, 1, 4), numpy.float32))
        writer.add_tensor("nothing", numpy.ones((2, 0, 7), numpy.float32))
        self.add_bytes(writer, "bf16", (2, 7), T.BF16, 1, 2)
        self.add_bytes(writer, "q4_0", (3, 64), T.Q4_0, 32, 18)
        self.add_bytes(writer, "q6_K", (2, 256), T.Q6_K, 256, 210)
        self.add_bytes(writer, "mxfp4.experts", (2, 2, 32), T.MXFP4, 32, 17)
        self.finish(writer)
        self.describe(name, pairs)

    def older(self, source, name):
        """The same file as version 2, which differs in nothing else."""
        data = bytearray((self.out / source).read_bytes())
        place = 4 if data[4] == 3 else 7
        assert data[place] == 3
        data[place] = 2
        (self.out / name).write_bytes(data)
        self.describe(name, self.expected[source]["metadata"])

    def aligned(self, alignment):
        name = f"alignment_{alignment}.gguf"
        writer = Writer(self.out / name, "none")
        writer.add_custom_alignment(alignment)
        writer.add_tensor("a", numpy.arange(3, dtype=numpy.float32))
        writer.add_tensor("b", numpy.arange(5, dtype=numpy.int8))
        writer.add_tensor("c", numpy.arange(1, dtype=numpy.float64))
        self.finish(writer)
        self.describe(name, [["general.architecture", "str", "none"],
                             ["general.alignment", "u32", alignment]])

    def without_tensors(self):
        writer = Writer(self.out / "no_tensors.gguf", "none")
        self.finish(writer)
        self.describe("no_tensors.gguf", [["general.architecture", "str", "none"]])

    def small_llama(self, path, **options):
        """As little of a llama as llama-quantize takes for one."""
        writer = Writer(path, "llama", **options)
        writer.add_context_length(16)
        writer.add_embedding_length(32)
        writer.add_block_count(1)
        writer.add_feed_forward_length(64)
        writer.add_head_count(2)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_file_type(0)
        writer.add_vocab_size(8)

        def add(name, *shape):
            writer.add_tensor(name, self.random.standard_normal(shape, numpy.float32))

        add("token_embd.weight", 8, 32)
        add("blk.0.attn_norm.weight", 32)
        add("blk.0.attn_q.weight", 32, 32)
        add("blk.0.ffn_down.weight", 32, 64)
        add("output_norm.weight", 32)
        self.finish(writer)

    def split(self):
        self.small_llama(self.out / "whole.gguf")
        self.small_llama(self.out / "split.gguf", split_max_tensors=2, small_first_shard=True)

    def by_tools(self, tools):
        """Headers of the parts that llama.cpp's programs make."""
        def heads(pattern, folder):
            for part in sorted(folder.glob(pattern)):
                head = part.read_bytes()[:GGUFReader(part).data_offset]
                (self.out / (part.name + ".head")).write_bytes(head)
                self.expected.setdefault("bytes", {})[part.name] = part.stat().st_size

        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            split = [tools / "llama-gguf-split", "--split"]
            whole = self.out / "whole.gguf"
            quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run([*split, "--split-max-tensors", "2", whole, folder / "by_count"],
                           **quiet)
            subprocess.run([*split, "--split-max-tensors", "3", "--no-tensor-first-split", whole,
                            folder / "empty_first"], **quiet)
            writer = Writer(folder / "large.gguf", "none")
            self.expected["rows of by_size"] = rows = [100, 120, 60, 200, 30, 10]
            for i, count in enumerate(rows):
                writer.add_tensor(f"t{i}", numpy.zeros((count, 1000), numpy.float32))
            self.finish(writer)
            subprocess.run([*split, "--split-max-size", "1M", folder / "large.gguf",
                            folder / "by_size"], **quiet)
            first = self.out / "split-00001-of-00004.gguf"
            quantize = tools / "llama-quantize"
            subprocess.run([quantize, "--keep-split", first, folder / "kept", "COPY"], **quiet)
            subprocess.run([quantize, first, folder / "joined.gguf", "COPY"], **quiet)
            (folder / "large.gguf").unlink()
            heads("*", folder)

    def imatrix(self):
        sums = {"blk.0.attn_q.weight": self.random.random((1, 6), numpy.float32) * 100,
                "blk.0.ffn_down_exps.weight": self.random.random((3, 4), numpy.float32) * 9}
        counts = {"blk.0.attn_q.weight": numpy.array([7], numpy.float32),
                  "blk.0.ffn_down_exps.weight": numpy.array([3, 0, 11], numpy.float32)}
        for endian, name in ((GGUFEndian.LITTLE, "imatrix.gguf"),
                             (GGUFEndian.BIG, "imatrix_be.gguf")):
            writer = Writer(self.out / name, "", endianess=endian)
            writer.add_type("imatrix")
            writer.add_key_value("imatrix.datasets", ["wiki.txt", "code.txt"], V.ARRAY, V.STRING)
            writer.add_uint32("imatrix.chunk_count", 12)
            writer.add_uint32("imatrix.chunk_size", 512)
            for tensor, values in sums.items():
                writer.add_tensor(tensor + ".in_sum2", values)
                writer.add_tensor(tensor + ".counts", counts[tensor].reshape(-1, 1))
            self.finish(writer)
        weights = {}
        for tensor, values in sums.items():
            count = counts[tensor].reshape(-1, 1)
            with numpy.errstate(divide="ignore"):
                weights[tensor] = bits(numpy.where(count > 0, values / count, numpy.float32(1)))
        self.expected["imatrix.gguf"] = weights

        calls = {"blk.0.attn_q.weight": 13, "blk.0.ffn_down_exps.weight": 0}
        data = numpy.int32(len(sums)).tobytes()
        for tensor, values in sums.items():
            data += numpy.int32(len(tensor)).tobytes() + tensor.encode()
            data += numpy.array([calls[tensor], values.size], numpy.int32).tobytes()
            data += values.tobytes()
        (self.out / "imatrix_short.dat").write_bytes(data)
        dataset = b"wiki.txt"
        data += numpy.array([12, len(dataset)], numpy.int32).tobytes() + dataset
        (self.out / "imatrix.dat").write_bytes(data)
        self.expected["imatrix.dat"] = {
            tensor: bits(values / numpy.float32(calls[tensor] or 1))
            for tensor, values in sums.items()
        }


def main():
    logging.disable()
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    cases = Cases(out)
    noted = out / "expected.json"
    if noted.exists():
        earlier = json.loads(noted.read_text())
        for key in ("bytes", "rows of by_size"):
            cases.expected[key] = earlier[key]
    cases.every_type("le_v3.gguf", GGUFEndian.LITTLE)
    cases.every_type("be_v3.gguf", GGUFEndian.BIG)
    cases.older("le_v3.gguf", "le_v2.gguf")
    cases.older("be_v3.gguf", "be_v2.gguf")
    for alignment in (1, 8, 32, 4096):
        cases.aligned(alignment)
    cases.without_tensors()
    cases.split()
    cases.imatrix()
    if len(sys.argv) > 2:
        cases.by_tools(Path(sys.argv[2]))
    noted.write_text(json.dumps(cases.expected, indent=1, sort_keys=True) + "\n")


main()
