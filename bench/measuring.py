"""How the benchmarks run commands, watch their memory and put figures into a table.

A command that fails raises Failure with the last line that it wrote. Memory is RssAnon, sampled: what
a process holds that is not a page of a file.
"""

import json
import pathlib
import statistics
import subprocess
import tempfile
import time

MEBIBYTE = 1 << 20
FLOOR_HEAD = "| measured | best | median | worst | against | ratio | target | kept |"


# Less than a floor cannot be: where a load is this far below it, the floor was measured wrong.
LEAST_RATIO_TO_FLOOR = 0.85


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


class Table:
    """The rows of the report: each a list of seconds, what it is held against, and the target."""

    def __init__(self):
        self.rows = []
        self.missed = 0

    def times(self, name, seconds, against=None, target=None, limit=None, note="", in_place=False):
        """`against`: (name, seconds) of the other side; `limit`: seconds instead of a ratio;
        `in_place`: bytes are read to where they stay, in one pass where the floor makes two."""
        best = min(seconds)
        ratio, wanted, kept = "", "", ""
        if against:
            figure = best / against[1]
            ratio = f"{figure:.2f}"
            if target:
                wanted, kept = f"<= {target}", self.verdict(figure <= target)
            if against[0] == "its floor" and figure < LEAST_RATIO_TO_FLOOR and not in_place:
                self.missed += kept != "no"
                kept = "no: below its floor"
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


def in_turns(count, measurements, prime):
    """Runs all measurements `count` times, each time another one first; {name: results}.

    `prime` runs, untimed, before each. A virtual machine may give memory that lies idle back to its
    host, and who touches it next pays for it: without this that is whoever comes first.
    """
    results = {name: [] for name in measurements}
    names = list(measurements)
    for turn in range(count):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            prime()
            results[name].append(measurements[name]())
    return results
