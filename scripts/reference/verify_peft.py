"""Loads a trained adapter with Python PEFT and compares its label-word logits with Permafrost's.

    PYTHON scripts/reference/verify_peft.py --adapter FOLDER --predictions FILE

FILE has one JSON object a line, as `permafrost eval --predictions FILE` writes it:
{"text": ..., "label": ..., "logits": [one per label word]}. Exits with 1 when a logit differs by
more than the tolerance, with 2 when there is nothing to compare.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Dict, List

import torch
from peft import PeftModel
from smollm2 import load


def read_predictions(path: Path, samples: int) -> List[Dict[str, object]]:
    with open(path, encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines if line.strip()]
    return found[:samples]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--adapter", type=Path, required=True, help="a folder in PEFT format")
    parser.add_argument(
        "--predictions", type=Path, required=True, help="what permafrost eval wrote"
    )
    parser.add_argument("--samples", type=int, default=64, help="how many lines to compare")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="largest allowed difference")
    parser.add_argument("--prompt", default="{text} It was", help="with {text} where the text goes")
    parser.add_argument(
        "--words", nargs="+", default=[" terrible", " great"], help="in label order"
    )
    options = parser.parse_args()

    predictions = read_predictions(options.predictions, options.samples)
    if not predictions:
        print("%s has no predictions." % options.predictions, file=sys.stderr)
        return 2
    torch.set_num_threads(2)
    base, tokenizer = load()
    model = PeftModel.from_pretrained(base, options.adapter).eval()
    words = [tokenizer(word, add_special_tokens=False).input_ids for word in options.words]
    if any(len(ids) != 1 for ids in words):
        print("Each label word must be one token: %s." % options.words, file=sys.stderr)
        return 2
    columns = [ids[0] for ids in words]

    largest, total, agreements, count = 0.0, 0.0, 0, 0
    for prediction in predictions:
        ids = tokenizer(options.prompt.replace("{text}", prediction["text"])).input_ids
        with torch.no_grad():
            # One position through the head is enough.
            logits = model(input_ids=torch.tensor([ids]), use_cache=False, logits_to_keep=1).logits
        reference = logits[0, -1, columns].double()
        ours = torch.tensor(prediction["logits"], dtype=torch.float64)
        if ours.shape != reference.shape:
            print(
                "A prediction has %d logits for %d words." % (len(ours), len(columns)),
                file=sys.stderr,
            )
            return 2
        difference = (ours - reference).abs()
        # A logit that is not a number must not pass for close.
        largest = max(largest, torch.nan_to_num(difference, nan=float("inf")).max().item())
        total += difference.sum().item()
        agreements += int(ours.argmax() == reference.argmax())
        count += difference.numel()
    passed = largest <= options.tolerance
    print("sentences            %d" % len(predictions))
    print("largest difference   %.2e  (allowed %.0e)" % (largest, options.tolerance))
    print("mean difference      %.2e" % (total / count))
    print("same prediction      %d of %d" % (agreements, len(predictions)))
    print("passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
