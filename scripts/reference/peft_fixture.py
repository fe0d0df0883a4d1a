#!/usr/bin/env python3
"""Writes an adapter folder with Python's PEFT: what our reader must take as it is.

Needs: pip install torch transformers peft.
"""
import argparse
import pathlib

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "Tests/Fixtures/peft")
    options = parser.parse_args()
    torch.manual_seed(20)
    base = LlamaForCausalLM(LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2))
    model = get_peft_model(base, LoraConfig(
        r=2, lora_alpha=6, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM", target_modules=["q_proj", "down_proj"],
        layers_to_transform=[1, 2], layers_pattern="layers"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape) / 8)
    model.save_pretrained(options.out)
    (options.out / "README.md").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
