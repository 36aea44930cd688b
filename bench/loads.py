#!/usr/bin/env python3
"""How far above the floor are loads, and do they keep to their load line?

Everything runs on one machine, side by side and interleaved, with the page cache warm:

  floor     reading the same bytes and writing the final ones, no work (bench/floor.cpp)
  load      plimsoll load --to nf4, bf16 and keep, each against its floor
  memory    RssAnon of the same loads, sampled, against the load line
  plan      plimsoll plan of 1,000 shards of 20 tensors, from process start
  quantize  plimsoll quantize to disk, against dd of the same bytes with fsync
  peers     transformers with bitsandbytes, where --venv names an environment that has them

Prints a markdown table; --write also puts it into docs/benchmarks.md. Needs only the standard
library of Python 3.9.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

PEER_PROGRAM = """
import json, sys, time, torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
torch.set_num_threads(int(sys.argv[3]))
settings = {"torch_dtype": torch.bfloat16, "device_map": "cpu"}
if sys.argv[2] == "nf4":
    settings["quantization_config"] = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
start = time.perf_counter()
AutoModelForCausalLM.from_pretrained(sys.argv[1], **settings)
print(json.dumps({"seconds": time.perf_counter() - start}))
"""

MEBIBYTE = 1 << 20
FLOOR_HEAD = "| measured | best | median | worst | against | ratio | target | kept |"
BEGIN, END = "<!-- begin bench/loads.py -->", "<!-- end bench/loads.py -->"


class Failure(Exception):
    pass


def run(command):
    """Runs a command to its end; returns its stdout and the seconds from start to end."""
    start = time.perf_counter()
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    except OSError as error:
        raise Failure(str(error)) from error
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise Failure(f"{command[0]} {command[1]}: {lines[-1] if lines else done.returncode}")
    return done.stdout, seconds


def parsed(text, command):
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failure(f"{command[0]} {command[1]}: no JSON: {error}") from error


def run_json(command):
    return parsed(run(command)[0], command)


def anonymous_bytes(pid):
    """RssAnon of a process now; 0 once it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def run_sampled(command):
    """Like run_json, and the highest RssAnon that was seen, looking every millisecond."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(command, stdout=out, stderr=err)
        except OSError as error:
            raise Failure(str(error)) from error
        peak = 0
        while process.poll() is None:
            peak = max(peak, anonymous_bytes(process.pid))
            time.sleep(0.001)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            lines = err.read().decode(errors="replace").strip().splitlines()
            raise Failure(f"{command[0]} {command[1]}: {lines[-1] if lines else process.returncode}")
        return parsed(out.read(), command), peak


def weight_files(directory):
    return sorted(str(path) for path in pathlib.Path(directory).glob("*.safetensors"))


def warm(files):
    for path in files:
        with open(path, "rb", buffering=0) as file:
            while file.read(MEBIBYTE):
                pass


def write_many_shards(directory, shards=1000, tensors=20):
    """A checkpoint for planning: Llama names, real matrices' shapes, all data one hole."""
    directory.mkdir()
    modules = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
               "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    weight_map = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        entries, end = {}, 0
        for i in range(tensors):
            layer, module = divmod(shard * tensors + i, len(modules))
            tensor = f"model.layers.{layer}.{modules[module]}.weight"
            entries[tensor] = {"dtype": "BF16", "shape": [1024, 1024],
                               "data_offsets": [end, end + 2 * MEBIBYTE]}
            end += 2 * MEBIBYTE
            weight_map[tensor] = name
        header = {"__metadata__": {"format": "pt"}, **entries}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(directory / name, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + end)
    index = {"metadata": {"total_size": shards * tensors * 2 * MEBIBYTE}, "weight_map": weight_map}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    layers = -(-shards * tensors // len(modules))
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 1024,
              "intermediate_size": 1024, "num_attention_heads": 16, "num_key_value_heads": 16,
              "num_hidden_layers": layers, "vocab_size": 32000, "tie_word_embeddings": False,
              "torch_dtype": "bfloat16"}
    (directory / "config.json").write_text(json.dumps(config, indent=2))


class Table:
    """The rows of the report: each a list of seconds, what it is held against, and the target."""

    def __init__(self):
        self.rows = []
        self.missed = 0

    def times(self, name, seconds, against=None, target=None, limit=None, note=""):
        """`against`: (name, seconds) of the other side; `limit`: seconds instead of a ratio."""
        best = min(seconds)
        ratio, wanted, kept = "", "", ""
        if against:
            figure = best / against[1]
            ratio = f"{figure:.2f}"
            if target:
                wanted, kept = f"<= {target}", self.verdict(figure <= target)
        elif limit:
            wanted, kept = f"< {limit:.3f} s", self.verdict(best < limit)
        self.rows.append([name + note, f"{best:.3f} s", f"{statistics.median(seconds):.3f} s",
                          f"{max(seconds):.3f} s", against[0] if against else "", ratio, wanted,
                          kept])

    def memory(self, name, peak, limit_name, limit):
        self.rows.append([name, f"{peak / MEBIBYTE:.1f} MiB", "", "", limit_name,
                          f"{peak / limit:.3f}", f"<= {limit / MEBIBYTE:.1f} MiB",
                          self.verdict(peak <= limit)])

    def failure(self, name, why):
        self.rows.append([name, "failed", "", "", str(why).replace("|", "/")[:160], "", "",
                          self.verdict(False)])

    def verdict(self, kept):
        self.missed += 0 if kept else 1
        return "yes" if kept else "no"

    def markdown(self):
        lines = [FLOOR_HEAD, "|---|---|---|---|---|---|---|---|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in self.rows])


class Bench:
    def __init__(self, options, work):
        self.options = options
        self.work = work
        self.files = weight_files(options.checkpoint)
        if not self.files:
            raise Failure(f"{options.checkpoint}: no .safetensors files")
        self.table = Table()
        self.loads = {}
        self.floors = {}

    def load_command(self, target):
        return [self.options.binary, "load", self.options.checkpoint, "--to", target, "--json",
                "--no-progress", "--threads", str(self.options.threads)]

    def floor_seconds(self, final_bytes):
        return run_json([self.options.floor, *self.files, "--final-bytes", str(final_bytes),
                         "--threads", str(self.options.threads)])

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
        floors = {target: [] for target in reports}
        loads = {target: [] for target in reports}
        walls = {target: [] for target in reports}
        for _ in range(self.options.repeats):
            for target, report in reports.items():
                floors[target].append(self.floor_seconds(report["final_bytes"])["seconds"])
                out, wall = run(self.load_command(target))
                loads[target].append(parsed(out, self.load_command(target))["seconds"])
                walls[target].append(wall)
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
                             targets[target], note=f" ({speed:.1f} GB/s)")
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
        python = str(pathlib.Path(self.options.venv) / "bin" / "python")
        for target in ("bf16", "nf4"):
            name = f"transformers, {target}"
            command = [python, "-c", PEER_PROGRAM, self.options.checkpoint, target,
                       str(self.options.threads)]
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
    parser.add_argument("--work", help="where temporary checkpoints go; on the disk to be measured")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("load", "plan", "quantize", "peers"), action="append")
    parser.add_argument("--venv", help="an environment with transformers and bitsandbytes")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    options.root = root
    options.floor = options.floor or str(pathlib.Path(options.binary).parent / "plimsoll_floor")
    return options


def measure(options, work):
    if not options.checkpoint:
        options.checkpoint = str(work / "qwen2.5-1.5b")
        run([options.binary, "synth", "qwen2.5-1.5b", options.checkpoint])
    shape = options.checkpoint_name or pathlib.Path(options.checkpoint).name
    bench = Bench(options, work)
    warm(bench.files)
    wanted = options.only or ["load", "plan", "quantize", "peers"]
    if "load" in wanted:
        bench.measure_loads()
    if "plan" in wanted:
        bench.measure_plan()
    if "quantize" in wanted:
        bench.measure_quantize()
    if "peers" in wanted and options.venv:
        bench.measure_peers()
    gigabytes = sum(os.path.getsize(path) for path in bench.files) / 1e9
    head = (f"{datetime.date.today().isoformat()}, {machine()}. {options.threads} threads, page cache "
            f"warm, best of {options.repeats}; {shape}, {gigabytes:.2f} GB of weights.")
    section = head + "\n\n" + bench.table.markdown()
    print(section)
    if options.write:
        put_into(options.root / "docs/benchmarks.md", section)
    return 1 if bench.table.missed else 0


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
