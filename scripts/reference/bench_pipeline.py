"""The reference: steps of training in torch.distributed.pipelining, or in one process, measured.

    PYTHON scripts/reference/bench_pipeline.py --schedule NAME --steps N

A GPT-2-small shape (12 blocks, width 768, 12 heads) of random weights with a classifier on the last
token, trained on random activations of 8 sequences of 128 tokens, a micro-batch each, in float32:
as 'permafrost bench pipeline --shape gpt2-small' does. Autograd keeps nothing that it does not need,
attention is fused, and no embedding and no vocabulary is there.

  --schedule single   one process with 2 threads, micro-batch after micro-batch
  --schedule NAME     2 processes with 1 thread each over gloo: InterleavedZeroBubble, ZBVZeroBubble
                      (2 stages each), 1F1B, GPipe
  --trainable lora    adapters of rank 8 beside every linear layer, or 'full'

Prints one JSON object. Memory is the sum of the processes' peaks.
"""

import argparse
import json
import os
import resource
import socket
import statistics
import sys
import time
from datetime import timedelta
from typing import Any, Callable, Dict, List

import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.distributed.pipelining import PipelineStage, schedules

LAYERS, WIDTH, HEADS, CLASSES, RANK, ALPHA = 12, 768, 12, 2, 8, 16.0
PROCESSES = 2
# How many stages a process has, and whether they lie in the shape of a V.
STAGES = {"InterleavedZeroBubble": (2, False), "ZBVZeroBubble": (2, True), "1F1B": (1, False), "GPipe": (1, False)}


class Linear(nn.Module):
    """A linear layer that trains, or a frozen one with an adapter beside it."""

    def __init__(self, inputs: int, outputs: int, trainable: str) -> None:
        super().__init__()
        whole = trainable == "full"
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * 0.02, requires_grad=whole)
        self.bias = nn.Parameter(torch.zeros(outputs), requires_grad=whole)
        self.a = None if whole else nn.Parameter(torch.randn(RANK, inputs) / inputs**0.5)
        self.b = None if whole else nn.Parameter(torch.zeros(outputs, RANK))

    def forward(self, x: Tensor) -> Tensor:
        z = functional.linear(x, self.weight, self.bias)
        if self.a is None or self.b is None:
            return z
        return torch.add(z, functional.linear(functional.linear(x, self.a), self.b), alpha=ALPHA / RANK)


class Block(nn.Module):
    def __init__(self, trainable: str) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.norms.requires_grad_(trainable == "full")
        self.attention = Linear(WIDTH, 3 * WIDTH, trainable)
        self.attended = Linear(WIDTH, WIDTH, trainable)
        self.expansion = Linear(WIDTH, 4 * WIDTH, trainable)
        self.contraction = Linear(4 * WIDTH, WIDTH, trainable)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        joined = self.attention(self.norms[0](x)).view(batch, tokens, 3, HEADS, WIDTH // HEADS)
        q, k, v = joined.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attended(mixed.transpose(1, 2).reshape(batch, tokens, WIDTH))
        hidden = functional.gelu(self.expansion(self.norms[1](x)), approximate="tanh")
        return x + self.contraction(hidden)


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH).requires_grad_(False)
        self.classes = nn.Linear(WIDTH, CLASSES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(self.norm(x[:, -1]))


def part(number: int, count: int, trainable: str) -> nn.Sequential:
    """One of `count` equal parts of the model; the last one has the head."""
    blocks = [Block(trainable) for _ in range(LAYERS // count)]
    return nn.Sequential(*blocks, *([Head()] if number == count - 1 else []))


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(logits, targets)


def optimizer(parts: List[nn.Module]) -> torch.optim.Optimizer:
    trained = [p for module in parts for p in module.parameters() if p.requires_grad]
    return torch.optim.AdamW(trained, lr=1e-4, foreach=True)


def measure(options: argparse.Namespace, step: Callable[[], None]) -> Dict[str, Any]:
    """Tokens a second of the median and of the shortest step, after one that is not measured."""
    times = []
    for number in range(1 + options.steps):
        if number == 1:
            before = time.process_time()
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {
        "processor_seconds": (time.process_time() - before) / options.steps,
        "tokens_per_second": options.micro_batches * options.tokens / statistics.median(times[1:]),
        "best_tokens_per_second": options.micro_batches * options.tokens / min(times[1:]),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def run_single(options: argparse.Namespace) -> Dict[str, Any]:
    torch.set_num_threads(PROCESSES)
    torch.manual_seed(1)
    model = part(0, 1, options.trainable)
    update = optimizer([model])
    x = torch.randn(options.micro_batches, options.tokens, WIDTH)
    targets = torch.zeros(options.micro_batches, dtype=torch.long)

    def step() -> None:
        for piece, target in zip(x.split(1), targets.split(1)):
            (loss(model(piece), target) / options.micro_batches).backward()
        update.step()
        update.zero_grad()

    return measure(options, step)


def run_rank(rank: int, options: argparse.Namespace, port: int, results: Any) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    distributed.init_process_group("gloo", rank=rank, world_size=PROCESSES, timeout=timedelta(seconds=180))
    torch.manual_seed(1 + rank)
    each, is_v = STAGES[options.schedule]
    total = each * PROCESSES
    numbers = [rank, total - 1 - rank] if is_v else list(range(rank, total, PROCESSES))
    parts = [part(number, total, options.trainable) for number in numbers]
    update = optimizer(parts)
    device = torch.device("cpu")
    stages = [PipelineStage(module, number, total, device) for module, number in zip(parts, numbers)]
    kind = schedules.get_schedule_class(options.schedule)
    schedule = kind(stages if each > 1 else stages[0], options.micro_batches, loss_fn=loss)
    x = torch.randn(options.micro_batches, options.tokens, WIDTH)
    targets = torch.zeros(options.micro_batches, dtype=torch.long)
    is_last = total - 1 in numbers

    def step() -> None:
        schedule.step(*([x] if rank == 0 else []), **({"target": targets} if is_last else {}))
        update.step()
        update.zero_grad()
        distributed.barrier()

    results.put(measure(options, step))
    distributed.barrier()
    distributed.destroy_process_group()


def run_pipeline(options: argparse.Namespace) -> Dict[str, Any]:
    # Each process has a copy of its own of whatever the parent has: it has nothing yet.
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(run_rank, (options, port, results), nprocs=PROCESSES)
    found = [results.get() for _ in range(PROCESSES)]
    return {
        "tokens_per_second": min(one["tokens_per_second"] for one in found),
        "best_tokens_per_second": min(one["best_tokens_per_second"] for one in found),
        "processor_seconds": sum(one["processor_seconds"] for one in found),
        "peak_bytes": sum(one["peak_bytes"] for one in found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedule", choices=["single", *STAGES], required=True)
    parser.add_argument("--trainable", choices=["lora", "full"], default="lora")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--micro-batches", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128)
    options = parser.parse_args()
    found = run_single(options) if options.schedule == "single" else run_pipeline(options)
    json.dump({"schedule": options.schedule, **found, "torch": torch.__version__}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
