"""Writes Tests/Fixtures/prose: what the real model in transformers makes of a paragraph of English.

    PYTHON scripts/reference/prose.py

Reads prose.txt; writes shuffled.txt, the same words in another order, and expected.json: token ids
and perplexities (exp of the mean negative log-likelihood of tokens 2..n) of both, and a greedy
continuation.
"""

import json
import random
from pathlib import Path
from typing import Dict, List

import torch
import torch.nn.functional as functional
from smollm2 import load

FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "prose"
SHUFFLE_SEED = 7
PROMPT = "The capital of France is"
NEW_TOKENS = 8


def shuffled(text: str) -> str:
    words = text.split()
    random.Random(SHUFFLE_SEED).shuffle(words)
    return " ".join(words)


def mean_negative_log_likelihood(model: torch.nn.Module, ids: List[int]) -> float:
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].double()
    return functional.cross_entropy(logits[:-1], torch.tensor(ids[1:])).item()


def greedy(model: torch.nn.Module, ids: List[int]) -> List[int]:
    """The likeliest next token, again and again, without a cache so that nothing is hidden."""
    found: List[int] = []
    for _ in range(NEW_TOKENS):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids + found]), use_cache=False).logits[0, -1]
        found.append(int(logits.argmax()))
    return found


def main() -> None:
    torch.set_num_threads(2)
    model, tokenizer = load()

    def entry(text: str) -> Dict[str, object]:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        nll = mean_negative_log_likelihood(model, ids)
        perplexity = torch.tensor(nll, dtype=torch.float64).exp().item()
        return {"token_ids": ids, "mean_negative_log_likelihood": nll, "perplexity": perplexity}

    prose = (FOLDER / "prose.txt").read_text().strip()
    mixed = shuffled(prose)
    (FOLDER / "shuffled.txt").write_text(mixed + "\n")
    prompt_ids = tokenizer(PROMPT, add_special_tokens=False).input_ids
    continuation = greedy(model, prompt_ids)
    expected = {
        "prose": entry(prose),
        "shuffled": entry(mixed),
        "greedy": {
            "prompt": PROMPT,
            "prompt_token_ids": prompt_ids,
            "token_ids": continuation,
            "text": tokenizer.decode(continuation),
        },
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=None) + "\n")
    for name in ("prose", "shuffled"):
        print("%-9s perplexity %.3f" % (name, expected[name]["perplexity"]))
    print("%s%s" % (PROMPT, expected["greedy"]["text"]))


if __name__ == "__main__":
    main()
