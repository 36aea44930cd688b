"""Loads of mixtures of experts: merged, and quantized on the way, against the floor and the bound.

The checkpoint is qwen3-30b-a3b with three layers of 128 experts (4.98 GB of bf16). What is looked at:

  merged     load --to keep --layout transformers, against its floor
  quantized  load --to nf4 and fp8-block, experts by themselves and merged, each against its floor
  memory     RssAnon of the same loads: final bytes and slots for the first, for the others final bytes,
             one expert a slot and 32 MiB
  smallest   mixtral-8x7b, two layers, with the smallest load line that plan names as the budget: it
             runs, and its trace shows one full-precision tensor at a time
  plan       qwen3-30b-a3b in full and DeepSeek-V3's 91,991 tensors, headers only
"""

import json
import os
import pathlib
import re
import struct

from measuring import MEBIBYTE, Failure, in_turns, run, run_json, run_sampled, warm, weight_files
from sparse_checkpoints import write_deepseek_v3

MERGED = "keep, merged"
TARGETS = {
    MERGED: (["--to", "keep", "--layout", "transformers"], None),
    "nf4": (["--to", "nf4"], 2.2),
    "nf4, merged": (["--to", "nf4", "--layout", "transformers"], 2.2),
    "fp8-block": (["--to", "fp8-block"], 2.2),
    "fp8-block, merged": (["--to", "fp8-block", "--layout", "transformers"], 2.2),
}
SMALLEST = (MERGED, "nf4", "nf4, merged", "fp8-block, merged")
EXPERT = re.compile(r"\.experts\.\d+\.")


def largest_expert_bytes(files):
    largest = 0
    for path in files:
        with open(path, "rb") as file:
            length, = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        for name, entry in header.items():
            if EXPERT.search(name):
                begin, end = entry["data_offsets"]
                largest = max(largest, end - begin)
    return largest


class Experts:
    def __init__(self, options, work, table):
        self.options = options
        self.work = work
        self.table = table
        self.loads = {}
        self.checkpoint = pathlib.Path(options.experts_checkpoint or work / "qwen3-30b-a3b-3-layers")

    def synth(self, directory, shape, *more):
        if not directory.exists():
            run([self.options.binary, "synth", shape, str(directory), *more])

    def load_command(self, checkpoint, target, *more):
        return [self.options.binary, "load", str(checkpoint), *TARGETS[target][0], "--json",
                "--no-progress", "--threads", str(self.options.threads), *more]

    def floor_command(self, files, final_bytes):
        return [self.options.floor, *files, "--final-bytes", str(final_bytes), "--threads",
                str(self.options.threads)]

    def measure(self):
        self.synth(self.checkpoint, "qwen3-30b-a3b", "--layers", "3")
        files = weight_files(self.checkpoint)
        warm(files)
        self.measure_loads(files)
        self.measure_smallest_lines()
        self.measure_plans()

    def measure_loads(self, files):
        """As in loads.py: a sampled load of each that is not timed, then floors and loads in turn."""
        reports, floors, loads = {}, {}, {}
        for target in TARGETS:
            try:
                reports[target], peak = run_sampled(self.load_command(self.checkpoint, target))
            except Failure as failure:
                self.table.failure(f"experts: load --to {target}", failure)
                continue
            reports[target]["anonymous_bytes"] = peak
        most = max((report["final_bytes"] for report in reports.values()), default=0)
        for target, report in reports.items():
            floor = self.floor_command(files, report["final_bytes"])
            load = self.load_command(self.checkpoint, target)
            results = in_turns(self.options.repeats, {
                "floor": lambda floor=floor: run_json(floor)["seconds"],
                "load": lambda load=load: run_json(load)["seconds"],
            }, prime=lambda: run(self.floor_command(files, most)))
            floors[target], loads[target] = results["floor"], results["load"]
        self.report_loads(files, reports, floors, loads)

    def report_loads(self, files, reports, floors, loads):
        read_bytes = sum(os.path.getsize(path) for path in files)
        expert = largest_expert_bytes(files)
        for target, report in reports.items():
            floor, self.loads[target] = min(floors[target]), min(loads[target])
            self.table.times(f"experts: floor of {target}", floors[target],
                             note=f" ({read_bytes / floor / 1e9:.1f} GB/s)")
            self.table.times(f"experts: load --to {target}", loads[target], ("its floor", floor),
                             TARGETS[target][1], note=f" ({read_bytes / self.loads[target] / 1e9:.1f} GB/s)",
                             in_place=target == MERGED)
        for target, report in reports.items():
            if target == MERGED:
                name, slots = "final bytes + slots + 32 MiB", report["slots"] * report["slot_bytes"]
            else:
                name, slots = "final bytes + an expert a slot + 32 MiB", report["slots"] * expert
            self.table.memory(f"experts: RssAnon of load --to {target}", report["anonymous_bytes"], name,
                              report["final_bytes"] + slots + 32 * MEBIBYTE)

    def measure_smallest_lines(self):
        checkpoint = self.work / "mixtral-8x7b-2-layers"
        self.synth(checkpoint, "mixtral-8x7b", "--layers", "2")
        for target in SMALLEST:
            name = f"mixtral-8x7b, 2 layers, --to {target} in the smallest line"
            try:
                self.measure_smallest_line(checkpoint, target, name)
            except Failure as failure:
                self.table.failure(name, failure)

    def measure_smallest_line(self, checkpoint, target, name):
        plan = [self.options.binary, "plan", str(checkpoint), *TARGETS[target][0], "--json"]
        budget = run_json(plan)["smallest_load_line_bytes"]
        trace = self.work / "smallest.trace"
        trace.unlink(missing_ok=True)
        report = run_json(self.load_command(checkpoint, target, "--budget", str(budget), "--trace", str(trace)))
        seen = run_json([self.options.binary, "trace", str(trace), "--json"])
        if not seen["complete"] or seen["violations"]:
            raise Failure(f"the trace is not whole or breaks rules: {seen['violations'][:1]}")
        if max(device["peak_credits"] for device in seen["devices"]) > 1:
            raise Failure("more than one full-precision tensor at a time")
        self.table.memory(name, report["peak_bytes"], "budget", budget)

    def measure_plans(self):
        qwen, deepseek = self.work / "qwen3-30b-a3b", self.work / "deepseek-v3"
        self.synth(qwen, "qwen3-30b-a3b", "--sparse")
        write_deepseek_v3(deepseek)
        for name, checkpoint, limit in (("qwen3-30b-a3b", qwen, 0.100), ("DeepSeek-V3", deepseek, 0.600)):
            for layout in ("hub", "transformers"):
                command = [self.options.binary, "plan", str(checkpoint), "--to", "keep", "--layout", layout]
                title = f"plan of {name}, layout {layout}"
                try:
                    run(command)
                    seconds = [run(command)[1] for _ in range(max(5, self.options.repeats))]
                    self.table.times(title, seconds, limit=limit)
                except Failure as failure:
                    self.table.failure(title, failure)

    def measure_peers(self, peer_command):
        """`peer_command(checkpoint, target)`: a command that prints JSON with seconds."""
        self.synth(self.checkpoint, "qwen3-30b-a3b", "--layers", "3")
        for target, ours in (("bf16", MERGED), ("nf4", "nf4, merged")):
            name = f"experts: transformers, {target}"
            try:
                report, peak = run_sampled(peer_command(self.checkpoint, target))
            except Failure as failure:
                self.table.failure(name, failure)
                continue
            against = (f"load --to {ours}", self.loads[ours]) if ours in self.loads else None
            self.table.times(name, [report["seconds"]], against,
                             note=f" (RssAnon {peak / MEBIBYTE:.0f} MiB)")
