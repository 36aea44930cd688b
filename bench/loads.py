#!/usr/bin/env python3
"""How far above the floor are loads, and do they keep to their load line?

Everything runs on one machine, side by side and interleaved, with the page cache warm:

  floor     reading the same bytes and writing the final ones, no work (bench/floor.cpp)
  load      plimsoll load --to nf4, bf16 and keep, each against its floor
  memory    RssAnon of the same loads, sampled, against the load line
  plan      plimsoll plan of 1,000 shards of 20 tensors, from process start
  quantize  plimsoll quantize to disk, against dd of the same bytes with fsync
  experts   the same questions for a mixture of experts (bench/experts.py); only if asked for
  gguf      GGUF models (bench/gguf.py); only if asked for
  peers     transformers with bitsandbytes, where --venv names an environment that has them

Prints a markdown table; --write also puts it into docs/benchmarks.md. Needs only the standard
library of Python 3.9.
"""

import argparse
import datetime
import os
import pathlib
import platform
import shutil
import sys
import tempfile

from experts import Experts
from gguf import Gguf
from measuring import (MEBIBYTE, Failure, Table, in_turns, parsed, run, run_json, run_sampled, warm,
                       weight_files)
from sparse_checkpoints import write_many_shards

BEGIN, END = "<!-- begin bench/loads.py -->", "<!-- end bench/loads.py -->"


def peer_command(options, checkpoint, target):
    python = pathlib.Path(options.venv) / "bin/python"
    program = pathlib.Path(__file__).resolve().parent / "peers.py"
    return [str(python), str(program), str(checkpoint), "--to", target, "--threads",
            str(options.threads)]


class Bench:
    def __init__(self, options, work, table):
        self.options = options
        self.work = work
        self.files = weight_files(options.checkpoint)
        if not self.files:
            raise Failure(f"{options.checkpoint}: no .safetensors files")
        self.table = table
        self.loads = {}
        self.floors = {}

    def load_command(self, target):
        return [self.options.binary, "load", self.options.checkpoint, "--to", target, "--json",
                "--no-progress", "--threads", str(self.options.threads)]

    def floor_seconds(self, final_bytes):
        return run_json([self.options.floor, *self.files, "--final-bytes", str(final_bytes),
                         "--threads", str(self.options.threads)])

    def timed_load(self, target):
        """Seconds that the load itself says it took, and those of the whole process."""
        out, wall = run(self.load_command(target))
        return parsed(out, self.load_command(target))["seconds"], wall

    def measure_loads(self):
        """Floors and loads in turn. The first, sampled load also warms up memory."""
        reports = {}
        for target in ("nf4", "bf16", "keep"):
            try:
                reports[target], peak = run_sampled(self.load_command(target))
            except Failure as failure:
                self.table.failure(f"load --to {target}", failure)
                continue
            reports[target]["anonymous_bytes"] = peak
        floors, loads, walls = {}, {}, {}
        most = max((report["final_bytes"] for report in reports.values()), default=0)
        for target, report in reports.items():
            results = in_turns(self.options.repeats, {
                "floor": lambda report=report: self.floor_seconds(report["final_bytes"])["seconds"],
                "load": lambda target=target: self.timed_load(target),
            }, prime=lambda: self.floor_seconds(most))
            floors[target] = results["floor"]
            loads[target], walls[target] = zip(*results["load"])
        self.report_loads(reports, floors, loads, walls)

    def report_loads(self, reports, floors, loads, walls):
        read_bytes = sum(os.path.getsize(path) for path in self.files)
        targets = {"nf4": 2.0, "bf16": 1.3, "keep": 1.3}
        for target, report in reports.items():
            best = min(floors[target])
            self.loads[target], self.floors[target] = min(loads[target]), best
            self.table.times(f"floor of {target}", floors[target],
                             note=f" ({read_bytes / best / 1e9:.1f} GB/s)")
            speed = read_bytes / self.loads[target] / 1e9
            self.table.times(f"load --to {target}", loads[target], ("its floor", best),
                             targets[target], note=f" ({speed:.1f} GB/s)", in_place=target != "nf4")
            self.table.times(f"load --to {target}, whole process", walls[target],
                             ("its floor", best))
        for target, report in reports.items():
            line, final = report["load_line_bytes"], report["final_bytes"]
            self.table.memory(f"RssAnon of load --to {target}", report["anonymous_bytes"],
                              "load line + 32 MiB", line + 32 * MEBIBYTE)
            self.table.memory(f"load line of {target}", line, "final bytes + 64 MiB",
                              final + 64 * MEBIBYTE)

    def measure_plan(self):
        directory = self.work / "shards-1000"
        write_many_shards(directory)
        command = [self.options.binary, "plan", str(directory), "--to", "nf4"]
        try:
            run(command)
            seconds = [run(command)[1] for _ in range(max(5, self.options.repeats))]
            self.table.times("plan of 1,000 shards x 20 tensors", seconds, limit=0.150)
        except Failure as failure:
            self.table.failure("plan of 1,000 shards x 20 tensors", failure)
        shutil.rmtree(directory)

    def measure_quantize(self):
        out = self.work / "quantized"
        command = [self.options.binary, "quantize", self.options.checkpoint, "-o", str(out), "--to",
                   "nf4", "--json", "--no-progress", "--threads", str(self.options.threads)]
        quantized, copied = [], []
        try:
            for _ in range(max(2, self.options.repeats // 2)):
                os.sync()
                quantized.append(run(command)[1])
                os.sync()
                copied.append(self.copy_with_fsync(out))
                shutil.rmtree(out)
        except Failure as failure:
            self.table.failure("quantize --to nf4", failure)
            shutil.rmtree(out, ignore_errors=True)
            return
        self.table.times("dd conv=fsync of the same bytes", copied)
        slower = max(min(copied), self.loads.get("nf4", 0.0))
        which = "dd" if slower == min(copied) else "load --to nf4"
        self.table.times("quantize --to nf4 -o", quantized, (which, slower), 1.2)

    def copy_with_fsync(self, directory):
        files = weight_files(directory)
        warm(files)
        total = 0.0
        for path in files:
            copy = self.work / "copy"
            total += run(["dd", f"if={path}", f"of={copy}", "bs=1M", "conv=fsync"])[1]
            copy.unlink()
        return total

    def measure_peers(self):
        for target in ("bf16", "nf4"):
            name = f"transformers, {target}"
            command = peer_command(self.options, self.options.checkpoint, target)
            try:
                results = [run_sampled(command) for _ in range(self.options.repeats)]
            except Failure as failure:
                self.table.failure(name, failure)
                continue
            seconds = [report["seconds"] for report, _ in results]
            peak = min(peak for _, peak in results)
            against = ("load --to " + target, self.loads[target]) if target in self.loads else None
            self.table.times(name, seconds, against, note=f" (RssAnon {peak / MEBIBYTE:.0f} MiB)")


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return (f"{model}, {len(os.sched_getaffinity(0))} processors, {memory:.0f} GiB, "
            f"Linux {'.'.join(platform.release().split('.')[:2])}")


def put_into(path, section):
    """Replaces the section between the marks, or appends it."""
    text = path.read_text() if path.exists() else "# Benchmarks\n\n"
    section = f"{BEGIN}\n{section}\n{END}"
    if BEGIN in text and END in text:
        text = text[:text.index(BEGIN)] + section + text[text.index(END) + len(END):]
    else:
        text += section + "\n"
    path.write_text(text)


def parse_arguments():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(root / "build/bin/plimsoll"))
    parser.add_argument("--floor", help="default: plimsoll_floor beside the binary")
    parser.add_argument("--checkpoint", help="default: a synthetic qwen2.5-1.5b, made for the run")
    parser.add_argument("--experts-checkpoint", help="default: qwen3-30b-a3b with 3 layers, made for the run")
    parser.add_argument("--work", help="where temporary checkpoints go; on the disk to be measured")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("load", "plan", "quantize", "experts", "peers", "gguf"),
                        action="append", help="default: all but experts and gguf")
    parser.add_argument("--llama-quantize", help="llama.cpp's program, to be compared with")
    parser.add_argument("--venv", help="an environment with transformers and bitsandbytes")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    options.root = root
    options.floor = options.floor or str(pathlib.Path(options.binary).parent / "plimsoll_floor")
    return options


def measure_dense(options, work, table, wanted):
    """What is measured on a dense checkpoint. Returns the words that describe it."""
    if not options.checkpoint:
        options.checkpoint = str(work / "qwen2.5-1.5b")
        run([options.binary, "synth", "qwen2.5-1.5b", options.checkpoint])
    shape = options.checkpoint_name or pathlib.Path(options.checkpoint).name
    bench = Bench(options, work, table)
    warm(bench.files)
    if "load" in wanted:
        bench.measure_loads()
    if "plan" in wanted:
        bench.measure_plan()
    if "quantize" in wanted:
        bench.measure_quantize()
    if "peers" in wanted and options.venv:
        bench.measure_peers()
    gigabytes = sum(os.path.getsize(path) for path in bench.files) / 1e9
    return f"; {shape}, {gigabytes:.2f} GB of weights"


def measure_experts(options, work, table):
    experts = Experts(options, work, table)
    experts.measure()
    if options.venv:
        experts.measure_peers(lambda checkpoint, target: peer_command(options, checkpoint, target))


def measure(options, work):
    wanted = options.only or ["load", "plan", "quantize", "peers"]
    table, shape = Table(), ""
    if set(wanted) - {"experts", "gguf"}:
        shape = measure_dense(options, work, table, wanted)
    if "experts" in wanted:
        measure_experts(options, work, table)
    if "gguf" in wanted:
        Gguf(options, work, table).measure()
    head = (f"{datetime.date.today().isoformat()}, {machine()}. {options.threads} threads, page cache "
            f"warm, best of {options.repeats}{shape}.")
    section = head + "\n\n" + table.markdown()
    print(section)
    if options.write:
        put_into(options.root / "docs/benchmarks.md", section)
    return 1 if table.missed else 0


def main():
    options = parse_arguments()
    options.checkpoint_name = None if options.checkpoint else "synthetic qwen2.5-1.5b"
    with tempfile.TemporaryDirectory(prefix="plimsoll-bench-", dir=options.work) as work:
        try:
            return measure(options, pathlib.Path(work))
        except Failure as failure:
            print(f"loads.py: error: {failure}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
