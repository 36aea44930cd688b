"""What the transformers library makes of a checkpoint: the truth that conversions are held to.

For a class a case directory is made once and used again:

    hub/               a tiny checkpoint as it is published: three shards, the tensors strewn over them
    truth.safetensors  the state dict of from_pretrained of it; of tied tensors the first only
    back/              what save_pretrained makes of the loaded model
    expect.json        name, shape and dtype of the whole state dict, for --expect
    case.json          what the library reports, what is tied, what does not hold for the library itself
"""
import contextlib
import io
import json
import random
import shutil
import warnings

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import PrefixChange, Transpose

import tiny_models

DTYPES = {"bf16": torch.bfloat16, "f32": torch.float32, "f16": torch.float16}
NAMES = {torch.bfloat16: "BF16", torch.float32: "F32", torch.float16: "F16", torch.float64: "F64",
         torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
         torch.uint8: "U8", torch.bool: "BOOL"}
SHARDS = 3
# plain: as save_pretrained writes it. prefix: with the prefixes too that loading takes off or puts on.
# defects: a name missing, one unexpected, one shape mismatched.
KINDS = ("plain", "prefix", "defects")


def strew(tensors, directory, seed):
    """Writes the tensors into shards in an order that has nothing to do with their names."""
    names = sorted(tensors)
    random.Random(seed).shuffle(names)
    weight_map = {}
    for shard in range(SHARDS):
        file = f"model-{shard + 1:05d}-of-{SHARDS:05d}.safetensors"
        part = {name: tensors[name].contiguous() for name in names[shard::SHARDS]}
        save_file(part, directory / file, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(part, file))
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def stored(directory):
    tensors = {}
    for file in sorted(directory.glob("*.safetensors")):
        tensors.update(load_file(file))
    return tensors


def published_shapes(model, tensors):
    """The library transposes on loading where shapes differ, but never on saving: by hand, then."""
    patterns = [t.source_patterns[0] for t in get_model_conversion_mapping(model)
                if any(isinstance(o, Transpose) and o.check_dims for o in getattr(t, "operations", []))]
    for name in tensors:
        if any(pattern in name for pattern in patterns):
            tensors[name] = tensors[name].transpose(1, 2).contiguous()
    return tensors


def save(model, directory):
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    tensors = published_shapes(model, stored(directory))
    for file in directory.glob("model*.safetensors*"):
        file.unlink()
    return tensors


def has_prefix_rules(model):
    return any(isinstance(t, PrefixChange) for t in get_model_conversion_mapping(model, add_legacy=False))


def tied_names(state):
    """Name -> the name whose memory it shares, for all but the first."""
    first, tied = {}, {}
    for name, tensor in state.items():
        place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride())
        if tensor.numel() and place in first:
            tied[name] = first[place]
        else:
            first[place] = name
    return tied


def same(left, right):
    return left.shape == right.shape and left.dtype == right.dtype and torch.equal(
        left.contiguous().reshape(-1).view(torch.uint8), right.contiguous().reshape(-1).view(torch.uint8))


def with_defects(tensors, seed):
    """A tensor too many, one too few, and one of a shape that the model does not want."""
    numbers = random.Random(seed)
    plain = sorted(n for n, t in tensors.items() if "experts" not in n and t.is_floating_point())
    del tensors[numbers.choice([n for n in plain if tensors[n].dim() == 2])]
    wrong = numbers.choice([n for n in plain if n in tensors and tensors[n].dim() == 1])
    tensors[wrong] = torch.cat([tensors[wrong], tensors[wrong][:1]])
    tensors["surplus.weight"] = torch.ones(3, 5, dtype=torch.bfloat16)
    return tensors


def own_faults(original, state, hub, back, gone):
    """Where the library does not keep its own word: loaded is not what was saved, or back is not."""
    faults = [f"{n}: other values than before" for n, t in original.items()
              if n in state and n not in gone and not same(t.to(state[n].dtype), state[n])]
    faults += [f"{n}: not in the state dict" for n in original.keys() - state.keys()]
    faults += [f"{n}: not saved again" for n in sorted(hub.keys() - back.keys())]
    faults += [f"{n}: saved again, but was not there" for n in sorted(back.keys() - hub.keys())]
    faults += [f"{n}: saved with other values" for n in sorted(hub.keys() & back.keys())
               if not same(hub[n].to(back[n].dtype), back[n])]
    return faults


def make_case(class_name, dtype, kind, directory):
    """Makes the case directory; see KINDS. False if the class has no such case."""
    model = tiny_models.build(class_name, DTYPES[dtype])
    if kind == "prefix" and not has_prefix_rules(model):
        return False
    seed = sum(class_name.encode())
    tiny_models.fill(model, seed)
    original = {n: t.clone() for n, t in model.state_dict().items()}
    if kind == "prefix":
        model._weight_conversions = get_model_conversion_mapping(model, add_legacy=False)
    hub = save(model, directory / "hub")
    strew(with_defects(hub, seed) if kind == "defects" else hub, directory / "hub", seed)

    loaded, report = type(model).from_pretrained(
        directory / "hub", dtype=DTYPES[dtype], output_loading_info=True,
        ignore_mismatched_sizes=kind == "defects")
    state = loaded.state_dict()
    # Who writes the checkpoint back has not seen this one: it knows no more than the model's names.
    loaded._weight_conversions = None
    back = save(loaded, directory / "back")
    save_file({n: t.contiguous() for n, t in back.items()}, directory / "back/model.safetensors")

    tied = tied_names(state)
    mismatched = {m[0] for m in report["mismatched_keys"]}
    gone = set(report["missing_keys"]) | mismatched
    truth = {n: t.contiguous() for n, t in state.items() if n not in tied and n not in gone}
    save_file(truth, directory / "truth.safetensors")
    expect = [{"name": n, "shape": list(t.shape), "dtype": NAMES[t.dtype]} for n, t in state.items()]
    (directory / "expect.json").write_text(json.dumps(expect))
    faults = own_faults(original, state, hub, back, gone) if kind == "plain" else []
    facts = {"class": class_name, "type": model.config.model_type, "dtype": dtype, "tied": tied,
             "hub": len(hub), "model": len(state), "kept_in_fp32": sorted(
                 n for n, t in truth.items() if t.dtype == torch.float32 and dtype != "f32"),
             "missing": sorted(report["missing_keys"]), "unexpected": sorted(report["unexpected_keys"]),
             "mismatched": sorted(mismatched), "own_faults": faults}
    (directory / "case.json").write_text(json.dumps(facts, indent=1))
    return True


def make_quietly(class_name, dtype, kind, directory):
    """make_case in this process, whatever happens noted in case.json; prints nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            made = make_case(class_name, dtype, kind, directory)
        if not made:
            (directory / "case.json").write_text(json.dumps({"class": class_name, "skipped": f"no case of kind {kind}"}))
    except Exception as error:  # whatever the library's classes raise
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        (directory / "case.json").write_text(json.dumps({"class": class_name, "error": text}))
