"""Checks Tests/Fixtures/models from its files alone, by other ways than those that wrote them.

    PYTHON scripts/reference/check_model_fixtures.py [FOLDER]

Merged adapters against the logits, the framework's own classes for sequence classification, losses
written out in numbers, gradients by finite differences, an SGD step by hand, and what the scaling of
the rotary positions changes. Prints each largest difference and fails when one is too large.
"""

import json
import math
import sys
from pathlib import Path
from typing import List

import numpy as np
import torch
from model_fixtures import ROOT
from peft import PeftConfig, PeftModel
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

# A wide step, because Llama's norm rounds to float32 even in float64, and a narrow one, which does not cross the kinks
# of OPT's ReLU. The better of the two counts.
STEPS = [1e-3, 1e-5]


class Check:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.case = json.loads((folder / "case.json").read_text())
        self.expected = load_file(folder / "expected.safetensors")
        self.failed = False

    def close(self, name: str, found: torch.Tensor, expected: torch.Tensor, tolerance: float) -> None:
        scale = max(1.0, expected.abs().max().item())
        difference = (found.double() - expected.double()).abs().max().item() / scale
        self.failed |= not difference <= tolerance
        print("  %-44s %.1e%s" % (name, difference, "" if difference <= tolerance else "  TOO LARGE"))

    def base(self, kind: type = AutoModelForCausalLM, **options: object) -> torch.nn.Module:
        return kind.from_pretrained(self.folder, dtype=torch.float32, **options).eval()

    def adapted(self, adapter: str = "adapter") -> PeftModel:
        return PeftModel.from_pretrained(self.base(), self.folder / adapter).eval()

    def logits(self, model: torch.nn.Module) -> List[torch.Tensor]:
        """Per sequence, by the framework's whole forward pass, with its default attention."""
        with torch.no_grad():
            return [model(input_ids=torch.tensor([tokens])).logits[0] for tokens in self.case["sequences"]]

    def label_loss(self, rows: torch.Tensor) -> float:
        rows = rows.double().numpy()
        chosen = rows[np.arange(len(rows)), self.case["labels"]]
        return float(np.mean(np.log(np.exp(rows).sum(1)) - chosen))

    def words(self, logits: List[torch.Tensor]) -> torch.Tensor:
        return torch.stack([rows[-1] for rows in logits])[:, self.case["label_words"]]

    def adapters(self) -> None:
        """Merged into the base, the adapter gives the same logits, and these the losses."""
        merged = self.logits(self.adapted().merge_and_unload())
        self.close("merged logits", torch.cat(merged), self.expected["logits"], 2e-5)
        loss = torch.tensor([self.label_loss(self.words(merged))])
        self.close("loss by hand", loss, self.expected["loss"], 2e-6)
        losses = []
        for rows, answer in zip(merged, self.case["answers"]):
            last = rows[-len(answer) :].double().numpy()
            losses += [np.log(np.exp(row).sum()) - row[token] for row, token in zip(last, answer)]
        self.close("lm loss by hand", torch.tensor([np.mean(losses)]), self.expected["lm_loss"], 2e-6)
        for sequence, answer in zip(self.case["sequences"], self.case["answers"]):
            assert sequence[len(sequence) - len(answer) + 1 :] == answer[:-1]

    def full(self) -> None:
        plain = self.words(self.logits(self.base()))
        self.close("base label logits", plain, self.expected["full_label_logits"], 2e-5)
        self.gradients("full_", self.base())

    def classifier(self) -> None:
        model = self.base(AutoModelForSequenceClassification, num_labels=3)
        with torch.no_grad():
            model.score.weight.copy_(self.expected["classifier.weight"])
        config = PeftConfig.from_pretrained(self.folder / "adapter")
        config.task_type = None
        wrapped = PeftModel.from_pretrained(model, self.folder / "adapter", config=config).eval()
        found = torch.stack(self.logits(wrapped))
        self.close("the framework's classifier", found, self.expected["classifier_logits"], 2e-5)
        loss = torch.tensor([self.label_loss(found)])
        self.close("classifier loss by hand", loss, self.expected["classifier_loss"], 2e-6)
        if (self.folder / "adapter-classifier").exists():
            model = self.base(AutoModelForSequenceClassification, num_labels=3)
            wrapped = PeftModel.from_pretrained(model, self.folder / "adapter-classifier").eval()
            found = torch.stack(self.logits(wrapped))
            self.close("its saved module", found, self.expected["classifier_logits"], 2e-5)

    def slope(
        self, model: torch.nn.Module, parameter: torch.Tensor, direction: torch.Tensor, step: float
    ) -> float:
        """Of the loss along a direction, from both sides."""
        direction, before, losses = direction / direction.norm(), parameter.detach().clone(), []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.copy_(before + sign * step * direction)
                losses.append(self.label_loss(self.words(self.logits(model))))
                parameter.copy_(before)
        return (losses[0] - losses[1]) / (2 * step)

    def gradients(self, prefix: str, model: torch.nn.Module) -> None:
        """The slope of the loss along each gradient is its norm."""
        model = model.double()
        parameters = {n.replace(".default", ""): p for n, p in model.named_parameters()}
        worst = 0.0
        for name, gradient in self.expected.items():
            if not name.startswith(prefix + "grad.") or name in self.case["vanishing_gradients"]:
                continue
            parameter = parameters[name.removeprefix(prefix + "grad.")]
            slopes = [self.slope(model, parameter, gradient.double(), step) for step in STEPS]
            norm = gradient.double().norm().item()
            worst = max(worst, min(abs(slope / norm - 1) for slope in slopes))
        self.close("%sgrad by finite differences" % prefix, torch.tensor([worst]), torch.zeros(1), 1e-3)

    def sgd(self) -> None:
        """Two steps by hand: the gradient of the first is in the file, the second loss tells."""
        settings, rates = self.case["sgd"], self.expected["sgd_rates"].double()
        scale = min(1.0, settings["clip_norm"] / (self.expected["grad_norm"].item() + 1e-6))
        model = self.adapted()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                gradient = self.expected.get("grad." + name.replace(".default", ""))
                if gradient is not None:
                    change = gradient * scale + settings["weight_decay"] * parameter
                    parameter.sub_(change, alpha=rates[0].item())
        loss = torch.tensor([self.label_loss(self.words(self.logits(model)))])
        self.close("second SGD loss by hand", loss, self.expected["sgd_losses"][1:2], 2e-6)
        peak, warmup = settings["learning_rate"], settings["warmup_steps"]
        assert math.isclose(rates[warmup - 1], peak, rel_tol=1e-6)
        assert math.isclose(rates[warmup], peak, rel_tol=1e-6)

    def variant(self) -> None:
        """Scaled by alpha over the root of the rank, written out in the base weights."""
        adapter = load_file(self.folder / "adapter-variant" / "adapter_model.safetensors")
        lora, model = self.case["lora_variant"], self.base()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                factor = "base_model.model." + name.removesuffix("weight") + "lora_%s.weight"
                if factor % "A" in adapter:
                    product = adapter[factor % "B"] @ adapter[factor % "A"]
                    parameter.add_(product, alpha=lora["alpha"] / math.sqrt(lora["rank"]))
        found = self.words(self.logits(model))
        self.close("variant label logits by hand", found, self.expected["variant_label_logits"], 2e-5)

    def rounded(self) -> None:
        """The two shards hold the base weights, rounded."""
        folder = self.folder.with_name(self.folder.name + "-bf16")
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        merged = self.logits(PeftModel.from_pretrained(model, self.folder / "adapter").eval())
        self.close("logits of the shards", torch.cat(merged), self.expected["bf16_logits"], 2e-5)

    def rotary_scaling(self) -> None:
        """Without it, the logits are others from the second position on."""
        config = AutoConfig.from_pretrained(self.folder)
        if (config.to_dict().get("rope_parameters") or {}).get("rope_type") != "llama3":
            return
        config.rope_parameters = {"rope_type": "default", "rope_theta": config.rope_parameters["rope_theta"]}
        model = PeftModel.from_pretrained(self.base(config=config), self.folder / "adapter").eval()
        difference = (torch.cat(self.logits(model)) - self.expected["logits"]).abs().max().item()
        print("  without rotary scaling, logits differ by      %.2f" % difference)
        self.failed |= difference < 0.1

    def run(self) -> bool:
        print(self.folder.name)
        self.adapters()
        self.gradients("", self.adapted())
        self.rotary_scaling()
        # A brief case states no more.
        if "losses" not in self.expected:
            return not self.failed
        self.classifier()
        self.full()
        self.sgd()
        if "lora_variant" in self.case:
            self.variant()
        if self.folder.with_name(self.folder.name + "-bf16").exists():
            self.rounded()
        exact = self.expected["logits"]
        difference = (self.expected["bf16_logits"] - exact).abs().max() / exact.abs().max()
        print("  %-44s %.1e" % ("bfloat16 weights change the largest logit by", difference.item()))
        return not self.failed


def main() -> None:
    torch.set_num_threads(1)
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    results = [Check(path.parent).run() for path in sorted(root.glob("*/case.json"))]
    if not results or not all(results):
        raise SystemExit("The fixtures do not agree with themselves.")


if __name__ == "__main__":
    main()
