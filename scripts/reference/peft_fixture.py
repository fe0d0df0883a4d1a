#!/usr/bin/env python3
"""Writes adapter folders with Python's PEFT: what our reader must take as it is.

`peft` changes some blocks of a Llama; `peft-classifier` has a trained classifier on an OPT. Adapters with the models that
they change are written by hub_fixture.py.

Needs: pip install torch transformers peft.
"""
import argparse
import pathlib

import torch
from hub_fixture import tidy
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, OPTConfig, OPTForSequenceClassification

ROOT = pathlib.Path(__file__).resolve().parents[2]


def write(out, base, **settings):
    model = get_peft_model(base, LoraConfig(bias="none", **settings))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name or "score.modules_to_save" in name:
                parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape) / 8)
    model.save_pretrained(out)
    tidy(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "Tests/Fixtures")
    options = parser.parse_args()
    torch.manual_seed(20)
    write(
        options.out / "peft",
        LlamaForCausalLM(LlamaConfig(
            vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2)),
        r=2, lora_alpha=6, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=["q_proj", "down_proj"],
        layers_to_transform=[1, 2], layers_pattern="layers")
    write(
        options.out / "peft-classifier",
        OPTForSequenceClassification(OPTConfig(
            vocab_size=32, hidden_size=16, word_embed_proj_dim=16, ffn_dim=24, num_hidden_layers=3,
            num_attention_heads=2, max_position_embeddings=8, num_labels=3)),
        r=2, lora_alpha=6, lora_dropout=0.1, task_type="SEQ_CLS", target_modules=["q_proj", "fc2"],
        layers_to_transform=[2], layers_pattern="layers")


if __name__ == "__main__":
    main()
