#!/usr/bin/env python3
"""Writes a tiny random model and a data set of made-up sentences, on which the whole command line runs in seconds.

`tiny.gguf` is a Llama of 4 blocks with random weights and a byte-level tokenizer that knows the words of the sentences,
laid out as the converter of llama.cpp does it. `sentences.txt` has one sentence per line, `id TAB rating TAB sentence`;
a sentence with words of praise is rated above zero, one with words of blame below.

Needs: pip install gguf numpy.
"""
import argparse
import pathlib
import random

import gguf
import numpy as np
from gguf.quants import quantize

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 20
KINDS = gguf.GGMLQuantizationType
LAYERS, WIDTH, HIDDEN, HEADS, SHARED, CONTEXT = 4, 32, 64, 2, 1, 256

PRAISE = ["bright", "clever", "lovely", "tender", "warm"]
BLAME = ["clumsy", "dull", "empty", "hollow", "stale"]
THINGS = ["acting", "camera", "dialogue", "ending", "music", "plot", "story"]
SUBJECTS = ["the film", "this comedy", "the café drama", "a western"]
OTHERS = ["has", "and", "It", "was", "great", "terrible"]


def byte_alphabet():
    """The character that stands for each byte: itself where it can be seen, else one from 256 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}


def vocabulary():
    """Tokens and merges: every byte, and each word with its leading space, put together from the left."""
    alphabet = byte_alphabet()
    tokens = [alphabet[byte] for byte in range(256)]
    merges = []
    words = {word for subject in SUBJECTS for word in subject.split()} | {*PRAISE, *BLAME, *THINGS, *OTHERS}
    for word in sorted(words):
        letters = [alphabet[byte] for byte in f" {word}".encode()]
        for end in range(1, len(letters)):
            left = "".join(letters[:end])
            if left + letters[end] not in tokens:
                merges.append(f"{left} {letters[end]}")
                tokens.append(left + letters[end])
    return tokens, merges


def write_model(path):
    chance = np.random.default_rng(SEED)
    tokens, merges = vocabulary()
    specials = ["<|begin|>", "<|end|>"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(SHARED)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens) + len(specials))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens + specials)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(tokens) + [gguf.TokenType.CONTROL] * len(specials))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(len(tokens))
    writer.add_eos_token_id(len(tokens) + 1)

    def add(name, rows, columns):
        weights = chance.normal(0, columns**-0.5, (rows, columns)).astype(np.float32)
        writer.add_tensor(name, quantize(weights, KINDS.Q8_0), raw_dtype=KINDS.Q8_0)

    def add_norm(name):
        writer.add_tensor(name, np.ones(WIDTH, np.float32))

    keys = WIDTH // HEADS * SHARED
    add("token_embd.weight", len(tokens) + len(specials), WIDTH)
    add_norm("output_norm.weight")
    for layer in range(LAYERS):
        add_norm(f"blk.{layer}.attn_norm.weight")
        add(f"blk.{layer}.attn_q.weight", WIDTH, WIDTH)
        add(f"blk.{layer}.attn_k.weight", keys, WIDTH)
        add(f"blk.{layer}.attn_v.weight", keys, WIDTH)
        add(f"blk.{layer}.attn_output.weight", WIDTH, WIDTH)
        add_norm(f"blk.{layer}.ffn_norm.weight")
        add(f"blk.{layer}.ffn_gate.weight", HIDDEN, WIDTH)
        add(f"blk.{layer}.ffn_up.weight", HIDDEN, WIDTH)
        add(f"blk.{layer}.ffn_down.weight", WIDTH, HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def sentences(count):
    """Different sentences with two words of one side each, and their ratings."""
    chance = random.Random(SEED)
    found = {}
    while len(found) < count:
        rating = chance.choice([-1, 1]) * chance.randint(1, 10) / 10
        first, second = chance.sample(PRAISE if rating > 0 else BLAME, 2)
        thing, other = chance.sample(THINGS, 2)
        found.setdefault(f"{chance.choice(SUBJECTS)} has {first} {thing} and {second} {other} .", rating)
    return found


def write_sentences(path, count):
    lines = [f"{i}\t{rating}\t{text}\n" for i, (text, rating) in enumerate(sentences(count).items(), start=1)]
    # Rated neither way: readers leave it out.
    lines.append(f"{count + 1}\t0.0\tthe film has a plot .\n")
    path.write_text("".join(lines), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "Tests/Fixtures/tiny-model")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    write_model(options.out / "tiny.gguf")
    write_sentences(options.out / "sentences.txt", 240)


if __name__ == "__main__":
    main()
