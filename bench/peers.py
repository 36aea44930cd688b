#!/usr/bin/env python3
"""Loads a checkpoint as another library does, and prints what it took as one JSON object.

    VENV/bin/python peers.py CHECKPOINT --to bf16|nf4 [--threads 2]

transformers loads it into main memory: bf16 as it is, experts merged as the model wants them; nf4 with
bitsandbytes while loading. Importing the libraries is not part of the time. `seconds` is from_pretrained
alone, `peak_rss_bytes` the most that the process ever held, mapped pages of the files included;
`rss_before_bytes` is what it held before it began. `dtypes` counts the bytes of the result by dtype.
Needs transformers, and for nf4 bitsandbytes and accelerate (tests/real/make_venv.sh).
"""

import argparse
import collections
import json
import os
import resource
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def bytes_by_dtype(model):
    sizes = collections.Counter()
    for tensor in [*model.parameters(), *model.buffers()]:
        sizes[str(tensor.dtype).removeprefix("torch.")] += tensor.numel() * tensor.element_size()
    return dict(sizes)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--to", choices=("bf16", "nf4"), required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = {"dtype": torch.bfloat16, "device_map": "cpu"}
    if options.to == "nf4":
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    before = resident_bytes()
    start = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(options.checkpoint, **settings)
    seconds = time.perf_counter() - start
    print(json.dumps({
        "seconds": seconds, "rss_before_bytes": before,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "dtypes": bytes_by_dtype(model)}))


if __name__ == "__main__":
    main()
