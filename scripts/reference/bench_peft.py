"""The peer: the quick start's training in PyTorch + PEFT, centrally, measured.

    PYTHON scripts/reference/bench_peft.py --data FILE --variant plain|tuned

FILE has one {"text": ..., "label": ...} a line. Same model, prompt, label words, LoRA, batch,
optimizer, float32 and threads as recipes/movies-quick.yaml. Sequences are padded on the right to
the longest of their batch. The frozen blocks need no gradients, so autograd keeps nothing of them.

  plain   the model as it comes: the head gives logits for every position and the whole vocabulary
  tuned   the head is never formed: two label rows times the hidden state of the last real token

Prints one JSON object; only the training loop is timed.
"""

import argparse
import json
import random
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Dict, List, Tuple

import torch
import torch.nn.functional as functional
from peft import LoraConfig, get_peft_model
from smollm2 import load

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LABELS = ["negative", "positive"]
WORDS = [" terrible", " great"]
PROMPT = "{text} It was"
LEARNING_RATE, WARMUP_STEPS, CLIP_NORM = 1e-3, 10, 1.0

Sample = Tuple[List[int], int]


def label_index(label: object) -> int:
    """A label is a name or its index."""
    if isinstance(label, str) and label in LABELS:
        return LABELS.index(label)
    if isinstance(label, int) and 0 <= label < len(LABELS):
        return int(label)
    raise SystemExit("Label %r is neither one of %s nor an index of them." % (label, LABELS))


def read_samples(path: Path, limit: int, tokenizer: object) -> List[Sample]:
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()][:limit]
    prompts = [PROMPT.replace("{text}", row["text"]) for row in rows]
    return [(tokenizer(p).input_ids, label_index(r["label"])) for p, r in zip(prompts, rows)]


def padded(batch: List[Sample]) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Token ids and mask, batch × longest; index of the last real token and label, batch."""
    longest = max(len(ids) for ids, _ in batch)
    tokens = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in batch])
    lengths = torch.tensor([len(ids) for ids, _ in batch])
    mask = (torch.arange(longest)[None, :] < lengths[:, None]).long()
    return tokens, mask, lengths - 1, torch.tensor([label for _, label in batch])


def high_water_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def restart_high_water() -> bool:
    """Forgets the peak of loading the model; not every kernel lets a process do so."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return True
    return False


def high_water_since_restart() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="JSON lines with text and label")
    parser.add_argument("--variant", choices=["plain", "tuned"], required=True)
    parser.add_argument("--samples", type=int, default=640)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    base, tokenizer = load()
    samples = read_samples(options.data, options.samples, tokenizer)
    if not samples:
        raise SystemExit("%s has no samples." % options.data)
    columns = [tokenizer(word).input_ids[0] for word in WORDS]
    config = LoraConfig(
        r=8,
        lora_alpha=16,
        lora_dropout=0.0,
        target_modules=TARGETS,
        layers_to_transform=list(range(24, 30)),
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, config).train()
    decoder = model.get_base_model().model
    label_rows = decoder.embed_tokens.weight[columns].detach().clone()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE)

    def label_logits(tokens: torch.Tensor, mask: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        rows = torch.arange(len(last))
        if options.variant == "plain":
            logits = model(input_ids=tokens, attention_mask=mask, use_cache=False).logits
            return logits[rows, last][:, columns]
        hidden = decoder(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
        return hidden[rows, last] @ label_rows.T

    order = random.Random(options.seed)
    step, tokens_trained, epoch_losses, last_loss = 0, 0, [], 0.0
    loaded_bytes = high_water_bytes()
    restarted = restart_high_water()
    started = time.perf_counter()
    for _ in range(options.epochs):
        order.shuffle(samples)
        total = 0.0
        for start in range(0, len(samples), options.batch):
            batch = samples[start : start + options.batch]
            tokens, mask, last, labels = padded(batch)
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / WARMUP_STEPS)
            loss = functional.cross_entropy(label_logits(tokens, mask, last), labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
            optimizer.step()
            step += 1
            last_loss = loss.item()
            total += last_loss * len(batch)
            tokens_trained += int(mask.sum())
        epoch_losses.append(total / len(samples))
    seconds = time.perf_counter() - started
    training_bytes = high_water_since_restart() if restarted else high_water_bytes()

    report: Dict[str, object] = {
        "variant": options.variant,
        "samples": len(samples),
        "steps": step,
        "seconds": seconds,
        "tokens": tokens_trained,
        "tokens_per_second": tokens_trained / seconds,
        "peak_rss_bytes": max(loaded_bytes, training_bytes),
        "training_peak_rss_bytes": training_bytes,
        "trainable_parameters": sum(p.numel() for p in parameters),
        "final_loss": last_loss,
        "epoch_mean_loss": epoch_losses,
    }
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
