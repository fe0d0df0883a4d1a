"""The peer of 'permafrost bench training': the same steps in PyTorch + PEFT, measured.

    PYTHON scripts/reference/bench_training.py FOLDER --variant plain|tuned|compiled [options]

FOLDER is a model in the hub's layout, such as scripts/reference/shaped_model.py writes. A batch of sequences whose
tokens follow a rule goes through all blocks; adapters of rank 8 train in those above the split, and two label words
are the head, of which no logit but theirs is formed. Autograd keeps nothing of what lies below the lowest adapter.

  plain      the model as it comes: dropout and activation as its configuration has them
  tuned      no dropout, and the fused GELU where the model's is the tanh approximation
  compiled   tuned, through torch.compile

  --lengths 12,31,... are the tokens of each sequence, which are padded at their ends to the longest; rates count the
  sequences' own tokens.
  --part device measures the embedding and the blocks below the split alone, in inference mode.
  --dtype bf16 runs under autocast, weights stay float32.

Prints one JSON object.
"""

import argparse
import contextlib
import json
import resource
import statistics
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import torch
import torch.nn.functional as functional
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

LABELS = [10, 11]
WARM_UP = 2


class Batch:
    """Sequences by the rule that TrainingBench has, padded at their ends."""

    def __init__(self, lengths: List[int], vocabulary: int) -> None:
        longest = max(lengths)
        rule = [[(7919 * i + 104729 * j + 1) % vocabulary for j in range(longest)] for i in range(len(lengths))]
        self.tokens = torch.tensor(rule)
        self.count = sum(lengths)
        self.last = torch.tensor(lengths) - 1
        self.mask = (torch.arange(longest)[None, :] <= self.last[:, None]).long()
        self.inputs = {"input_ids": self.tokens}
        # Without padding there is nothing to mask, and the model takes its faster way.
        if min(lengths) < longest:
            self.inputs["attention_mask"] = self.mask


def load(folder: Path, tuned: bool) -> Any:
    config = AutoConfig.from_pretrained(folder)
    if tuned:
        for name in ("resid_pdrop", "embd_pdrop", "attn_pdrop", "dropout", "attention_dropout"):
            if hasattr(config, name):
                setattr(config, name, 0.0)
        if getattr(config, "activation_function", "") == "gelu_new":
            config.activation_function = "gelu_pytorch_tanh"
    return AutoModelForCausalLM.from_pretrained(folder, config=config, dtype=torch.float32)


def lower_half(base: Any, split: int) -> Any:
    """The model without the blocks above the split, the last norm and the head."""
    model = base.base_model
    inner = model.decoder if hasattr(model, "decoder") else model
    blocks = "h" if hasattr(inner, "h") else "layers"
    setattr(inner, blocks, getattr(inner, blocks)[:split])
    for norm in ("ln_f", "norm", "final_layer_norm"):
        if hasattr(inner, norm):
            setattr(inner, norm, torch.nn.Identity())
    return model


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(steps: int, tokens: int, step: Callable[[], Optional[float]]) -> Dict[str, Any]:
    times: List[float] = []
    first = None
    for number in range(WARM_UP + steps):
        if number == WARM_UP:
            before = time.process_time()
        start = time.perf_counter()
        loss = step()
        times.append(time.perf_counter() - start)
        first = loss if number == 0 else first
    measured = times[WARM_UP:]
    return {
        "tokens_per_second": tokens / statistics.median(measured),
        "best_tokens_per_second": tokens / min(measured),
        "processor_seconds": (time.process_time() - before) / steps,
        "peak_bytes": peak_bytes(),
        "first_loss": first,
        "seconds": measured,
    }


def device(options: argparse.Namespace, base: Any, batch: Batch, autocast: Any) -> Dict[str, Any]:
    model = lower_half(base, options.split).eval()
    forward = torch.compile(model) if options.variant == "compiled" else model

    def step() -> None:
        with torch.inference_mode(), autocast():
            forward(**batch.inputs, use_cache=False)

    return measure(options.steps, batch.count, step)


def training(options: argparse.Namespace, base: Any, batch: Batch, autocast: Any) -> Dict[str, Any]:
    embedding, layers = base.get_input_embeddings().weight, base.config.num_hidden_layers
    label_rows = embedding[LABELS].detach().clone()
    config = LoraConfig(
        r=8, lora_alpha=16, lora_dropout=0.0, target_modules=options.targets.split(","),
        layers_to_transform=list(range(options.split, layers)),
    )
    model = get_peft_model(base, config).train()
    whole = model.get_base_model().base_model
    forward = torch.compile(whole) if options.variant == "compiled" else whole
    trained = [p for p in model.parameters() if p.requires_grad]
    update = torch.optim.AdamW(trained, lr=1e-4)
    rows = torch.arange(len(batch.last))
    targets = rows % 2

    def step() -> float:
        with autocast():
            hidden = forward(**batch.inputs, use_cache=False).last_hidden_state[rows, batch.last]
            loss = functional.cross_entropy((hidden @ label_rows.T.to(hidden.dtype)).float(), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        update.step()
        update.zero_grad()
        return float(loss.detach())

    return measure(options.steps, batch.count, step)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--variant", choices=["plain", "tuned", "compiled"], required=True)
    parser.add_argument("--part", choices=["training", "device"], default="training")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--split", type=int, default=0, help="blocks below the lowest adapter")
    parser.add_argument("--targets", default="c_attn", help="layers with an adapter, separated by commas")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--lengths", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    options = parse()
    logging.disable_progress_bar()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    base = load(options.folder, tuned=options.variant != "plain")
    batch = Batch(options.lengths or [options.tokens] * options.batch, base.config.vocab_size)

    def autocast() -> Any:
        is_short = options.dtype == "bf16"
        return torch.autocast("cpu", torch.bfloat16) if is_short else contextlib.nullcontext()

    run = device if options.part == "device" else training
    print(json.dumps(run(options, base, batch, autocast)))


if __name__ == "__main__":
    main()
