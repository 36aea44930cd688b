"""GGUF models: decoded in memory, quantized into a file, opened.

  decode     load of a Q4_K model to bf16 (0.87 GB become 3.09 GB), against its floor; its RssAnon
  quantize   F16 (1.8 GB) -> Q4_K_M, against llama-quantize where --llama-quantize names the program,
             with two threads each, in turns; all bytes of the two files compared; RssAnon
  open       inspect of a header of 100,000 tensors
"""

import filecmp
import os

from gguf_models import DENSE, LARGE, write_header_of, write_model
from measuring import MEBIBYTE, Failure, in_turns, run, run_json, run_sampled, warm


class Gguf:
    def __init__(self, options, work, table):
        self.options = options
        self.work = work
        self.table = table

    def measure(self):
        for part in (self.measure_decode, self.measure_quantize, self.measure_open):
            try:
                part()
            except Failure as failure:
                self.table.failure(f"gguf: {part.__name__}", failure)

    def model(self, name, shape):
        path = self.work / name
        if not path.exists():
            write_model(path, shape)
        return path

    def quantize_command(self, source, result, to, *more):
        return [self.options.binary, "quantize", str(source), "-o", str(result), "--to", to, "--force",
                "--json", "--no-progress", "--threads", str(self.options.threads), *more]

    def measure_decode(self):
        blocks = self.work / "large-q4_k.gguf"
        if not blocks.exists():
            run(self.quantize_command(self.model("large-f16.gguf", LARGE), blocks, "Q4_K_S", "--pure"))
        load = [self.options.binary, "load", str(blocks), "--to", "bf16", "--layout", "gguf", "--json",
                "--no-progress", "--threads", str(self.options.threads)]
        warm([blocks])
        report, anonymous = run_sampled(load)
        floor = [self.options.floor, str(blocks), "--final-bytes", str(report["final_bytes"]), "--threads",
                 str(self.options.threads)]
        results = in_turns(self.options.repeats, {
            "floor": lambda: run_json(floor)["seconds"],
            "load": lambda: run_json(load)["seconds"],
        }, prime=lambda: run(floor))
        self.table.times("gguf: floor of Q4_K -> bf16", results["floor"])
        self.table.times("gguf: load Q4_K --to bf16", results["load"], ("its floor", min(results["floor"])), 1.7)
        self.table.memory("gguf: RssAnon of load Q4_K --to bf16", anonymous, "final bytes + 64 MiB",
                          report["final_bytes"] + 64 * MEBIBYTE)

    def measure_quantize(self):
        source = self.model("dense-f16.gguf", DENSE)
        warm([source])
        ours, theirs = self.work / "ours.gguf", self.work / "theirs.gguf"
        command = self.quantize_command(source, ours, "Q4_K_M")
        _, anonymous = run_sampled(command)
        self.table.memory("gguf: RssAnon of F16 -> Q4_K_M", anonymous, "256 MiB", 256 * MEBIBYTE)
        ways = {"ours": lambda: run(command)[1]}
        if self.options.llama_quantize:
            peer = [self.options.llama_quantize, str(source), str(theirs), "Q4_K_M", str(self.options.threads)]
            ways["theirs"] = lambda: run(peer)[1]
        results = in_turns(self.options.repeats, ways, prime=lambda: None)
        if "theirs" not in results:
            self.table.times("gguf: F16 -> Q4_K_M", results["ours"])
            return
        self.table.times("gguf: llama-quantize F16 -> Q4_K_M", results["theirs"])
        self.table.times("gguf: F16 -> Q4_K_M", results["ours"], ("llama-quantize", min(results["theirs"])), 0.3)
        if not filecmp.cmp(ours, theirs, shallow=False):
            raise Failure("the two files differ")

    def measure_open(self):
        header = self.work / "100000-tensors.gguf"
        if not header.exists():
            write_header_of(header, 100_000)
        command = [self.options.binary, "plan", str(header), "--to", "keep", "--layout", "gguf"]
        self.table.times("gguf: plan of 100,000 tensors", [run(command)[1] for _ in range(5)], limit=0.3,
                         note=f" ({os.path.getsize(header) / 1e6:.0f} MB)")
