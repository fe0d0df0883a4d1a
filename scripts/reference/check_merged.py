#!/usr/bin/env python3
"""Checks that transformers reads a model that `permafrost export merged` made of a GGUF base, tokenizer included.

    permafrost export merged RUN MERGED
    permafrost eval RUN/recipe.yaml --adapter RUN/adapter --predictions PREDICTIONS
    PYTHON scripts/reference/check_merged.py --merged MERGED --gguf BASE.gguf --texts FILE \\
        [--predictions PREDICTIONS]

Each line of FILE must get the ids that the tokenizers library gives with the tokens and merges of BASE.gguf, also with
special tokens in it, and come back from them. With PREDICTIONS, the merged model's logits of the label words must be
Permafrost's. Exits with 1 when something differs.
"""
import argparse
import json
import os
import pathlib
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import gguf
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tokenizer_fixture import from_gguf, tokenizer as reference_tokenizer


def check_ids(found, path, lines):
    fields = gguf.GGUFReader(path).fields
    tokens, merges, specials = from_gguf(path)
    expected = reference_tokenizer(tokens, merges, fields["tokenizer.ggml.pre"].contents(), specials)
    texts = lines + ["%s%s\n%s" % (name, line, name) for name, line in zip(specials * len(lines), lines)]
    different = [text for text in texts
                 if found(text).input_ids != expected.encode(text).ids
                 or found.decode(found(text).input_ids, skip_special_tokens=False) != text]
    print("texts                %d, of which %d get other ids" % (len(texts), len(different)))
    template = fields.get("tokenizer.chat_template")
    same = found.chat_template == (template and template.contents())
    if not same:
        print("the chat template is another one")
    ids = {"bos": found.bos_token_id, "eos": found.eos_token_id}
    for name, value in ids.items():
        field = fields.get("tokenizer.ggml.%s_token_id" % name)
        if field is not None and field.contents() != value:
            print("%s is %s and not %s" % (name, value, field.contents()))
            same = False
    return same and not different


def check_logits(found, folder, predictions, words, tolerance):
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    unexpected = [name for key in ("missing_keys", "unexpected_keys", "mismatched_keys") for name in report[key]]
    assert not unexpected, unexpected
    columns = [found(word, add_special_tokens=False).input_ids for word in words]
    assert all(len(ids) == 1 for ids in columns), "each label word must be one token"
    largest = 0.0
    for prediction in predictions:
        ids = torch.tensor([found(prediction["prompt"]).input_ids])
        with torch.no_grad():
            logits = model.eval()(input_ids=ids, use_cache=False, logits_to_keep=1).logits[0, -1]
        difference = logits[[ids[0] for ids in columns]].double() - torch.tensor(prediction["logits"]).double()
        # A logit that is not a number must not pass for close.
        largest = max(largest, torch.nan_to_num(difference.abs(), nan=float("inf")).max().item())
    print("predictions          %d" % len(predictions))
    print("largest difference   %.1e  (allowed %.0e)" % (largest, tolerance))
    return largest <= tolerance


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--merged", type=pathlib.Path, required=True, help="what permafrost export wrote")
    parser.add_argument("--gguf", type=pathlib.Path, required=True, help="the base of the merged model")
    parser.add_argument("--texts", type=pathlib.Path, required=True, help="a file with a text on each line")
    parser.add_argument("--count", type=int, default=500, help="how many lines to compare")
    parser.add_argument("--predictions", type=pathlib.Path, help="what permafrost eval wrote")
    parser.add_argument("--samples", type=int, default=32, help="how many predictions to compare")
    parser.add_argument("--words", nargs="+", default=[" terrible", " great"], help="in label order")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="largest allowed difference of a logit")
    options = parser.parse_args()
    torch.set_num_threads(2)
    found = AutoTokenizer.from_pretrained(options.merged)
    passed = check_ids(found, options.gguf, options.texts.read_text(encoding="utf-8").splitlines()[:options.count])
    if options.predictions:
        lines = options.predictions.read_text(encoding="utf-8").splitlines()[:options.samples]
        predictions = [json.loads(line) for line in lines]
        passed &= bool(predictions) and check_logits(
            found, options.merged, predictions, options.words, options.tolerance)
    print("passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
