"""Writes Tests/Fixtures/llama-tiny: a small random Llama with LoRA, as transformers + PEFT see it.

    scripts/reference/venv            prints the Python to run this with
    PYTHON scripts/reference/llama_fixture.py [FOLDER]

Every sequence runs alone, in a batch of one, so no padding touches any number. The computation is
done in float32 on one thread and again in float64 (where the framework itself keeps norms and
softmax in float32). The largest relative difference of each kind of tensor between the two is
printed, which shows how far below the tests' tolerances the fixture itself stands.
"""

import json
import sys
from pathlib import Path
from typing import Dict, List, Tuple

import torch
import torch.nn.functional as functional
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "llama-tiny"
SEED = 20251

LENGTHS = [1, 3, 7, 11, 17, 23]
LABELS = [0, 1, 1, 2, 0, 2]
LABEL_WORDS = [17, 203, 95]
TRAINABLE_LAYERS = [2, 3]
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
OPTIMIZER = {
    "learning_rate": 1e-2,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "warmup_steps": 4,
    "steps": 10,
}

Tensors = Dict[str, torch.Tensor]


def random_llama() -> LlamaForCausalLM:
    """Weights wide enough, and norms far enough from one, that every gradient matters."""
    torch.manual_seed(SEED)
    config = LlamaConfig(
        vocab_size=320,
        hidden_size=48,
        intermediate_size=112,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=64,
        rope_theta=10000.0,
        rms_norm_eps=1e-5,
        initializer_range=0.15,
        tie_word_embeddings=True,
        attention_bias=False,
        mlp_bias=False,
        bos_token_id=1,
        eos_token_id=2,
        attn_implementation="eager",
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.copy_(1 + 0.2 * torch.randn_like(parameter))
            else:
                parameter.copy_(0.15 * torch.randn_like(parameter))
    return model.eval()


def with_adapters(model: LlamaForCausalLM) -> PeftModel:
    """LoRA whose B is not zero, as it would be in a fresh adapter, so that A has a gradient too."""
    config = LoraConfig(
        r=4,
        lora_alpha=8,
        lora_dropout=0.0,
        target_modules=TARGETS,
        layers_to_transform=TRAINABLE_LAYERS,
        task_type="CAUSAL_LM",
    )
    peft_model = get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in peft_model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.15 * torch.randn_like(parameter))
    return peft_model.eval()


def peft_name(name: str) -> str:
    """The name that PEFT gives the tensor in adapter_model.safetensors."""
    return name.replace(".default", "")


def adapters(model: torch.nn.Module) -> Dict[str, torch.nn.Parameter]:
    return {peft_name(n): p for n, p in model.named_parameters() if "lora_" in n}


def forward(model: torch.nn.Module, sequences: List[List[int]]) -> Tuple[Tensors, torch.Tensor]:
    """Logits, residual streams and label-word logits, rows of all sequences one after the other."""
    logits, label_logits, last_rows = [], [], []
    streams: Dict[int, List[torch.Tensor]] = {}
    blocks = [module for name, module in model.named_modules() if name.split(".")[-1].isdigit()]
    blocks = [block for block in blocks if hasattr(block, "self_attn")]
    # Hooks, because the framework's own hidden states have the last one after the final norm.
    hooks = [blocks[0].register_forward_pre_hook(lambda _, inputs: keep(0, inputs[0]))]

    def keep(index: int, value: torch.Tensor) -> None:
        streams.setdefault(index, []).append(value[0].detach().clone())

    for index, block in enumerate(blocks):

        def after(_: object, __: object, output: object, index: int = index) -> None:
            keep(index + 1, output[0] if isinstance(output, tuple) else output)

        hooks.append(block.register_forward_hook(after))
    for sequence in sequences:
        output = model(input_ids=torch.tensor([sequence]), use_cache=False).logits[0]
        logits.append(output.detach())
        last_rows.append(output[-1])
    for hook in hooks:
        hook.remove()
    label_logits = torch.stack(last_rows)[:, LABEL_WORDS]
    found = {"logits": torch.cat(logits), "label_logits": label_logits.detach()}
    for index, rows in streams.items():
        found["hidden.%d" % index] = torch.cat(rows)
    return found, label_logits


def label_loss(label_logits: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(label_logits, torch.tensor(LABELS))


def train(model: torch.nn.Module, sequences: List[List[int]]) -> torch.Tensor:
    """The loss before each step of AdamW: warm-up to a constant rate, clipping by global norm."""
    parameters = list(adapters(model).values())
    optimizer = torch.optim.AdamW(
        parameters,
        lr=OPTIMIZER["learning_rate"],
        betas=(OPTIMIZER["beta1"], OPTIMIZER["beta2"]),
        eps=OPTIMIZER["epsilon"],
        weight_decay=OPTIMIZER["weight_decay"],
    )
    losses = []
    for step in range(OPTIMIZER["steps"]):
        rate = OPTIMIZER["learning_rate"] * min(1.0, (step + 1) / OPTIMIZER["warmup_steps"])
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = label_loss(forward(model, sequences)[1])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, OPTIMIZER["clip_norm"])
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def expected(sequences: List[List[int]], dtype: torch.dtype) -> Tensors:
    """Everything the fixture states, in the given precision from the same float32 weights."""
    model = with_adapters(random_llama()).to(dtype)
    found, label_logits = forward(model, sequences)
    loss = label_loss(label_logits)
    loss.backward()
    found["loss"] = loss.detach().reshape(1)
    for name, parameter in adapters(model).items():
        found["grad." + name] = parameter.grad.clone()
        parameter.grad = None
    squares = sum(found["grad." + name].pow(2).sum() for name in adapters(model))
    found["grad_norm"] = squares.sqrt().reshape(1)
    found["losses"] = train(model, sequences)
    for name, parameter in adapters(model).items():
        found["lora_after." + name] = parameter.detach().clone()

    plain = random_llama().to(dtype)
    for name, parameter in plain.named_parameters():
        parameter.requires_grad_(name.startswith("model.layers.3."))
    plain_found, plain_label_logits = forward(plain, sequences)
    plain_loss = label_loss(plain_label_logits)
    plain_loss.backward()
    found["full_loss"] = plain_loss.detach().reshape(1)
    found["full_label_logits"] = plain_found["label_logits"]
    for name, parameter in plain.named_parameters():
        if parameter.requires_grad:
            found["full_grad." + name] = parameter.grad.clone()
    return found


def main() -> None:
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)

    model = random_llama()
    base = {n: p.detach().clone().contiguous() for n, p in model.named_parameters()}
    save_file(base, folder / "model.safetensors", metadata={"format": "pt"})
    config = model.config.to_dict()
    config.update(architectures=["LlamaForCausalLM"], dtype="float32")
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")

    peft_model = with_adapters(model)
    peft_model.peft_config["default"].base_model_name_or_path = "llama-tiny"
    peft_model.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    # PEFT writes a set; sorted, so that a second run writes the same bytes.
    adapter_config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    adapter_config["target_modules"].sort()
    text = json.dumps(adapter_config, indent=2, sort_keys=True)
    (folder / "adapter" / "adapter_config.json").write_text(text + "\n")

    generator = torch.Generator().manual_seed(SEED)
    sequences = [torch.randint(3, 320, (n,), generator=generator).tolist() for n in LENGTHS]
    case = {
        "sequences": sequences,
        "labels": LABELS,
        "label_words": LABEL_WORDS,
        "trainable_layers": TRAINABLE_LAYERS,
        "lora": {"rank": 4, "alpha": 8, "dropout": 0.0, "targets": TARGETS},
        "optimizer": OPTIMIZER,
        "learning_rate_of_step_t": "learning_rate * min(1, (t + 1) / warmup_steps), t = 0, 1, ...",
        "loss": "mean over sequences of cross-entropy over label_words at the last position",
    }
    (folder / "case.json").write_text(json.dumps(case, indent=2) + "\n")

    single = expected(sequences, torch.float32)
    double = expected(sequences, torch.float64)
    stored = {name: tensor.float().contiguous() for name, tensor in single.items()}
    save_file(stored, folder / "expected.safetensors")
    worst: Dict[str, float] = {}
    for name, tensor in single.items():
        difference = (tensor.double() - double[name].double()).norm() / double[name].double().norm()
        kind = name.split(".")[0]
        worst[kind] = max(worst.get(kind, 0.0), difference.item())
    print("float32 against float64, largest relative difference:")
    for kind, difference in worst.items():
        print("  %-18s %.1e" % (kind, difference))
    print("losses:", ["%.5f" % loss for loss in single["losses"].tolist()])
    print("gradient norm: %.4f" % single["grad_norm"].item())


if __name__ == "__main__":
    main()
