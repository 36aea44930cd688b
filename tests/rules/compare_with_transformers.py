"""Compares the name mapping with the transformers library itself. Run by hand:

    python compare_with_transformers.py BUILD/bin/map_names [--models]

Needs transformers 5.23. For every class of the table with rules of its own, names are made up from
the rules' patterns and mapped by both, against a model that has a random half of the results. With
--models the mixture-of-experts models are built too (without memory for their weights), the library
says which names a published checkpoint of each has, and both map those.
"""
import json
import os
import random
import re
import subprocess
import sys

try:
    from re import _parser as sre_parse
except ImportError:
    import sre_parse

from transformers import conversion_mapping as library
from transformers.core_model_loading import (
    WeightConverter,
    WeightRenaming,
    dot_natural_key,
    rename_source_key,
    revert_weight_conversion,
)

TABLE = os.path.join(os.path.dirname(__file__), "../golden/rules/conversion_table.json")
WORDS = ["layers", "0", "3", "12", "model", "attn", "mlp", "weight", "x_1", "encoder", "blocks", "norm"]


def sample(parsed, rng):
    """Some text that a parsed pattern might match."""
    out = ""
    for op, arg in parsed:
        op = str(op)
        if op == "LITERAL":
            out += chr(arg)
        elif op == "NOT_LITERAL":
            out += "q"
        elif op == "ANY":
            out += rng.choice([".", ".", "a", "_", "7"])
        elif op == "IN":
            kind, value = arg[0][0], arg[0][1]
            kind = str(kind)
            if kind == "CATEGORY":
                out += rng.choice("0123456789") if "DIGIT" in str(value) else rng.choice("a.")
            elif kind == "RANGE":
                out += chr(rng.randint(*value))
            else:
                out += chr(value)
        elif op in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = arg
            for _ in range(rng.randint(low, min(int(high), low + 2))):
                out += sample(inner, rng)
        elif op == "SUBPATTERN":
            out += sample(arg[-1], rng)
        elif op == "BRANCH":
            out += sample(rng.choice(arg[1]), rng)
    return out


def made_up_names(transforms, base, scopes, rng, count):
    patterns = [p for t in transforms for p in t.source_patterns]
    names = set()
    for i in range(count):
        name = ""
        for _ in range(rng.choice([1, 1, 1, 2])):
            pattern = patterns[i % len(patterns)] if not name else rng.choice(patterns)
            text = sample(sre_parse.parse(pattern.replace("*.", r"(?:[0-9])\.")), rng)
            head = ".".join(rng.choices(WORDS, k=rng.choice([0, 0, 1, 2])))
            name += ("." if name and rng.random() < 0.7 else "") + (head + "." if head and rng.random() < 0.7 else head)
            name += text + rng.choice(["", "", "s", "weight", ".weight", "_scale_inv", ".bias"])
        prefix = rng.choice(["", base + ".", *(s + "." for s in scopes), *(base + "." + s + "." for s in scopes)])
        names.add(prefix + name)
        if rng.random() < 0.3:
            names.add(name.replace("0", "1"))
    return [n for n in sorted(names) if n.isascii() and "\n" not in n]


def mapped_by_library(names, mapping, base, model):
    """The loop of convert_and_load_state_dict_in_model, for names alone."""
    renamings = [t for t in mapping if isinstance(t, WeightRenaming)]
    converters = [t for t in mapping if isinstance(t, WeightConverter)]
    by_pattern = {p: c for c in converters for p in c.source_patterns}
    meta = {name: True for name in model}
    products, unexpected = {}, []
    for original in sorted(names, key=dot_natural_key):
        renamed, pattern = rename_source_key(original, renamings, converters, base, meta)
        if renamed not in meta and original in meta:
            renamed, pattern = rename_source_key(original, [], [], base_model_prefix=base, meta_state_dict=meta)
        if renamed in meta:
            if pattern is not None:
                converter, lists = products.setdefault(renamed, (by_pattern[pattern], {}))
                lists.setdefault(pattern, []).append(original)
            else:
                converter, lists = products.setdefault(renamed, (None, {original: []}))
                lists.setdefault(original, []).append(original)
        elif pattern is not None:
            targets = by_pattern[pattern].target_patterns
            unexpected += [renamed.replace(targets[0], t) for t in targets]
        else:
            unexpected.append(renamed)
    out = {}
    for target, (converter, lists) in products.items():
        if converter is None:
            out[target] = [next(iter(lists.values()))]
        else:
            out[target] = [lists.get(p, []) for p in converter.source_patterns]
    return out, unexpected


def transforms_of(facts):
    mapping = []
    for key, scope in facts.get("rules", []) + [["legacy", None]]:
        for transform in library.get_checkpoint_conversion_mapping(key):
            if scope is not None:
                transform.scope_prefix, transform.base_model_prefix = scope, facts["base"]
            mapping.append(transform)
    return mapping


class Program:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def compare(title, ours, theirs, unexpected, ignore):
    if "error" in ours:
        return [f"{title}: {ours['error']}"]
    found = {p["targets"][0]: p["sources"] for p in ours["products"]}
    faults = []
    for target in sorted(set(found) | set(theirs)):
        if found.get(target) != theirs.get(target):
            faults.append(f"{title}: {target}\n  ours   {found.get(target)}\n  theirs {theirs.get(target)}")
    ignored = re.compile("|".join(f"({p})" for p in ignore)) if ignore else None
    left = {u for u in unexpected if not (ignored and ignored.search(u))}
    behind_first = {t for p in ours["products"] for t in p["targets"][1:]}
    if set(ours["unexpected"]) - behind_first != left - behind_first:
        faults.append(f"{title}: unexpected {sorted(set(ours['unexpected']) ^ left)[:5]}")
    return faults


def compare_made_up(program, table):
    rng = random.Random(77031)
    faults, compared = [], 0
    for name, facts in table["architectures"].items():
        if "rules" not in facts:
            continue
        base = facts["base"]
        scopes = [s for _, s in facts["rules"] if s]
        names = made_up_names(transforms_of(facts), base, scopes, rng, 150)
        everything, unexpected = mapped_by_library(names, transforms_of(facts), base, [])
        results = sorted(set(unexpected))
        model = [r for r in results if rng.random() < 0.5]
        model += [base + "." + r for r in rng.sample(results, len(results) // 8)]
        model += [r.removeprefix(base + ".") for r in rng.sample(results, len(results) // 8)]
        model += rng.sample(names, len(names) // 8)
        model = sorted(set(model))
        theirs, unexpected = mapped_by_library(names, transforms_of(facts), base, model)
        ours = program.ask(architecture=name, names=names, expected=model)
        faults += compare(name, ours, theirs, unexpected, facts.get("ignore_unexpected", []))
        compared += len(names)
    return faults, compared


def compare_inverse(program, table):
    """The patterns and names of the rules that lead back."""
    faults = []
    for key in table["rules"]:
        ours = program.ask(inverse=key)
        for text, transform in zip(ours, library.get_checkpoint_conversion_mapping(key), strict=True):
            back = transform.reverse_transform()
            if isinstance(back, library.PrefixChange):
                word = "add" if back.prefix_to_add else "remove"
                want = f"{word} {back.prefix_to_add or back.prefix_to_remove}"
                want += f" below {back.model_prefix}" if back.model_prefix else ""
            else:
                want = " ".join(back.source_patterns) + " -> "
                many = isinstance(back, WeightConverter) or "group" in text
                want += " ".join(back.target_patterns if many else back.target_patterns[:1])
            if re.sub(r"^(group|shift \S+) | by .*", "", text) != want:
                faults.append(f"{key}, back: {text}\n  theirs {want}")
    return faults


def small_model(model_type):
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoConfig

    config = AutoConfig.for_model(model_type)
    for part in [config, *(getattr(config, k) for k in getattr(config, "sub_configs", {}))]:
        if part is None:
            continue
        for field in ("num_hidden_layers", "depth"):
            if getattr(part, field, None):
                setattr(part, field, min(getattr(part, field), 4))
        if isinstance(getattr(part, "layer_types", None), list):
            part.layer_types = part.layer_types[:4]
    with torch.device("meta"):
        for auto in (AutoModelForCausalLM, AutoModelForImageTextToText):
            try:
                return auto.from_config(config)
            except ValueError:
                continue
    raise ValueError("no class for it")


def compare_models(program, table):
    from transformers.conversion_mapping import get_model_conversion_mapping

    experts = set()
    for key in list(table["rules"]) + list(table["aliases"]):
        rules = table["rules"][table["aliases"].get(key, key)]
        if any("expert" in p for r in rules for p in r.get("to", [])):
            experts.add(key)
    types = sorted({f["type"] for f in table["architectures"].values() if any(k in experts for k, _ in f.get("rules", []))})
    faults, done, skipped = [], [], []
    for model_type in types:
        try:
            model = small_model(model_type)
        except Exception as error:
            skipped.append(f"{model_type} ({type(error).__name__}: {str(error)[:80]})")
            continue
        name, state = type(model).__name__, model.state_dict()
        base = model.base_model_prefix
        try:
            published = sorted(revert_weight_conversion(model, dict(state)))
        except Exception as error:
            skipped.append(f"{model_type} (no way back: {type(error).__name__}: {str(error)[:80]})")
            continue
        theirs, unexpected = mapped_by_library(published, get_model_conversion_mapping(model), base, list(state))
        ours = program.ask(architecture=name, model_type=model_type, names=published, expected=sorted(state))
        ignore = table["architectures"].get(name, {}).get("ignore_unexpected", [])
        faults += compare(name, ours, theirs, unexpected, ignore)
        blind = program.ask(architecture=name, model_type=model_type, names=published)
        made = sorted(t for p in blind["products"] for t in p["targets"])
        want = sorted(set(state) - set(blind["tied"]))
        if sorted(set(made) - set(blind["tied"])) != want:
            odd = sorted(set(made) ^ set(want))
            faults.append(f"{name}, without the model's names: {len(odd)} differ, {odd[:4]}")
        done.append(f"{name} ({len(published)} -> {len(state)})")
    return faults, done, skipped


def main():
    table = json.load(open(TABLE))
    for alias, key in table["aliases"].items():
        table["rules"].setdefault(alias, table["rules"][key])
    program = Program(sys.argv[1])
    faults, compared = compare_made_up(program, table)
    print(f"{compared} made-up names")
    faults += compare_inverse(program, table)
    if "--models" in sys.argv:
        more, done, skipped = compare_models(program, table)
        faults += more
        print(f"{len(done)} models: " + ", ".join(done))
        print(f"{len(skipped)} not built: " + "; ".join(skipped))
    print("\n".join(faults[:40]))
    print(f"{len(faults)} differences")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
