"""Writes Tests/Fixtures/models: small random models with LoRA, as transformers + PEFT see them.

    scripts/reference/venv            prints the Python to run this with
    PYTHON scripts/reference/model_fixtures.py [--out FOLDER] [CASE ...]

The computation is done in float32 on one thread and again in float64 (where the framework itself
keeps norms and softmax in float32). The largest relative difference of each kind of tensor between
the two is printed, which shows how far below the tests' tolerances the fixtures themselves stand.
"""

import argparse
import copy
import json
from pathlib import Path
from typing import Dict, List

import torch
from model_cases import CASES, CLASSES, LABELS, TRAINABLE_LAYERS, Adapter, Case
from model_tasks import ADAMW, SGD, Tensors, expected
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

ROOT = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "models"
# A gradient that is zero but for rounding has less than this part of the norm of all.
VANISHING = 1e-6


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_adapter(model: PeftModel, folder: Path) -> None:
    model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    # PEFT writes sets; sorted, so that a second run writes the same bytes.
    config = json.loads((folder / "adapter_config.json").read_text())
    for key in ("target_modules", "modules_to_save"):
        config[key] = sorted(config[key]) if config[key] else config[key]
    write_json(folder / "adapter_config.json", dict(sorted(config.items())))


def write_classifier_adapter(case: Case, folder: Path) -> None:
    """The adapter and the classifier as PEFT writes them together, the classifier as a module to save."""
    config = copy.deepcopy(case.config)
    config.num_labels = CLASSES
    model = AutoModelForSequenceClassification.from_config(config)
    wrapped = get_peft_model(
        model,
        LoraConfig(
            r=case.adapter.rank,
            lora_alpha=case.adapter.alpha,
            target_modules=case.adapter.targets,
            layers_to_transform=TRAINABLE_LAYERS,
            task_type="SEQ_CLS",
        ),
    )
    wrapped.peft_config["default"].base_model_name_or_path = case.name
    write_adapter(wrapped, folder)
    # The random numbers that PEFT chose give way to the case's own, name by name.
    path = folder / "adapter_model.safetensors"
    own = load_file(folder.parent / "adapter" / "adapter_model.safetensors")
    values = {name: own.get(name, case.score()) for name in load_file(path)}
    save_file(values, path, metadata={"format": "pt"})


def write_hub_folder(case: Case, folder: Path) -> None:
    case.model().save_pretrained(folder)
    if case.published_rope:
        config = json.loads((folder / "config.json").read_text())
        scaling = config.pop("rope_parameters")
        config["rope_theta"] = scaling.pop("rope_theta")
        config["rope_scaling"] = scaling
        write_json(folder / "config.json", dict(sorted(config.items())))


def write_shards(case: Case, folder: Path) -> None:
    """Two shards of bfloat16 with their index, as large models come."""
    model = case.model().bfloat16()
    bytes_in_all = sum(2 * p.numel() for p in model.parameters())
    model.save_pretrained(folder, max_shard_size=bytes_in_all * 3 // 5)
    shards = len(list(folder.glob("*.safetensors")))
    assert shards == 2, "%d shards" % shards


def described(adapter: Adapter) -> Dict[str, object]:
    return {
        "rank": adapter.rank,
        "alpha": adapter.alpha,
        "dropout": 0.0,
        "rslora": adapter.rslora,
        "targets": adapter.targets,
    }


def write_case(case: Case, folder: Path, vanishing: List[str]) -> None:
    value = {
        "sequences": case.sequences(),
        "labels": LABELS,
        "label_words": case.label_words(),
        "answers": case.answers(),
        "trainable_layers": TRAINABLE_LAYERS,
        "lora": described(case.adapter),
        "optimizer": ADAMW,
        "sgd": SGD,
        "vanishing_gradients": vanishing,
    }
    if case.variant:
        value["lora_variant"] = described(case.variant)
    lines = ["  %s: %s" % (json.dumps(key), json.dumps(part)) for key, part in value.items()]
    (folder / "case.json").write_text("{\n%s\n}\n" % ",\n".join(lines))


def vanishing_gradients(exact: Tensors) -> List[str]:
    """Gradients that mathematics makes zero: softmax does not see what is added to all keys alike."""
    found = []
    for prefix in ("", "lm_", "classifier_", "full_"):
        if prefix + "grad_norm" not in exact:
            continue
        whole = exact[prefix + "grad_norm"].item()
        for name, tensor in exact.items():
            if name.startswith(prefix + "grad.") and tensor.norm().item() < VANISHING * whole:
                found.append(name)
    return found


def report(single: Tensors, double: Tensors, vanishing: List[str]) -> None:
    worst: Dict[str, float] = {}
    for name, tensor in single.items():
        if name in vanishing:
            continue
        exact = double[name].double()
        difference = ((tensor.double() - exact).norm() / exact.norm()).item()
        kind = name.split(".")[0]
        worst[kind] = max(worst.get(kind, 0.0), difference)
    print("float32 against float64, largest relative difference:")
    for kind, difference in worst.items():
        print("  %-22s %.1e" % (kind, difference))
    for name, tensor in single.items():
        if name.endswith("losses") or name.endswith("grad_norm"):
            print("  %-22s %s" % (name, " ".join("%.4f" % value for value in tensor.tolist())))


def write(case: Case, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_hub_folder(case, folder)
    write_adapter(case.adapted(), folder / "adapter")
    if case.variant:
        write_adapter(case.adapted(case.variant), folder / "adapter-variant")
        write_classifier_adapter(case, folder / "adapter-classifier")
    if case.sharded:
        write_shards(case, folder.with_name(case.name + "-bf16"))
    single, double = expected(case, torch.float32), expected(case, torch.float64)
    vanishing = vanishing_gradients(double)
    write_case(case, folder, vanishing)
    # Copies, because a file has no room for two tensors that share their memory.
    stored = {name: tensor.float().clone().contiguous() for name, tensor in single.items()}
    save_file(stored, folder / "expected.safetensors")
    report(single, double, vanishing)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names; all when none is given")
    parser.add_argument("--out", type=Path, default=ROOT)
    options = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    for case in CASES:
        if not options.cases or case.name in options.cases:
            print(case.name)
            write(case, options.out / case.name)


if __name__ == "__main__":
    main()
