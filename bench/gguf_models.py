"""A GGUF model of random weights, written with nothing but the standard library.

The architecture is "llama", with the tensors that such models have: matrices in F16, norms in F32.
One stretch of random numbers is repeated; what a quantizer does with a block does not depend on others.
"""

import random
import struct

ALIGNMENT = 32
F32, F16 = 0, 1
STRETCH = 1 << 20  # numbers


class Shape:
    def __init__(self, layers, width, hidden, key_values, vocabulary):
        self.layers, self.width, self.hidden = layers, width, hidden
        self.key_values, self.vocabulary = key_values, vocabulary

    def tensors(self):
        """Names, sizes (the innermost first) and types."""
        yield "token_embd.weight", (self.width, self.vocabulary), F16
        yield "output_norm.weight", (self.width,), F32
        yield "output.weight", (self.width, self.vocabulary), F16
        for layer in range(self.layers):
            block = f"blk.{layer}."
            yield block + "attn_norm.weight", (self.width,), F32
            yield block + "attn_q.weight", (self.width, self.width), F16
            yield block + "attn_k.weight", (self.width, self.key_values), F16
            yield block + "attn_v.weight", (self.width, self.key_values), F16
            yield block + "attn_output.weight", (self.width, self.width), F16
            yield block + "ffn_norm.weight", (self.width,), F32
            yield block + "ffn_gate.weight", (self.width, self.hidden), F16
            yield block + "ffn_up.weight", (self.width, self.hidden), F16
            yield block + "ffn_down.weight", (self.hidden, self.width), F16

    def keys(self):
        head = 128
        yield "general.architecture", "llama"
        yield "general.name", "random"
        yield "llama.block_count", self.layers
        yield "llama.context_length", 2048
        yield "llama.embedding_length", self.width
        yield "llama.feed_forward_length", self.hidden
        yield "llama.attention.head_count", self.width // head
        yield "llama.attention.head_count_kv", self.key_values // head
        yield "llama.attention.layer_norm_rms_epsilon", 1e-5
        yield "llama.vocab_size", self.vocabulary
        yield "llama.rope.dimension_count", head


# 0.9 billion numbers: 1.8 GB of F16. And 1.54 billion: 3.09 GB of bf16, 0.87 GB of Q4_K.
DENSE = Shape(22, 1536, 5632, 512, 64_000)
LARGE = Shape(28, 1536, 8960, 256, 151_936)


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value_of(value):
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    return struct.pack("<II", 4, value)


def padded(size):
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def write_model(path, shape):
    tensors = list(shape.tensors())
    keys = list(shape.keys())
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for key, value in keys:
        head += text(key) + value_of(value)
    offset = 0
    sizes = []
    for name, dimensions, kind in tensors:
        count = 1
        for size in dimensions:
            count *= size
        head += text(name) + struct.pack("<I", len(dimensions))
        head += struct.pack(f"<{len(dimensions)}Q", *dimensions) + struct.pack("<IQ", kind, offset)
        sizes.append(count * (4 if kind == F32 else 2))
        offset += padded(sizes[-1])
    numbers = random.Random(1)
    drawn = [numbers.gauss(0.0, 0.02) for _ in range(STRETCH)]
    stretches = {F16: struct.pack(f"<{STRETCH}e", *drawn), F32: struct.pack(f"<{STRETCH}f", *drawn)}
    with open(path, "wb") as file:
        file.write(head.ljust(padded(len(head)), b"\0"))
        for (_, _, kind), size in zip(tensors, sizes):
            stretch = stretches[kind]
            for _ in range(size // len(stretch)):
                file.write(stretch)
            file.write(stretch[:size % len(stretch)])
            file.write(b"\0" * (padded(size) - size))


def write_header_of(path, tensors):
    """So many tensors of one block each; their data are a hole."""
    head = [b"GGUF" + struct.pack("<IQQ", 3, tensors, 1), text("general.architecture"), value_of("llama")]
    for index in range(tensors):
        head.append(text(f"blk.{index // 64}.part.{index % 64}.weight"))
        head.append(struct.pack("<IQQIQ", 2, 32, 1, F32, index * 128))
    head = b"".join(head)
    with open(path, "wb") as file:
        file.write(head.ljust(padded(len(head)), b"\0"))
        file.truncate(padded(len(head)) + tensors * 128)
