"""Models as small as llama-quantize takes for real ones: the names and kinds of tensors that decide
about types, with few rows. Sizes are innermost last, as numpy has them."""

E, F, V = 256, 512, 512  # embedding, feed-forward, vocabulary; multiples of every block


class Model:
    """`tensors` maps the names of all layers' tensors ("%d" is the layer) to shape and type."""

    def __init__(self, architecture, layers, heads=32, kv_heads=None, **keys):
        self.architecture = architecture
        self.layers = layers
        self.keys = {
            "context_length": 128,
            "embedding_length": E,
            "block_count": layers,
            "feed_forward_length": F,
            "attention.head_count": heads,
            "attention.layer_norm_rms_epsilon": 1e-5,
            "attention.layer_norm_epsilon": 1e-5,
        }
        if kv_heads is not None:
            self.keys["attention.head_count_kv"] = kv_heads
        self.keys |= {name.replace("__", "."): value for name, value in keys.items()}
        self.groups = []

    def add(self, tensors, layers=None):
        """Tensors of the model as a whole, or of each of these layers."""
        made = {name: shape if isinstance(shape, list) else [shape, "f16"]
                for name, shape in tensors.items()}
        made = {name: [list(shape), type_name] for name, (shape, type_name) in made.items()}
        self.groups.append({"layers": list(layers) if layers is not None else None,
                            "tensors": made})
        return self

    def every_layer(self, tensors):
        return self.add(tensors, (0, self.layers))

    def tensors(self):
        for group in self.groups:
            layers = [None] if group["layers"] is None else range(*group["layers"])
            for layer in layers:
                for name, (shape, type_name) in group["tensors"].items():
                    yield name if layer is None else name.replace("%d", str(layer)), shape, type_name


def norm(size=E):
    return [(size,), "f32"]


def ends(output=True, embedding=E):
    tensors = {"token_embd.weight": (V, embedding), "output_norm.weight": norm(embedding)}
    if output:
        tensors["output.weight"] = (V, embedding)
    return tensors


def attention(kv_rows=E, embedding=E):
    return {
        "blk.%d.attn_norm.weight": norm(embedding),
        "blk.%d.attn_q.weight": (embedding, embedding),
        "blk.%d.attn_k.weight": (kv_rows, embedding),
        "blk.%d.attn_v.weight": (kv_rows, embedding),
        "blk.%d.attn_output.weight": (embedding, embedding),
    }


def dense(embedding=E, inner=F):
    return {
        "blk.%d.ffn_norm.weight": norm(embedding),
        "blk.%d.ffn_gate.weight": (inner, embedding),
        "blk.%d.ffn_up.weight": (inner, embedding),
        "blk.%d.ffn_down.weight": (embedding, inner),
    }


def experts(count, inner=F):
    return {
        "blk.%d.ffn_norm.weight": norm(),
        "blk.%d.ffn_gate_inp.weight": [(count, E), "f32"],
        "blk.%d.ffn_gate_exps.weight": (count, inner, E),
        "blk.%d.ffn_up_exps.weight": (count, inner, E),
        "blk.%d.ffn_down_exps.weight": (count, E, inner),
    }


def separate_experts(count):
    tensors = {"blk.%d.ffn_norm.weight": norm(), "blk.%d.ffn_gate_inp.weight": [(count, E), "f32"]}
    for i in range(count):
        tensors[f"blk.%d.ffn_gate.{i}.weight"] = (F, E)
        tensors[f"blk.%d.ffn_up.{i}.weight"] = (F, E)
        tensors[f"blk.%d.ffn_down.{i}.weight"] = (E, F)
    return tensors


def llama(layers, kv_heads, architecture="llama", output=True):
    rows = E * kv_heads // 32
    model = Model(architecture, layers, kv_heads=kv_heads)
    return model.add(ends(output)).every_layer(attention(rows) | dense())


def only_what_counts(architecture, layers, heads, kv_heads, **keys):
    """Of each layer the two tensors whose types go by the model's size."""
    return Model(architecture, layers, heads, kv_heads, **keys).add(ends()).every_layer(
        {"blk.%d.attn_v.weight": (64, E), "blk.%d.ffn_down.weight": (E, F)})


def with_experts(architecture, layers, count, kv_heads, **keys):
    model = Model(architecture, layers, kv_heads=kv_heads, expert_count=count, expert_used_count=2,
                  expert_feed_forward_length=F, **keys)
    return model.add(ends()).every_layer(attention(E * kv_heads // 32) | experts(count))


def narrow(embedding, inner, output=True):
    model = Model("llama", 9, heads=4, kv_heads=4, embedding_length=embedding)
    return model.add(ends(output, embedding)).every_layer(
        attention(embedding, embedding) | dense(embedding, inner))


SSM = {"ssm__conv_kernel": 4, "ssm__inner_size": F, "ssm__state_size": 16,
       "ssm__time_step_rank": 16, "ssm__group_count": 2}


def mamba():
    return Model("mamba", 12, heads=0, **SSM).add(ends(output=False)).every_layer({
        "blk.%d.attn_norm.weight": norm(),
        "blk.%d.ssm_in.weight": (2 * F, E),
        "blk.%d.ssm_conv1d.weight": [(F, 4), "f32"],
        "blk.%d.ssm_conv1d.bias": [(F,), "f32"],
        "blk.%d.ssm_x.weight": (48, F),
        "blk.%d.ssm_dt.weight": (F, 16),
        "blk.%d.ssm_a": [(F, 16), "f32"],
        "blk.%d.ssm_out.weight": (E, F),
    })


def qwen3next():
    model = Model("qwen3next", 12, heads=16, kv_heads=2, expert_count=64, expert_used_count=4,
                  expert_feed_forward_length=F, **SSM)
    shared = {
        "blk.%d.ffn_gate_inp_shexp.weight": [(E,), "f32"],
        "blk.%d.ffn_gate_shexp.weight": (F, E),
        "blk.%d.ffn_up_shexp.weight": (F, E),
        "blk.%d.ffn_down_shexp.weight": (E, F),
    }
    linear = {
        "blk.%d.attn_norm.weight": norm(),
        "blk.%d.attn_qkv.weight": (2 * E, E),
        "blk.%d.attn_gate.weight": (E, E),
        "blk.%d.ssm_ba.weight": (64, E),
        "blk.%d.ssm_conv1d.weight": [(F, 4), "f32"],
        "blk.%d.ssm_out.weight": (E, F),
    }
    model.add(ends()).every_layer(experts(64) | shared)
    for first in range(0, 12, 4):
        model.add(linear, (first, first + 3)).add(attention(64), (first + 3, first + 4))
    return model


def deepseek2():
    model = Model("deepseek2", 27, heads=16, kv_heads=1, expert_count=64, expert_used_count=6,
                  expert_feed_forward_length=F, expert_shared_count=2, leading_dense_block_count=1,
                  attention__kv_lora_rank=E, attention__q_lora_rank=E, expert_gating_func=1,
                  expert_weights_scale=1.0, rope__dimension_count=16)
    model.add(ends()).every_layer({
        "blk.%d.attn_norm.weight": norm(),
        "blk.%d.attn_q_a.weight": (E, E),
        "blk.%d.attn_q_b.weight": (E, E),
        "blk.%d.attn_kv_a_mqa.weight": (288, E),
        "blk.%d.attn_kv_b.weight": (F, E),
        "blk.%d.attn_k_b.weight": (16, E, 128),
        "blk.%d.attn_v_b.weight": (16, 128, E),
        "blk.%d.attn_output.weight": (E, E),
    })
    shared = {"blk.%d.ffn_up_shexp.weight": (F, E), "blk.%d.ffn_down_shexp.weight": (E, F)}
    return model.add(dense(), (0, 1)).add(experts(64) | shared, (1, 27))


def gemma3n():
    model = Model("gemma3n", 10, heads=8, kv_heads=2, attention__sliding_window=64,
                  attention__key_length=32, attention__value_length=32,
                  attention__sliding_window_pattern=[True] * 10)
    return model.add(ends(output=False) | {
        "per_layer_token_embd.weight": (V, 2560),
        "per_layer_model_proj.weight": (2560, E),
        "altup_proj.weight": (3, E, E),
    }).every_layer(attention(64) | dense() | {
        "blk.%d.altup_router.weight": (4, E),
        "blk.%d.laurel_l.weight": (64, E),
        "blk.%d.inp_gate.weight": (E, E),
        "blk.%d.proj.weight": (E, E),
    })


def gpt2():
    return Model("gpt2", 12, heads=4).add(ends(output=False) | {
        "position_embd.weight": [(128, E), "f32"]}).every_layer({
            "blk.%d.attn_norm.weight": norm(),
            "blk.%d.attn_qkv.weight": (3 * E, E),
            "blk.%d.attn_qkv.bias": norm(3 * E),
            "blk.%d.attn_output.weight": (E, E),
            "blk.%d.ffn_up.weight": (F, E),
            "blk.%d.ffn_down.weight": (E, F),
        })


def falcon(embedding):
    return Model("falcon", 32, heads=8, kv_heads=1, embedding_length=embedding).add(
        ends(embedding=embedding)).every_layer({
            "blk.%d.attn_norm.weight": norm(embedding),
            "blk.%d.attn_qkv.weight": (320, embedding),
            "blk.%d.attn_output.weight": (embedding, embedding),
            "blk.%d.ffn_up.weight": (F, embedding),
            "blk.%d.ffn_down.weight": (embedding, F),
        })


def phi3():
    return Model("phi3", 17, heads=32, kv_heads=32, rope__dimension_count=8,
                 rope__scaling__original_context_length=128).add(ends()).every_layer({
                     "blk.%d.attn_norm.weight": norm(),
                     "blk.%d.attn_qkv.weight": (3 * E, E),
                     "blk.%d.attn_output.weight": (E, E),
                     "blk.%d.ffn_up.weight": (2 * F, E),
                     "blk.%d.ffn_down.weight": (E, F),
                 })


def bert():
    return Model("bert", 6, heads=4, attention__causal=False).add({
        "token_embd.weight": (V, E),
        "position_embd.weight": (128, E),
        "token_types.weight": (2, E),
        "token_embd_norm.weight": norm(),
    }).every_layer(attention() | {"blk.%d.ffn_up.weight": (F, E), "blk.%d.ffn_down.weight": (E, F)})


def t5():
    parts = {"attn_q": (E, E), "attn_k": (E, E), "attn_v": (E, E), "attn_o": (E, E),
             "attn_rel_b": (8, 32), "ffn_up": (F, E), "ffn_down": (E, F)}
    tensors = {f"{side}.blk.%d.{name}.weight": shape
               for side in ("enc", "dec") for name, shape in parts.items()}
    tensors |= {f"dec.blk.%d.cross_{name}.weight": shape
                for name, shape in parts.items() if name.startswith("attn")}
    return Model("t5", 6, heads=4, attention__relative_buckets_count=32,
                 decoder_start_token_id=0).add(ends()).every_layer(tensors)


def rwkv7():
    mix = {f"blk.%d.time_mix_{part}.weight": (E, 64) if part[-1] == "2" else (64, E)
           for part in ("w1", "w2", "a1", "a2", "v1", "v2", "g1", "g2", "decay_w1", "decay_w2")}
    mix |= {f"blk.%d.time_mix_{part}.weight": (2, E) for part in ("first", "w0", "v0", "a0")}
    return Model("rwkv7", 9, heads=0, wkv__head_size=64, attention__decay_lora_rank=64,
                 attention__iclr_lora_rank=64, attention__value_residual_mix_lora_rank=64,
                 attention__gate_lora_rank=64).add(ends()).every_layer(mix | {
                     "blk.%d.time_mix_lerp_fused.weight": [(6, 1, E), "f32"],
                     "blk.%d.time_mix_key.weight": (E, E),
                     "blk.%d.time_mix_value.weight": (E, E),
                     "blk.%d.time_mix_receptance.weight": (E, E),
                     "blk.%d.time_mix_output.weight": (E, E),
                     "blk.%d.channel_mix_key.weight": (F, E),
                     "blk.%d.channel_mix_value.weight": (E, F),
                 })


def lfm2():
    conv = {"blk.%d.shortconv.conv.weight": [(E, 3), "f32"],
            "blk.%d.shortconv.in_proj.weight": (3 * E, E),
            "blk.%d.shortconv.out_proj.weight": (E, E)}
    return Model("lfm2", 8, heads=32, shortconv__l_cache=3,
                 attention__head_count_kv=[0, 0, 8, 0, 8, 0, 8, 0]).add(
                     ends(output=False)).every_layer(dense()).add(conv, (0, 2)).add(
                         attention(64), (2, 8))


def clip():
    return Model("clip", 4, heads=4, vision__block_count=4).add({
        "v.patch_embd.weight": (E, 3, 16, 16),
        "v.position_embd.weight": (64, E),
        "v.sam.pos_embd.weight": (64, 4, E),
        "v.sam.neck.0.weight": (E, E),
        "v.sam.net_2.weight": (E, E),
        "v.sam.blk.0.attn.rel_pos_h.weight": (27, 64),
        "mm.0.weight": (E, F),
        "mm.patch_merger.weight": (E, E),
        "v.class_embd": norm(),
    }).every_layer({
        "v.blk.%d.attn_q.weight": (E, E),
        "v.blk.%d.attn_k.weight": (E, E),
        "v.blk.%d.attn_v.weight": (E, E),
        "v.blk.%d.attn_out.weight": (E, E),
        "v.blk.%d.ffn_up.weight": (F, E),
        "v.blk.%d.ffn_down.weight": (E, F),
    })


def quantized_before():
    model = llama(8, 8)
    for group in model.groups:
        for i, (name, entry) in enumerate(group["tensors"].items()):
            if entry[1] == "f16":
                entry[1] = ("q8_0", "q4_K", "bf16", "q6_K", "f32")[i % 5]
    return model


def unnamed_experts():
    """Feed-forward tensors whose names do not tell the layer, or tell one that is not there."""
    return with_experts("qwen2moe", 4, 4, 32).add({"mtp.ffn_down.weight": (E, F)})


def misplaced_experts():
    return with_experts("qwen2moe", 4, 4, 32).add({"blk.4.ffn_up.weight": (F, E)})


def odd_shapes():
    """What counts as two-dimensional, and sizes of one."""
    return Model("llama", 3, kv_heads=32).add(ends()).every_layer(dense() | {
        "blk.%d.attn_q.weight": (1, E),
        "blk.%d.attn_k.weight": (E, 32),
        "blk.%d.attn_v.weight": (1, 1, E),
        "blk.%d.attn_output.weight": (2, 1, E),
        "blk.%d.attn_q.bias": (2, E),
        "blk.%d.gate_proj": (E, E),
        "blk.%d.index.weight": [(1, 256), "i32"],
    })


MODELS = {
    "llama_32": llama(32, 8),
    "llama_31_own_heads": llama(31, 32),
    "llama_80": llama(80, 4),
    "llama_80_own_heads": only_what_counts("llama", 80, 32, 32),
    "llama_80_eight_experts": only_what_counts("llama", 80, 32, 8, expert_count=8,
                                               expert_used_count=2),
    "llama_3": llama(3, 16),
    "llama_tied": llama(22, 8, output=False),
    "llama_embed_80": only_what_counts("llama-embed", 80, 32, 8),
    "deci_80": only_what_counts("deci", 80, 32, [8] * 80),
    "qwen2_80": only_what_counts("qwen2", 80, 32, 32),
    "qwen2vl_80": only_what_counts("qwen2vl", 80, 32, 32, rope__dimension_sections=[2, 3, 3, 0]),
    "olmo_80": only_what_counts("olmo", 80, 32, 32),
    "jais2_68": only_what_counts("jais2", 68, 32, 32),
    "qwen3_80": only_what_counts("qwen3", 80, 32, 32),
    "qwen2_tied": llama(24, 4, "qwen2", output=False),
    "gemma3_tied": llama(34, 16, "gemma3", output=False),
    "gemma3n": gemma3n(),
    "mixtral": with_experts("llama", 32, 8, 8),
    "mixtral_separate": Model("llama", 16, kv_heads=8, expert_count=8, expert_used_count=2).add(
        ends()).every_layer(attention(64) | separate_experts(8)),
    "qwen2moe_4": with_experts("qwen2moe", 24, 4, 32),
    "qwen3moe": with_experts("qwen3moe", 48, 128, 4),
    "unnamed_experts": unnamed_experts(),
    "misplaced_experts": misplaced_experts(),
    "deepseek2": deepseek2(),
    "qwen3next": qwen3next(),
    "falcon": falcon(512),
    "falcon_narrow": falcon(544),
    "phi3": phi3(),
    "gpt2": gpt2(),
    "bert": bert(),
    "t5": t5(),
    "mamba": mamba(),
    "rwkv7": rwkv7(),
    "lfm2": lfm2(),
    "clip": clip(),
    "rows_of_288": narrow(288, 480),
    "rows_of_288_tied": narrow(288, 768, output=False),
    "rows_of_40": narrow(40, 256),
    "rows_of_256_and_104": narrow(256, 104),
    "quantized_before": quantized_before(),
    "odd_shapes": odd_shapes(),
}
