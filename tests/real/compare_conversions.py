#!/usr/bin/env python3
"""Holds --layout transformers and --layout hub to what the transformers library makes of a checkpoint.

For every model type with a mixture of experts (--all: for every class that has conversion rules) the
library makes a tiny checkpoint in the layout of the hub and loads it; its state dict is the truth.
The command converts the same checkpoint, without and with --expect, and back:

    quantize CKPT -o OUT --to keep --layout transformers                   names, shapes, dtypes, bytes
    quantize CKPT -o OUT --to keep --layout transformers --expect FILE     and missing, unexpected, mismatched
    quantize OUT -o BACK --to keep --layout hub                            the checkpoint again

    compare_conversions.py --command build/bin/plimsoll --work DIRECTORY [--all] [TYPE or CLASS...]

What the library made stays in DIRECTORY for the next run. Prints a line a case and a table at the end.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import shutil
import struct
import subprocess
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "tests/golden/rules/conversion_table.json"
SECONDS_TO_MAKE, SECONDS_TO_CONVERT = 120, 60
HEADS = ("ForConditionalGeneration", "ForCausalLM", "_V3", "Model")


def classes_of_table(experts_only):
    """(type, class) of all classes with rules, or the largest class of each type with experts."""
    table = json.loads(TABLE.read_text())
    rules = {**table["rules"], **{a: table["rules"][k] for a, k in table["aliases"].items()}}
    experts = {key for key, lists in rules.items() if any("expert" in p for r in lists for p in r.get("to", []))}
    found = {name: facts for name, facts in table["architectures"].items() if facts.get("rules")}
    if not experts_only:
        return sorted((facts["type"], name) for name, facts in found.items())
    by_type = {}
    for name, facts in found.items():
        if any(key in experts for key, _ in facts["rules"]):
            by_type.setdefault(facts["type"], []).append(name)
    rank = {name: [name.endswith(head) for head in HEADS].index(True) if name.endswith(HEADS) else 9
            for names in by_type.values() for name in names}
    return sorted((kind, min(names, key=rank.get)) for kind, names in by_type.items())


def run_limited(function, arguments, seconds):
    """Runs the function in a process of its own. None if it ended in time, else why not."""
    process = multiprocessing.get_context("fork").Process(target=function, args=arguments)
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
        return f"the library took more than {seconds} s"
    return None if process.exitcode == 0 else f"the library ended with {process.exitcode}"


def facts_of_case(name, dtype, kind, directory):
    """case.json, made by the library if it is not there yet."""
    path = directory / "case.json"
    if not path.exists():
        import library_truth  # takes seconds, and is not needed where everything was made before
        late = run_limited(library_truth.make_quietly, (name, dtype, kind, directory), SECONDS_TO_MAKE)
        if late:
            path.write_text(json.dumps({"class": name, "error": late}))
    return json.loads(path.read_text())


def tensors_of(directory):
    """Name -> (dtype, shape, bytes) of all safetensors files below a directory, or of one file."""
    files = [directory] if directory.is_file() else sorted(directory.glob("*.safetensors"))
    tensors = {}
    for file in files:
        data = file.read_bytes()
        length, = struct.unpack_from("<Q", data)
        for name, entry in json.loads(data[8:8 + length]).items():
            if name != "__metadata__":
                begin, end = (8 + length + offset for offset in entry["data_offsets"])
                tensors[name] = (entry["dtype"], tuple(entry["shape"]), data[begin:end])
    return tensors


def differences(ours, theirs, aside):
    """What is not as it should be, a line a name; `aside`: names that may be there or not."""
    faults = [f"{n}: missing" for n in theirs if n not in ours and n not in aside]
    faults += [f"{n}: too many" for n in ours if n not in theirs and n not in aside]
    for name in (theirs.keys() & ours.keys()) - aside:
        for what, left, right in zip(("dtype", "shape"), ours[name], theirs[name]):
            if left != right:
                faults.append(f"{name}: {what} is {left}, not {right}")
                break
        else:
            if ours[name][2] != theirs[name][2]:
                faults.append(f"{name}: other bytes")
    return sorted(faults)


def with_first_names(tensors, tied):
    """Tensors under the name that the truth has for them, where only another one of a tied group is there."""
    out = dict(tensors)
    for alias, first in tied.items():
        if first not in out and alias in out:
            out[first] = out[alias]
    return out


class Command:
    def __init__(self, binary):
        self.binary = binary

    def convert(self, source, out, layout, *more):
        """(report, None) or (None, what went wrong)."""
        shutil.rmtree(out, ignore_errors=True)
        command = [self.binary, "quantize", str(source), "-o", str(out), "--to", "keep", "--layout", layout,
                   "--json", "--no-progress", *more]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_TO_CONVERT,
                                  check=False)
        except subprocess.TimeoutExpired:
            return None, f"took more than {SECONDS_TO_CONVERT} s"
        if done.returncode != 0:
            return None, done.stderr.strip()[-400:] or f"exit code {done.returncode}"
        return json.loads(done.stdout), None


def report_faults(report, facts):
    faults = []
    for kind in ("missing", "unexpected", "mismatched"):
        ours = {entry if isinstance(entry, str) else entry["name"] for entry in report["report"][kind]}
        theirs = set(facts[kind])
        faults += [f"{n}: not reported as {kind}" for n in sorted(theirs - ours)]
        faults += [f"{n}: reported as {kind}" for n in sorted(ours - theirs)]
    return faults


def compare_case(command, facts, directory):
    """{step: list of faults}."""
    out = directory / "out"
    truth, tied = tensors_of(directory / "truth.safetensors"), facts["tied"]
    defects = set(facts["missing"]) | set(facts["mismatched"])
    # What the library itself changes on loading (a padding row set to zero) is no conversion.
    odd = {fault.split(": ")[0] for fault in facts["own_faults"]}
    steps = {}
    for step, more in (("by the rules", []), ("with --expect", ["--expect", str(directory / "expect.json")])):
        report, failure = command.convert(directory / "hub", out, "transformers", *more)
        if failure:
            steps[step] = [failure]
            continue
        # Without the model's names a tensor of no use or of a wrong shape cannot be known as such.
        aside = set(tied) | odd if more else set(tied) | odd | defects | set(facts["unexpected"])
        steps[step] = differences(with_first_names(tensors_of(out), tied), truth, aside)
        if more:
            steps[step] += report_faults(report, facts)
    if not defects and not facts["own_faults"]:
        _, failure = command.convert(out, directory / "out-hub", "hub") if out.exists() else (0, "nothing to read")
        steps["back"] = [failure] if failure else differences(
            tensors_of(directory / "out-hub"), tensors_of(directory / "back/model.safetensors"), set(tied))
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(directory / "out-hub", ignore_errors=True)
    return steps


def summed_up(row, steps):
    """What a cell says of some steps of a case; nothing if it was not compared."""
    if row is None or "steps" not in row:
        return ""
    faults = sum((row["steps"].get(step, []) for step in steps), [])
    if faults:
        return f"{len(faults)} differ"
    return "ok" if any(step in row["steps"] for step in steps) else ""


STEPS = ("by the rules", "with --expect", "back")


def in_table(rows):
    """A row a class and dtype: the steps of the plain case, and the other kinds summed up."""
    lines = ["| type | class | checkpoint | model | by the rules | with --expect | back | prefix | defects |",
             "|---|---|---|---|---|---|---|---|---|"]
    found = {}
    for row in rows:
        found.setdefault((row["type"], row["class"], row["dtype"]), {})[row["kind"]] = row
    for (model_type, name, dtype), kinds in found.items():
        first = kinds.get("plain") or next(iter(kinds.values()))
        facts, title = first["facts"], name if dtype == "bf16" else f"{name}, {dtype}"
        if "error" in facts:
            reason = facts["error"].replace("|", "/")[:120]
            lines.append(f"| {model_type} | {title} | | | not built: {reason} | | | | |")
            continue
        cells = [summed_up(kinds.get("plain"), [step]) for step in STEPS]
        cells += [summed_up(kinds.get(kind), STEPS) for kind in ("prefix", "defects")]
        sizes = [str(facts["hub"]), str(facts["model"])]
        lines.append("| " + " | ".join([model_type, title, *sizes, *cells]) + " |")
    return "\n".join(lines)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", metavar="TYPE or CLASS")
    parser.add_argument("--command", help="the plimsoll command; without it the library alone is checked")
    parser.add_argument("--work", required=True, help="where the checkpoints are kept")
    parser.add_argument("--all", action="store_true", help="all classes with rules")
    parser.add_argument("--dtypes", nargs="+", choices=("bf16", "f32", "f16"), default=["bf16"])
    parser.add_argument("--kinds", nargs="+", choices=("plain", "prefix", "defects"), default=["plain", "prefix", "defects"])
    parser.add_argument("--verbose", action="store_true", help="all differences, not the first five")
    parser.add_argument("--write", metavar="FILE", help="put the table into FILE, between its marks")
    return parser.parse_args()


def cases(options):
    for kind_of_model, name in classes_of_table(not options.all):
        if options.only and not {kind_of_model, name} & set(options.only):
            continue
        for dtype in options.dtypes:
            for kind in options.kinds:
                yield kind_of_model, name, dtype, kind


def main():
    options = parse_arguments()
    command = Command(options.command) if options.command else None
    rows, failed = [], 0
    for model_type, name, dtype, kind in cases(options):
        directory = pathlib.Path(options.work) / dtype / kind / name
        facts = facts_of_case(name, dtype, kind, directory)
        if "skipped" in facts:
            continue
        row = {"type": model_type, "class": name, "kind": kind, "dtype": dtype, "facts": facts}
        own = facts.get("own_faults", [])
        steps = {"the library itself": own} if own else {}
        if command and "error" not in facts:
            row["steps"] = compare_case(command, facts, directory)
            steps.update(row["steps"])
            failed += any(row["steps"].values())
        rows.append(row)
        bad = {step: faults for step, faults in steps.items() if faults}
        what = facts.get("error") and "not built: " + facts["error"]
        print(f"{model_type:28} {name:44} {kind + ', ' + dtype:13} {what or ('differs' if bad else 'ok')}", flush=True)
        for step, faults in bad.items():
            for fault in faults if options.verbose else faults[:5]:
                print(f"    {step}: {fault}", flush=True)
            if len(faults) > 5 and not options.verbose:
                print(f"    {step}: and {len(faults) - 5} more", flush=True)
    table = in_table(rows)
    print("\n" + table)
    built = [row for row in rows if "error" not in row["facts"]]
    print(f"\n{len(rows)} cases, {len(built)} built, {failed} with differences")
    if options.write:
        write_table(pathlib.Path(options.write), table)
    return 1 if failed else 0


BEGIN, END = "<!-- begin compare_conversions.py -->", "<!-- end compare_conversions.py -->"


def write_table(path, table):
    text = path.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}")


if __name__ == "__main__":
    sys.exit(main())
