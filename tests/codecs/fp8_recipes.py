"""Writes fp8_recipes.safetensors: block-wise FP8 by two recipes, as torch computes it on a CPU.
Usage: python fp8_recipes.py OUTPUT (needs torch, numpy, safetensors).

Tensors: <case>.<dtype>.input, and <case>.<dtype>.<recipe>.<float|ue8m0>.<codes|scales>, all as torch
has them; a case's tile is in the file's metadata as "<rows>x<columns>".
"""

import sys

import numpy
import torch
from safetensors.torch import save_file

LARGEST = 448.0
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def in_tiles(matrix, tile):
    """The matrix in fp32, padded with zeros, as [tile rows, rows, tile columns, columns]."""
    rows, columns = tile
    below, beside = -matrix.shape[0] % rows, -matrix.shape[1] % columns
    padded = torch.nn.functional.pad(matrix.to(torch.float32), (0, beside, 0, below))
    return padded.reshape(padded.shape[0] // rows, rows, padded.shape[1] // columns, columns)


def untiled(tiles, shape):
    return tiles.reshape(tiles.shape[0] * tiles.shape[1], -1)[: shape[0], : shape[1]].contiguous()


def finegrained(tiles, ue8m0):
    amax = tiles.abs().amax(dim=(1, 3), keepdim=True)
    scale = torch.where(amax > 0, amax / LARGEST, torch.ones_like(amax))
    if ue8m0:
        smallest = torch.finfo(torch.float32).tiny
        scale = torch.pow(2.0, torch.ceil(torch.log2(scale.clamp(min=smallest))))
    return torch.clamp(tiles / scale, -LARGEST, LARGEST), scale


def vllm(tiles, ue8m0):
    scale = tiles.abs().amax(dim=(1, 3), keepdim=True).clamp(1e-4) / LARGEST
    if ue8m0:
        bits = scale.view(torch.int32)
        scale = ((bits >> 23) + ((bits & 0x7FFFFF) != 0).int() << 23).view(torch.float32)
    return tiles * (1.0 / scale), scale


def edges():
    """Tiles of 8 x 16 whose amax is 448 * 2^k but for a few ulps; k walks over what fp32 holds."""
    random = numpy.random.default_rng(1)
    matrix = random.standard_normal((8 * 16, 16 * 32)).astype(numpy.float32)
    for row in range(16):
        for column in range(32):
            amax = numpy.float32(448.0) * numpy.float32(2.0) ** numpy.float32((row * 32 + column) // 3 - 100)
            ulps = [-1, 0, 1, 2, 3, 5, 6, 11, 12, 22, 23][(row * 32 + column) % 11]
            amax = (numpy.array(amax).view(numpy.int32) + ulps).view(numpy.float32)
            tile = matrix[row * 8 : row * 8 + 8, column * 16 : column * 16 + 16]
            tile *= amax / (numpy.abs(tile).max() * numpy.float32(1.01))
            tile[3, 5] = -amax
    return matrix


def odd():
    """Ordinary weights; every size leaves smaller tiles at the edges, and one tile is zero."""
    matrix = numpy.random.default_rng(2).standard_normal((70, 109)).astype(numpy.float32) * 0.02
    matrix[16:32, 32:64] = 0.0
    matrix[20, 40:50] = -0.0
    return matrix


def tiny():
    """Down to the smallest numbers fp32 has, and below what vllm lets a scale be."""
    matrix = numpy.random.default_rng(3).standard_normal((64, 128)).astype(numpy.float32)
    for row in range(8):
        for column in range(8):
            exponent = -150 + (row * 8 + column) * 2
            part = matrix[row * 8 : row * 8 + 8, column * 16 : column * 16 + 16]
            part[...] = (part.astype(numpy.float64) * 2.0**exponent).astype(numpy.float32)
            part[2, :5] = 0.0
    return matrix


def nonfinite():
    matrix = numpy.random.default_rng(4).standard_normal((24, 48)).astype(numpy.float32)
    matrix[1, 3] = numpy.inf
    matrix[2, 20] = -numpy.inf
    matrix[3, 40] = numpy.nan
    matrix[9, 4:6] = [numpy.nan, numpy.inf]
    matrix[10, 18:20] = [-0.0, -numpy.inf]
    matrix[11, 33] = 500.0
    matrix[12, 34] = numpy.nan
    return matrix


CASES = {"edges": (edges, (8, 16)), "odd": (odd, (16, 32)), "tiny": (tiny, (8, 16)),
         "nonfinite": (nonfinite, (8, 16))}  # fmt: skip


def main(output):
    tensors = {}
    for name, (make, tile) in CASES.items():
        for dtype, torch_dtype in DTYPES.items():
            if name == "edges" and dtype != "f32":
                continue  # a few ulps are none in 16 bits
            matrix = torch.from_numpy(make()).to(torch_dtype)
            tensors[f"{name}.{dtype}.input"] = matrix
            for recipe in (finegrained, vllm):
                for kind in ("float", "ue8m0"):
                    if name == "nonfinite" and recipe is vllm and kind == "ue8m0":
                        continue  # libraries differ in the byte of an infinite scale
                    codes, scales = recipe(in_tiles(matrix, tile), kind == "ue8m0")
                    prefix = f"{name}.{dtype}.{recipe.__name__}.{kind}"
                    tensors[f"{prefix}.codes"] = untiled(codes.to(torch.float8_e4m3fn), matrix.shape)
                    stored = torch.float8_e8m0fnu if kind == "ue8m0" else torch.float32
                    tensors[f"{prefix}.scales"] = scales.squeeze(3).squeeze(1).to(stored)
    metadata = {name: f"{tile[0]}x{tile[1]}" for name, (_, tile) in CASES.items()}
    metadata["torch"] = torch.__version__
    save_file(tensors, output, metadata=metadata)


if __name__ == "__main__":
    main(sys.argv[1])
