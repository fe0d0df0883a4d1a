#!/usr/bin/env python3
"""Writes a hub folder of a random model of a known model's exact shape, for measuring time and memory.

    scripts/reference/shaped_model.py FOLDER gpt2-small|opt-125m|smollm2-135m|llama-3.2-1b [--tokenizer FOLDER]

Weights are float16, normal with a deviation of 0.02, the same in every run; norms start at one. Plain
Python: nothing needs to be installed. `--tokenizer` takes vocab.json and merges.txt from another folder,
without the tokens that the model has no rows for; rows beyond the last token have no token.
"""
import argparse
import json
import math
import pathlib
import random
import statistics
import struct

SEED = 20
DEVIATION = 0.02
WIDTH, EXPANDED, LAYERS, HEADS = 768, 3072, 12, 12
CHUNK = 1 << 20

CONFIGS = {
    "gpt2-small": {
        "activation_function": "gelu_new",
        "architectures": ["GPT2LMHeadModel"],
        "attn_pdrop": 0.1,
        "bos_token_id": 50256,
        "embd_pdrop": 0.1,
        "eos_token_id": 50256,
        "initializer_range": DEVIATION,
        "layer_norm_epsilon": 1e-5,
        "model_type": "gpt2",
        "n_ctx": 1024,
        "n_embd": WIDTH,
        "n_head": HEADS,
        "n_layer": LAYERS,
        "n_positions": 1024,
        "resid_pdrop": 0.1,
        "torch_dtype": "float16",
        "vocab_size": 50257,
    },
    "opt-125m": {
        "_remove_final_layer_norm": False,
        "activation_function": "relu",
        "architectures": ["OPTForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": 2,
        "do_layer_norm_before": True,
        "dropout": 0.1,
        "eos_token_id": 2,
        "ffn_dim": EXPANDED,
        "hidden_size": WIDTH,
        "init_std": DEVIATION,
        "layerdrop": 0.0,
        "max_position_embeddings": 2048,
        "model_type": "opt",
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "pad_token_id": 1,
        "torch_dtype": "float16",
        "vocab_size": 50272,
        "word_embed_proj_dim": WIDTH,
    },
}


def llama(layers, width, expanded, heads, key_value_heads, vocabulary, **others):
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "head_dim": width // heads,
        "hidden_act": "silu",
        "hidden_size": width,
        "initializer_range": DEVIATION,
        "intermediate_size": expanded,
        "max_position_embeddings": 8192,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": key_value_heads,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
        "torch_dtype": "float16",
        "vocab_size": vocabulary,
        **others,
    }


CONFIGS["smollm2-135m"] = llama(30, 576, 1536, 9, 3, 49152, rope_theta=100000.0)
CONFIGS["llama-3.2-1b"] = llama(
    16, 2048, 8192, 32, 8, 128256, rope_theta=500000.0,
    rope_scaling={
        "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
)


def norm(name):
    return {f"{name}.weight": [WIDTH], f"{name}.bias": [WIDTH]}


def linear(name, inputs, outputs, transposed=False):
    shape = [inputs, outputs] if transposed else [outputs, inputs]
    return {f"{name}.weight": shape, f"{name}.bias": [outputs]}


def gpt2_shapes(config):
    shapes = {
        "transformer.wte.weight": [config["vocab_size"], WIDTH],
        "transformer.wpe.weight": [config["n_positions"], WIDTH],
    }
    for layer in range(LAYERS):
        block = f"transformer.h.{layer}"
        shapes |= norm(f"{block}.ln_1") | norm(f"{block}.ln_2")
        shapes |= linear(f"{block}.attn.c_attn", WIDTH, 3 * WIDTH, transposed=True)
        shapes |= linear(f"{block}.attn.c_proj", WIDTH, WIDTH, transposed=True)
        shapes |= linear(f"{block}.mlp.c_fc", WIDTH, EXPANDED, transposed=True)
        shapes |= linear(f"{block}.mlp.c_proj", EXPANDED, WIDTH, transposed=True)
    return shapes | norm("transformer.ln_f")


def opt_shapes(config):
    shapes = {
        "model.decoder.embed_tokens.weight": [config["vocab_size"], WIDTH],
        # The first two rows belong to no position.
        "model.decoder.embed_positions.weight": [config["max_position_embeddings"] + 2, WIDTH],
    }
    for layer in range(LAYERS):
        block = f"model.decoder.layers.{layer}"
        shapes |= norm(f"{block}.self_attn_layer_norm") | norm(f"{block}.final_layer_norm")
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= linear(f"{block}.self_attn.{name}", WIDTH, WIDTH)
        shapes |= linear(f"{block}.fc1", WIDTH, EXPANDED) | linear(f"{block}.fc2", EXPANDED, WIDTH)
    return shapes | norm("model.decoder.final_layer_norm")


def llama_shapes(config):
    width, expanded = config["hidden_size"], config["intermediate_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], width]}
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}"
        for name in ("input_layernorm", "post_attention_layernorm"):
            shapes[f"{block}.{name}.weight"] = [width]
        for name, outputs, inputs in (
            ("self_attn.q_proj", queries, width), ("self_attn.k_proj", keys, width), ("self_attn.v_proj", keys, width),
            ("self_attn.o_proj", width, queries), ("mlp.gate_proj", expanded, width), ("mlp.up_proj", expanded, width),
            ("mlp.down_proj", width, expanded),
        ):
            shapes[f"{block}.{name}.weight"] = [outputs, inputs]
    return shapes | {"model.norm.weight": [width]}


SHAPES = {"gpt2": gpt2_shapes, "opt": opt_shapes, "llama": llama_shapes}


def upper_bytes():
    """For each random byte the upper byte of a float16, so that the values of all of them are normal. The lower byte is
    eight bits of the mantissa, any of which will do."""
    normal = statistics.NormalDist(0, DEVIATION)
    return bytes(struct.pack("<e", normal.inv_cdf((i + 0.5) / 256))[1] for i in range(256))


def noise(count, chance, table):
    """Normal float16 values in chunks of bytes."""
    for start in range(0, count, CHUNK):
        values = min(CHUNK, count - start)
        drawn = chance.randbytes(2 * values)
        chunk = bytearray(2 * values)
        chunk[0::2] = drawn[:values]
        chunk[1::2] = drawn[values:].translate(table)
        yield chunk


def is_scale(name):
    """Whether it is the weight of a norm."""
    return name.endswith(".weight") and any(part in name for part in ("layer_norm", "layernorm", ".ln_", "model.norm"))


def write_weights(path, shapes):
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    chance, table = random.Random(SEED), upper_bytes()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            count = math.prod(shape)
            file.writelines([struct.pack("<e", 1) * count] if is_scale(name) else noise(count, chance, table))
    return end // 2


def copy_tokenizer(source, folder, size):
    """Tokens with a row in the model, and the merges that need no others."""
    tokens = json.loads((source / "vocab.json").read_text(encoding="utf-8"))
    kept = {token: number for token, number in tokens.items() if number < size}
    (folder / "vocab.json").write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    # Split at line feeds alone: a merge may hold characters that count as other line ends.
    lines = (source / "merges.txt").read_text(encoding="utf-8").split("\n")
    merges = [line for line in lines if len(line.split(" ")) == 2 and not line.startswith("#version")]
    merges = [line for line in merges if all(part in kept for part in [*line.split(" "), line.replace(" ", "")])]
    text = "\n".join(["#version: 0.2", *merges]) + "\n"
    (folder / "merges.txt").write_text(text, encoding="utf-8")
    print(f"{len(kept)} of {len(tokens)} tokens, {len(merges)} merges")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("shape", choices=sorted(CONFIGS))
    parser.add_argument("--tokenizer", type=pathlib.Path, metavar="FOLDER")
    options = parser.parse_args()
    config = CONFIGS[options.shape]
    options.folder.mkdir(parents=True, exist_ok=True)
    shapes = SHAPES[config["model_type"]](config)
    (options.folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    parameters = write_weights(options.folder / "model.safetensors", shapes)
    print(f"{parameters} parameters in {len(shapes)} tensors")
    if options.tokenizer:
        copy_tokenizer(options.tokenizer, options.folder, config["vocab_size"])


if __name__ == "__main__":
    main()
