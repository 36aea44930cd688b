"""Tiny models of any class of the transformers library, with values of their own in every tensor.

A class's default configuration is made small field by field, by the fields' names: hidden sizes of
40, experts of 18, 10 experts, 4 layers of which each kind occurs. The sizes are unequal on purpose,
so that a missed transpose, a swapped gate and up, and text order of experts all show.
"""
import copy
import re

import torch
import transformers

from tiny_sizes import LAYERS, SIZES, WISHES

PARAMETERS_AT_MOST = 30_000_000

LAYER_COUNT = re.compile(r"^(n_layers?|depth|num_blocks|\w*_layers|\w*_depth)$")
NOT_A_COUNT = {"no_rope_layers", "mlp_only_layers", "kv_source_layers", "num_feature_layers",
               "global_attn_every_n_layers", "num_nextn_predict_layers"}
SIZE_LIKE = re.compile(r"size|dim|width|channels|hidden|units|rank|features|inner|ffn|positions")
TOKEN = re.compile(r"(token_id|token_index|_id)$")


def small_number(name, value):
    if TOKEN.search(name):
        return value % 67
    if name in SIZES:
        # A feature that is off by default stays off.
        return SIZES[name] if value else value
    if LAYER_COUNT.match(name) and name not in NOT_A_COUNT and name not in SIZES:
        return min(value, LAYERS)
    if value > 48 and SIZE_LIKE.search(name):
        return 40
    return value


def spread(values, count):
    """`count` of the values in their order, with every distinct one as far as there is room."""
    first = {}
    for index, value in enumerate(values):
        first.setdefault(str(value), index)
    chosen = sorted(first.values())[:count]
    rest = [i for i in range(len(values)) if i not in chosen]
    return [values[i] for i in sorted(chosen + rest[:count - len(chosen)])]


def stages(name, value):
    """Which of the layers a backbone gives out: as many as before, counted from the last."""
    last = range(LAYERS + 1 - min(len(value), LAYERS), LAYERS + 1)
    if name == "stage_names":
        return {}
    if all(str(v).removeprefix("stage") in [str(i) for i in last] for v in value):
        return {name: list(value)}
    return {name: [f"stage{i}" for i in last] if name == "out_features" else list(last)}


def layer_count(fields):
    for name in ("num_hidden_layers", "n_layer", "num_layers", "encoder_layers"):
        if isinstance(fields.get(name), int):
            return fields[name]
    return 0


def small_fields(fields, wishes, keep_lists):
    layers = layer_count(fields)
    small = {n[1:]: copy.deepcopy(v) for n, v in wishes.items() if n[0] == "+"}
    for name, value in fields.items():
        wish = wishes.get(name)
        if name in ("label2id", "id2label") or f"-{name}" in wishes or name in small:
            continue
        if isinstance(value, dict):
            flat = {n: v for n, v in wishes.items() if n[0] not in "+-" and not isinstance(v, dict)}
            small[name] = small_fields(value, {**flat, **(wish or {})}, keep_lists)
        elif name in wishes and not isinstance(wish, dict):
            small[name] = copy.deepcopy(wish)
        elif name in ("out_features", "out_indices", "stage_names") and value is not None:
            small.update(stages(name, value))
        elif isinstance(value, bool) or value is None:
            small[name] = value
        elif isinstance(value, int):
            small[name] = small_number(str(name), value)
        elif isinstance(value, (list, tuple)) and layers > LAYERS and len(value) == layers:
            if keep_lists:
                small[name] = spread(list(value), LAYERS)
        elif isinstance(value, (list, tuple)) and name == "moe_intermediate_size":
            small[name] = [18, 14][:len(value)]
        else:
            small[name] = copy.deepcopy(value)
    return small


def build(class_name, dtype):
    """A model of the class in memory, small. Raises what the library raises if none can be made."""
    model_class = getattr(transformers, class_name)
    fields = model_class.config_class().to_dict()
    wishes = WISHES.get(fields.get("model_type"), {})
    errors = []
    for attempt in ATTEMPTS:
        try:
            small = small_fields(fields, {**attempt["sizes"], **wishes}, attempt["keep_lists"])
            for name in ("dtype", "architectures", "quantization_config"):
                small.pop(name, None)
            config = model_class.config_class.from_dict(small)
            config.architectures = [class_name]
            with torch.device("meta"):
                count = sum(p.numel() for p in model_class(copy.deepcopy(config)).parameters())
            if count > PARAMETERS_AT_MOST:
                raise ValueError(f"{count / 1e6:.0f} million parameters are left after making it small")
            return model_class._from_config(config, dtype=dtype)
        except Exception as error:  # whatever the library's classes raise
            errors.append(error)
    raise errors[0]


ATTEMPTS = [
    {"sizes": {}, "keep_lists": True},
    {"sizes": {}, "keep_lists": False},
    {"sizes": {"head_dim": 10, "swa_head_dim": 10}, "keep_lists": True},
    {"sizes": {"num_key_value_heads": 4, "head_dim": 10}, "keep_lists": True},
    {"sizes": {"hidden_size": 64, "d_model": 64, "embed_dim": 64, "head_dim": 16}, "keep_lists": True},
    {"sizes": {"hidden_size": 48, "d_model": 48, "embed_dim": 48, "head_dim": 12}, "keep_lists": True},
]


def fill(model, seed):
    """Gives every tensor of the state dict values of its own; of tied ones all get the same."""
    numbers = torch.Generator().manual_seed(seed)
    done = set()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.data_ptr() in done:
                continue
            done.add(tensor.data_ptr())
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=numbers))
            elif tensor.is_complex():
                tensor.copy_(torch.randn(tensor.shape, generator=numbers, dtype=tensor.dtype))
            else:
                tensor.copy_(torch.randint(0, 2, tensor.shape, generator=numbers))
