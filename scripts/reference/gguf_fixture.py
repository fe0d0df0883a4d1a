#!/usr/bin/env python3
"""Writes small GGUF files and what the reference reads out of them.

`blocks.gguf` has one tensor of each format, with random blocks and finite scales; `blocks.safetensors` has the floats
that the `gguf` package dequantises them to. `llama.gguf` is a tiny Llama model laid out as the converter of llama.cpp
does it, `llama.safetensors` the same weights under hub names and in hub row order.

Needs: pip install gguf safetensors numpy.
"""
import argparse
import pathlib

import gguf
import numpy as np
from gguf.quants import dequantize, quantize
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 20
KINDS = gguf.GGMLQuantizationType
# Where each block keeps half-precision scales: they must be finite.
SCALES = {KINDS.Q4_0: [0], KINDS.Q4_1: [0, 2], KINDS.Q5_0: [0], KINDS.Q5_1: [0, 2], KINDS.Q8_0: [0],
          KINDS.Q4_K: [0, 2], KINDS.Q6_K: [208]}


def random_blocks(chance, kind, rows, columns):
    weights, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = chance.integers(0, 256, (rows * columns // weights, size), dtype=np.uint8)
    for offset in SCALES[kind]:
        scales = chance.normal(0, 0.1, len(blocks)).astype(np.float16)
        # A subnormal, a zero and the largest number: each takes its own way through the conversion.
        scales[:4] = np.array([6e-8, 0, 65504, -5e-5], np.float16)
        blocks[:, offset:offset + 2] = scales.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(rows, -1)


def write_blocks(out):
    chance = np.random.default_rng(SEED)
    writer = gguf.GGUFWriter(out / "blocks.gguf", "blocks")
    writer.add_uint8("test.u8", 200)
    writer.add_int8("test.i8", -100)
    writer.add_uint16("test.u16", 60000)
    writer.add_int16("test.i16", -30000)
    writer.add_uint32("test.u32", 4000000000)
    writer.add_int32("test.i32", -2000000000)
    writer.add_uint64("test.u64", 2**64 - 1)
    writer.add_int64("test.i64", -(2**63))
    writer.add_float32("test.f32", 0.5)
    writer.add_float64("test.f64", 1e300)
    writer.add_bool("test.flag", True)
    writer.add_string("test.text", "caf\u00e9")
    writer.add_array("test.texts", ["a", "", "b c"])
    writer.add_array("test.numbers", [1, -2, 3])
    writer.add_array("test.nested", [[1, 2], [3]])
    expected = {}
    specials = np.array([0, -0.0, 1, -1, 65504, 6e-8, 6.1e-5, 5e-5, np.inf, -np.inf, 3.140625, 1e-3], np.float32)
    plain = np.concatenate([specials, chance.normal(size=84).astype(np.float32)]).reshape(3, 32)
    for kind in (KINDS.F32, KINDS.F16, KINDS.BF16):
        with np.errstate(over="ignore"):
            data = quantize(plain, kind)
        expected[kind.name.lower()] = dequantize(data, kind)
        writer.add_tensor(kind.name.lower(), data, raw_dtype=kind)
    for kind in SCALES:
        data = random_blocks(chance, kind, 5, 512)
        expected[kind.name.lower()] = dequantize(data, kind)
        writer.add_tensor(kind.name.lower(), data, raw_dtype=kind)
    finish(writer)
    save_file({name: np.ascontiguousarray(value) for name, value in expected.items()}, out / "blocks.safetensors")


def file_order(weights, heads):
    """Hub rows to the file's: row i and row i + half of a head come to lie side by side."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weights.shape)


def write_llama(out):
    chance = np.random.default_rng(SEED)
    layers, width, hidden, heads, shared, vocabulary = 2, 64, 96, 4, 2, 40
    writer = gguf.GGUFWriter(out / "llama.gguf", "llama")
    writer.add_block_count(layers)
    writer.add_context_length(128)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(shared)
    writer.add_rope_freq_base(5000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocabulary)
    hub = {}

    def add(hub_name, file_name, shape, kind=KINDS.F32, permuted_heads=None):
        weights = chance.normal(0, 0.1, shape).astype(np.float32)
        stored = quantize(file_order(weights, permuted_heads) if permuted_heads else weights, kind)
        weights = dequantize(stored, kind)
        if permuted_heads:
            half = shape[0] // permuted_heads // 2
            weights = weights.reshape(permuted_heads, half, 2, -1).swapaxes(1, 2).reshape(shape)
        hub[hub_name] = np.ascontiguousarray(weights)
        writer.add_tensor(file_name, stored, raw_dtype=kind)

    add("model.embed_tokens.weight", "token_embd.weight", (vocabulary, width), KINDS.Q8_0)
    add("model.norm.weight", "output_norm.weight", (width,))
    add("lm_head.weight", "output.weight", (vocabulary, width), KINDS.F16)
    for layer in range(layers):
        there, here = f"model.layers.{layer}.", f"blk.{layer}."
        add(there + "input_layernorm.weight", here + "attn_norm.weight", (width,))
        add(there + "self_attn.q_proj.weight", here + "attn_q.weight", (width, width), KINDS.Q4_1, heads)
        add(there + "self_attn.k_proj.weight", here + "attn_k.weight", (width // 2, width), KINDS.Q4_1, shared)
        add(there + "self_attn.v_proj.weight", here + "attn_v.weight", (width // 2, width), KINDS.Q5_1)
        add(there + "self_attn.o_proj.weight", here + "attn_output.weight", (width, width), KINDS.BF16)
        add(there + "post_attention_layernorm.weight", here + "ffn_norm.weight", (width,))
        add(there + "mlp.gate_proj.weight", here + "ffn_gate.weight", (hidden, width), KINDS.Q4_0)
        add(there + "mlp.up_proj.weight", here + "ffn_up.weight", (hidden, width), KINDS.Q5_0)
        add(there + "mlp.down_proj.weight", here + "ffn_down.weight", (width, hidden))
    finish(writer)
    save_file(hub, out / "llama.safetensors")


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "Tests/Fixtures/gguf")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    write_blocks(options.out)
    write_llama(options.out)


if __name__ == "__main__":
    main()
