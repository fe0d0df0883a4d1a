"""Writes Tests/Fixtures/generation: what the real model in transformers continues three prompts with, greedily.

    PYTHON scripts/reference/generation_fixture.py

The tokens are found step by step with the cache of keys and values. One pass over prompt and
continuation, without a cache, then finds them again, and the margins: how far the likeliest token's
logit is above the next one's. A continuation runs on behind the end of the text, where there is one.
"""

import json
from pathlib import Path
from typing import Dict, List

import torch
from smollm2 import load

FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "generation"
NEW_TOKENS = 64
PLAIN = "The capital of France is"
MESSAGES = [{"role": "user", "content": "Name three things that a gardener needs in spring."}]
WORD_PROBLEM = (
    "Question: A baker fills 6 trays with 12 rolls each. She sells 45 rolls before noon and gives 7 to a neighbour. "
    "How many rolls are left?\nAnswer:"
)


def greedy(model: torch.nn.Module, prompt: List[int]) -> List[int]:
    found: List[int] = []
    fresh, cache = prompt, None
    while len(found) < NEW_TOKENS:
        output = model(input_ids=torch.tensor([fresh]), past_key_values=cache, use_cache=True)
        fresh, cache = [int(output.logits[0, -1].argmax())], output.past_key_values
        found += fresh
    return found


def entry(model: torch.nn.Module, tokenizer: object, text: str) -> Dict[str, object]:
    # A template's text has its special tokens written out; the tokenizer adds none of its own.
    prompt = tokenizer(text, add_special_tokens=False).input_ids
    found = greedy(model, prompt)
    logits = model(input_ids=torch.tensor([prompt + found[:-1]]), use_cache=False).logits[0]
    best = logits[len(prompt) - 1 :].double().topk(2)
    assert best.indices[:, 0].tolist() == found, "the cache changes what is generated"
    margins = [round(margin, 5) for margin in (best.values[:, 0] - best.values[:, 1]).tolist()]
    end = tokenizer.eos_token_id
    return {
        "prompt": text,
        "prompt_token_ids": prompt,
        "token_ids": found,
        "margins": margins,
        "end": found.index(end) if end in found else None,
        "text": tokenizer.decode(found),
    }


def main() -> None:
    torch.set_num_threads(1)
    model, tokenizer = load()
    chat = tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
    with torch.no_grad():
        found = {
            "plain": entry(model, tokenizer, PLAIN),
            "chat": {"messages": MESSAGES, **entry(model, tokenizer, chat)},
            "word_problem": entry(model, tokenizer, WORD_PROBLEM),
        }
    found["end_token_id"] = tokenizer.eos_token_id
    FOLDER.mkdir(exist_ok=True)
    lines = []
    for name, value in found.items():
        if isinstance(value, dict):
            inner = ["    %s: %s" % (json.dumps(key), json.dumps(part)) for key, part in value.items()]
            lines.append('  "%s": {\n%s\n  }' % (name, ",\n".join(inner)))
            print("%-13s smallest margin %.5f, end %s" % (name, min(value["margins"]), value["end"]))
            print(value["prompt"] + "|" + value["text"])
        else:
            lines.append('  "%s": %s' % (name, json.dumps(value)))
    (FOLDER / "smollm2.json").write_text("{\n%s\n}\n" % ",\n".join(lines))


if __name__ == "__main__":
    main()
