"""What the reference makes of a case: streams, logits, and for each head and kind of training losses and gradients.

Every sequence runs alone, in a batch of one, so no padding touches any number.
"""

import math
from typing import Callable, Dict, List, Tuple

import torch
import torch.nn.functional as functional
from model_cases import LABELS, TRAINABLE_LAYERS, Case, factors
from transformers import PreTrainedModel

ADAMW = {
    "learning_rate": 1e-2,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "warmup_steps": 4,
    "steps": 10,
}
SGD = {
    "learning_rate": 0.1,
    "momentum": 0.9,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "warmup_steps": 4,
    "steps": 10,
}
# What PEFT calls the classifier's weight in an adapter.
SCORE = "base_model.model.score.weight"

Tensors = Dict[str, torch.Tensor]
Loss = Callable[[], torch.Tensor]


def normed(model: PreTrainedModel, sequences: List[List[int]]) -> List[torch.Tensor]:
    """Per sequence, the residual stream after the final norm: [length, width]."""
    return [
        model.base_model(input_ids=torch.tensor([sequence]), use_cache=False).last_hidden_state[0]
        for sequence in sequences
    ]


def blocks(model: PreTrainedModel) -> torch.nn.ModuleList:
    return next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList))


def streams(model: PreTrainedModel, sequences: List[List[int]]) -> Tensors:
    """Residual streams before and after each block and logits, rows of all sequences one after the other."""
    rows: Dict[str, List[torch.Tensor]] = {}

    def keep(index: int, value: torch.Tensor) -> None:
        rows.setdefault("hidden.%d" % index, []).append(value[0])

    # Hooks, because the framework's own hidden states have the last one after the final norm.
    hooks = [
        blocks(model)[0].register_forward_pre_hook(
            lambda _, inputs, named: keep(0, inputs[0] if inputs else named["hidden_states"]), with_kwargs=True
        )
    ]
    for index, block in enumerate(blocks(model)):
        hooks.append(
            block.register_forward_hook(lambda _, __, output, index=index: keep(index + 1, output))
        )
    with torch.no_grad():
        rows["logits"] = [model.lm_head(states) for states in normed(model, sequences)]
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(parts) for name, parts in rows.items()}


class Heads:
    """The three ways from a model to logits and a loss over the whole micro-batch."""

    def __init__(self, case: Case, model: PreTrainedModel) -> None:
        self.case, self.model, self.sequences = case, model, case.sequences()

    def last(self) -> torch.Tensor:
        return torch.stack([states[-1] for states in normed(self.model, self.sequences)])

    def label_logits(self) -> torch.Tensor:
        return self.model.lm_head(self.last())[:, self.case.label_words()]

    def verbalizer(self) -> torch.Tensor:
        return functional.cross_entropy(self.label_logits(), torch.tensor(LABELS))

    def classifier(self, score: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(self.last() @ score.T, torch.tensor(LABELS))

    def answers(self) -> torch.Tensor:
        answers = self.case.answers()
        rows = [
            states[-len(answer) :]
            for states, answer in zip(normed(self.model, self.sequences), answers)
        ]
        targets = torch.tensor([token for answer in answers for token in answer])
        return functional.cross_entropy(self.model.lm_head(torch.cat(rows)), targets)


def cosine_rate(step: int) -> float:
    """The rate of a step, counted from 1: linear to the peak, then half a cosine from the peak on."""
    peak, warmup, total = SGD["learning_rate"], SGD["warmup_steps"], SGD["steps"]
    if step <= warmup:
        return peak * step / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup - 1) / (total - warmup)))


def constant_rate(step: int) -> float:
    """The rate of a step, counted from 1: linear to the peak, then the peak."""
    return ADAMW["learning_rate"] * min(1.0, step / ADAMW["warmup_steps"])


def train(
    parameters: Dict[str, torch.Tensor],
    loss_of: Loss,
    optimizer: torch.optim.Optimizer,
    settings: Dict[str, float],
    rate: Callable[[int], float],
) -> torch.Tensor:
    """The loss before each step; gradients are clipped by their global norm."""
    losses = []
    for step in range(1, settings["steps"] + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(parameters.values()), settings["clip_norm"])
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def train_adamw(parameters: Dict[str, torch.Tensor], loss_of: Loss) -> torch.Tensor:
    optimizer = torch.optim.AdamW(
        list(parameters.values()),
        betas=(ADAMW["beta1"], ADAMW["beta2"]),
        eps=ADAMW["epsilon"],
        weight_decay=ADAMW["weight_decay"],
    )
    return train(parameters, loss_of, optimizer, ADAMW, constant_rate)


def train_sgd(parameters: Dict[str, torch.Tensor], loss_of: Loss) -> torch.Tensor:
    optimizer = torch.optim.SGD(
        list(parameters.values()), momentum=SGD["momentum"], weight_decay=SGD["weight_decay"]
    )
    return train(parameters, loss_of, optimizer, SGD, cosine_rate)


def gradients(prefix: str, parameters: Dict[str, torch.Tensor], loss_of: Loss) -> Tensors:
    """The loss, its gradient by each parameter, and the norm of all of them."""
    loss = loss_of()
    found = {prefix + "loss": loss.detach().reshape(1)}
    values = torch.autograd.grad(loss, list(parameters.values()))
    for name, value in zip(parameters, values):
        found["%sgrad.%s" % (prefix, name)] = value
    found[prefix + "grad_norm"] = torch.stack([v.norm() for v in values]).norm().reshape(1)
    return found


def fresh(case: Case, dtype: torch.dtype) -> Tuple[Heads, Dict[str, torch.Tensor]]:
    """The model with untrained adapters, and their factors."""
    adapted = case.adapted().to(dtype)
    return Heads(case, adapted.get_base_model()), factors(adapted)


def with_adapters(case: Case, dtype: torch.dtype) -> Tensors:
    """The streams, and the gradients of the verbalizer and the lm head."""
    heads, parameters = fresh(case, dtype)
    found = streams(heads.model, heads.sequences)
    found["label_logits"] = heads.label_logits().detach()
    found.update(gradients("", parameters, heads.verbalizer))
    found.update(gradients("lm_", parameters, heads.answers))
    return found


def with_trained_adapters(case: Case, dtype: torch.dtype) -> Tensors:
    """The verbalizer, trained by both optimizers, and the lm head."""
    heads, parameters = fresh(case, dtype)
    found = {"losses": train_adamw(parameters, heads.verbalizer)}
    for name, parameter in parameters.items():
        found["lora_after." + name] = parameter.detach()
    heads, parameters = fresh(case, dtype)
    found["sgd_losses"] = train_sgd(parameters, heads.verbalizer)
    found["sgd_rates"] = torch.tensor([cosine_rate(step) for step in range(1, SGD["steps"] + 1)])
    heads, parameters = fresh(case, dtype)
    found["lm_losses"] = train_adamw(parameters, heads.answers)
    return found


def with_classifier(case: Case, dtype: torch.dtype) -> Tensors:
    adapted = case.adapted().to(dtype)
    heads, score = Heads(case, adapted.get_base_model()), case.score().to(dtype).requires_grad_()
    parameters = {**factors(adapted), SCORE: score}
    found = {"classifier.weight": score.detach().clone()}
    found["classifier_logits"] = (heads.last() @ score.T).detach()
    found.update(gradients("classifier_", parameters, lambda: heads.classifier(score)))
    found["classifier_losses"] = train_adamw(parameters, lambda: heads.classifier(score))
    found["classifier_after." + SCORE] = score.detach()
    return found


def without_adapters(case: Case, dtype: torch.dtype) -> Tensors:
    """Full fine-tuning of the trainable blocks, and nothing else, by the verbalizer's loss."""
    model = case.model().to(dtype)
    model.requires_grad_(False)
    inside = {id(p) for layer in TRAINABLE_LAYERS for p in blocks(model)[layer].parameters()}
    parameters = {n: p.requires_grad_() for n, p in model.named_parameters() if id(p) in inside}
    heads = Heads(case, model)
    found = {"full_label_logits": heads.label_logits().detach()}
    found.update(gradients("full_", parameters, heads.verbalizer))
    found["full_losses"] = train_adamw(parameters, heads.verbalizer)
    return found


def with_variant(case: Case, dtype: torch.dtype) -> Tensors:
    adapted = case.adapted(case.variant).to(dtype)
    heads, parameters = Heads(case, adapted.get_base_model()), factors(adapted)
    found = {"variant_label_logits": heads.label_logits().detach()}
    found.update(gradients("variant_", parameters, heads.verbalizer))
    found["variant_losses"] = train_adamw(parameters, heads.verbalizer)
    return found


def with_rounded_weights(case: Case, dtype: torch.dtype) -> Tensors:
    """Logits with the base weights, but not the adapters, rounded to bfloat16."""
    adapted = case.adapted(model=case.model().bfloat16().float()).to(dtype)
    return {"bf16_logits": streams(adapted.get_base_model(), case.sequences())["logits"]}


def expected(case: Case, dtype: torch.dtype) -> Tensors:
    """Everything the fixture states, in the given precision from the same float32 weights."""
    parts = [with_adapters]
    if not case.brief:
        parts += [with_trained_adapters, with_classifier, without_adapters, with_rounded_weights]
    parts += [with_variant] if case.variant else []
    return {name: tensor for part in parts for name, tensor in part(case, dtype).items()}
