#!/usr/bin/env python3
"""Writes the tokenizer fixtures from the Hugging Face `tokenizers` library (0.23).

Needs: pip install tokenizers transformers gguf. The model, GPT-2's vocabulary and the movie sentences come from
`scripts/fetch smollm2 gpt2 movies`. Texts of others are never written: of the movie sentences only each line's token
count and a hash of its ids.
"""
import argparse
import json
import pathlib
import random
import struct

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from tokenizer_lines import awkward_lines

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 20
LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You answer in rhymes<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def words_by(rule):
    if rule == "llama-bpe":
        return pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(LLAMA3_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if rule == "gpt-2":
        return byte_level
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])


def tokenizer(tokens, merges, rule, specials=()):
    pairs = [tuple(merge.split(" ")) for merge in merges]
    made = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=pairs))
    made.pre_tokenizer = words_by(rule)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(specials))
    return made


def from_gguf(path):
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = fields["tokenizer.ggml.merges"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    return tokens, merges, [token for token, kind in zip(tokens, kinds) if kind == 3]


def from_vocabulary(folder):
    vocabulary = json.loads((folder / "vocab.json").read_text())
    merges = (folder / "merges.txt").read_text().split("\n")[1:]
    return tokenizer(sorted(vocabulary, key=vocabulary.get), [merge for merge in merges if merge], "gpt-2")


def fnv1a(ids):
    value = 0xCBF29CE484222325
    for byte in b"".join(struct.pack("<i", i) for i in ids):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def sentences(path):
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if line.strip():
            yield number, line.rstrip(b"\r").decode().split("\t", 2)[2]


PIECES = [
    "a", "I", "word", "Words", "don't", "we've", "they'll", "'s", "'S", "'", "''", "'re", "'x", "'l", "'ll", "'v",
    "I'm", "he'd", "0", "7", "42", "1234567890", "3.14", "1,000", " ", "  ", "     ", "\t", "\n", "\r\n", "\n\n", "\v", "\f",
    "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\u200b", "\u200d", "\ufeff", "\u180e", "\u001c", ".", "...", "!?",
    "--", "__init__", "a_b", "#", "@", "{}", "=>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|", "|>", "<reponame",
    "\u00e9", "e\u0301", "\u0301", "n\u0303o", "na\u00efve", "\u00dfs", "\u0130", "\u01c5", "\u00aa", "\u00b2", "\u00bd", "\u2167", "\u2460",
    "\u0665\u0666", "\u0967", "\u0e53", "\U0001d7d8", "\U00011de5", "\u4e00", "\u4e2d\u6587", "\u65e5\u672c\u8a9e", "\u30ab\u30bf", "\u1100\u1161", "\ud55c\uae00",
    "\u0440\u0443\u0441\u0441\u043a\u0438\u0439", "\u03bb\u03cc\u03b3\u03bf\u03c2", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "\u05e2\u05d1\u05e8\u05d9\u05ea", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0e44\u0e17\u0e22",
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f", "\U0001f44d\U0001f3fd", "\u20ac", "\u2026", "\u201cquoted\u201d",
    "\U0001f9ff", "\U00020000", "\U000e0001", "\uffff", "\U0010ffff", "\ue000", "\x00", "\x04", "\x06", "a\x04b", "\x7f", "\u0378", "\ua7ce",
]


def awkward(count):
    """Strings that a tokenizer gets wrong: single pieces, then random mixtures, then very long words and runs."""
    chance = random.Random(SEED)
    texts = [""] + PIECES
    while len(texts) < count - 40:
        joint = chance.choice(["", "", " ", "  "])
        texts.append(joint.join(chance.choice(PIECES) for _ in range(chance.randint(2, 9))))
    while len(texts) < count - 10:
        texts.append("".join(chr(chance.choice([chance.randint(0, 0x2FF), chance.randint(0, 0xD7FF),
                                                chance.randint(0xE000, 0x3FFFF)])) for _ in range(20)))
    texts += ["a" * 700, "ab" * 400, " " * 300, "x" + " " * 65 + "y", "\n" * 130, "9" * 200, "!" * 300,
              "pneumonoultramicroscopicsilicovolcanoconiosis" * 12, "\U0001f600" * 60, "<|im_start|>user\nhi<|im_end|>\n" * 3]
    return texts


def made_up_text(lines):
    """Text of invented words with a Zipf-like choice: something to train a tiny vocabulary on."""
    chance = random.Random(SEED)
    syllables = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "an", "er", "\u00e9")]
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(300)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    return [" ".join(chance.choices(words, weights, k=12)) + chance.choice([".", "!", " 12.", "..."]) for _ in range(lines)]


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace('},{', '},\n{') + "\n")


def write_movies(out, reference, movies):
    rows = [(number, reference.encode(text).ids) for number, text in sentences(movies)]
    (out / "movie-sentences.tsv").write_text(
        "".join(f"{number}\t{len(ids)}\t{fnv1a(ids):016x}\n" for number, ids in rows))


def write_awkward(out, plain, special):
    write_json(out / "awkward.json", [
        {"text": text, "ids": plain.encode(text).ids, "special": special.encode(text).ids,
         "decoded": plain.decode(plain.encode(text).ids)} for text in awkward(420)])


def write_tiny(out):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = words_by("gpt-2")
    trained.train_from_iterator(made_up_text(400), trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(trained.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [" ".join(merge) for merge in model["merges"]]
    texts = awkward(260) + made_up_text(40)
    rules = {rule: tokenizer(tokens, merges, rule) for rule in ("gpt-2", "smollm")}
    write_json(out / "tiny.json", {
        "tokens": tokens, "merges": merges, "special": [0, 1],
        "cases": [{"text": text, "gpt2": rules["gpt-2"].encode(text).ids, "smollm": rules["smollm"].encode(text).ids}
                  for text in texts]})


def llama3_tokenizer():
    """A small tokenizer of Llama-3's form: begin token in front, added tokens behind the vocabulary, merges ignored for
    words that are tokens, of which every eighth has lost its merge."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = words_by("llama-bpe")
    trained.train_from_iterator(made_up_text(400) + awkward_lines(3000, SEED + 1), trainers.BpeTrainer(
        vocab_size=1000, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(trained.to_str())["model"]
    used = {part for merge in model["merges"] for part in merge}
    lost = [merge for merge in model["merges"] if "".join(merge) not in used][::8]
    merges = [tuple(merge) for merge in model["merges"] if merge not in lost]
    made = Tokenizer(models.BPE(vocab=model["vocab"], merges=merges, ignore_merges=True))
    made.pre_tokenizer = trained.pre_tokenizer
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(name, normalized=False, special=True)
                             for name in ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>")])
    made.add_tokens([AddedToken("<note>", normalized=False)])
    made.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B",
            special_tokens=[("<|begin_of_text|>", made.token_to_id("<|begin_of_text|>"))])])
    return made


def write_llama3(out, made):
    (out / "llama3").mkdir(exist_ok=True)
    text = json.dumps(json.loads(made.to_str()), ensure_ascii=False, separators=(",", ":"))
    (out / "llama3/tokenizer.json").write_text(text + "\n")
    (out / "llama3/tokenizer_config.json").write_text(json.dumps({
        "bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "tokenizer_class": "PreTrainedTokenizerFast"}) + "\n")


def write_lines(out, small, smollm, gpt2):
    """The lines, and for each tokenizer the hashes of their ids as 64-bit little-endian numbers."""
    texts = awkward_lines(10_500, SEED)
    (out / "lines.json").write_text(json.dumps(texts, ensure_ascii=False, separators=(",", ":")) + "\n")

    def write(name, reference, **options):
        ids = [encoding.ids for encoding in reference.encode_batch_fast(texts, **options)]
        (out / f"lines.{name}.fnv").write_bytes(b"".join(struct.pack("<Q", fnv1a(line)) for line in ids))

    write("smollm2", smollm, add_special_tokens=False)
    write("gpt2", gpt2, add_special_tokens=False)
    write("llama3-special", small, add_special_tokens=True)
    small.encode_special_tokens = True
    for rule in ("gpt-2", "smollm", "llama-bpe"):
        small.pre_tokenizer = words_by(rule)
        write(f"small-{rule}", small, add_special_tokens=False)


def chats():
    user, system = {"role": "user", "content": "Why is the sky blue?"}, {"role": "system", "content": "Be brief.\n"}
    answer = {"role": "assistant", "content": " Because of 3 things:\n\n1. light\n"}
    return [[user], [system, user], [user, answer, user], [system], [user, system],
            [{"role": "user", "content": "{{ x }} '\n  \u00e9\U0001f600\u3000"}], [{"role": "user", "content": ""}]]


def write_chats(out, special, template):
    """Chats and their tokens by the model's template and by a made-up one."""
    def ids(own, messages):
        fast = PreTrainedTokenizerFast(tokenizer_object=special, chat_template=own)
        return fast.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)

    write_json(out / "chats.json", {"template": CHATML, "chats": [
        {"messages": messages, "model": ids(template, messages), "rhymes": ids(CHATML, messages)}
        for messages in chats()]})


def write_classes(out):
    """Each character's class, found by what it joins: L letter, N number, S space, O other, R a number to the digit
    splitter only. Runs of a class as `first last class`, in hexadecimal; surrogates are left out."""
    pattern, digits = words_by("gpt-2"), pre_tokenizers.Digits(individual_digits=True)

    def kind(character):
        joins = [name for name, with_ in (("L", "a"), ("N", "1"), ("O", "!"))
                 if len(pattern.pre_tokenize_str(with_ + character)) == 1]
        name = joins[0] if joins else "S"
        return "R" if name == "O" and len(digits.pre_tokenize_str("a" + character)) == 2 else name

    runs = []
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        name = kind(chr(code))
        if runs and runs[-1][2] == name and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code, name])
    (out / "scalar-classes.txt").write_text("".join(f"{a:x} {b:x} {name}\n" for a, b, name in runs))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path.home() / ".cache/permafrost")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "Tests/Fixtures/tokenizer")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    model = options.cache / "SmolLM2-135M-Instruct.Q4_1.gguf"
    tokens, merges, specials = from_gguf(model)
    plain, special = tokenizer(tokens, merges, "smollm"), tokenizer(tokens, merges, "smollm", specials)
    write_movies(options.out, plain, options.cache / "movieReviewSnippets_GroundTruth.txt")
    write_awkward(options.out, plain, special)
    write_tiny(options.out)
    write_classes(options.out)
    small = llama3_tokenizer()
    write_llama3(options.out, small)
    write_lines(options.out, small, plain, from_vocabulary(options.cache / "gpt2"))
    write_chats(options.out, special, gguf.GGUFReader(model).fields["tokenizer.chat_template"].contents())


if __name__ == "__main__":
    main()
