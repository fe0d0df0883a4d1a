#!/usr/bin/env python3
"""Writes small model folders as transformers saves them, adapters as PEFT saves them, and what PEFT merges of both.

For each family a folder FAMILY with `config.json` and weights, `FAMILY/adapter`, and `FAMILY/merged.safetensors`, the
weights in F32 that differ from the base ones. The three folders together have every way of storing weights: GPT-2 in
F16 without its head's prefix, OPT in BF16 and shards, Llama in F32 with Llama 3's rotation and a head of its own.

Needs: pip install torch transformers peft.
"""
import argparse
import json
import pathlib
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import (AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, OPTConfig,
                          OPTForCausalLM)

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tidy(adapter):
    """Sorts what PEFT writes in the order of a set, and drops its empty page."""
    path = adapter / "adapter_config.json"
    configuration = json.loads(path.read_text())
    configuration["target_modules"].sort()
    path.write_text(json.dumps(configuration, indent=2, sort_keys=True) + "\n")
    (adapter / "README.md").unlink(missing_ok=True)


def write(out, model, dtype, lora, stored=None, **saving):
    shutil.rmtree(out, ignore_errors=True)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.1)
    model = model.to(dtype)
    (stored(model) if stored else model).save_pretrained(out, **saving)
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    base = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **lora))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.2)
    # The path of this machine is none of the adapter's business.
    adapted.peft_config["default"].base_model_name_or_path = f"tiny/{out.name}"
    adapted.save_pretrained(out / "adapter")
    tidy(out / "adapter")
    (out / "generation_config.json").unlink(missing_ok=True)
    again = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32), out / "adapter")
    merged = again.merge_and_unload().state_dict()
    changed = {name: tensor.contiguous() for name, tensor in merged.items() if not torch.equal(tensor, base[name])}
    save_file(changed, out / "merged.safetensors")
    return again


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "Tests/Fixtures/hub")
    options = parser.parse_args()
    torch.manual_seed(20)
    write(
        options.out / "gpt2",
        GPT2LMHeadModel(GPT2Config(vocab_size=24, n_embd=16, n_layer=3, n_head=2, n_positions=12)), torch.float16,
        dict(r=4, lora_alpha=6, use_rslora=True, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True,
             layers_to_transform=[0, 2], layers_pattern="h"),
        stored=lambda model: model.transformer)
    write(
        options.out / "opt",
        OPTForCausalLM(OPTConfig(
            vocab_size=24, hidden_size=16, word_embed_proj_dim=16, ffn_dim=20, num_hidden_layers=2,
            num_attention_heads=2, max_position_embeddings=12)), torch.bfloat16,
        dict(r=2, lora_alpha=4, lora_dropout=0.25, target_modules="all-linear"), max_shard_size="3KB")
    llama = write(
        options.out / "llama",
        LlamaForCausalLM(LlamaConfig(
            vocab_size=24, hidden_size=20, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, head_dim=16, max_position_embeddings=512, tie_word_embeddings=False,
            rope_parameters=dict(
                rope_type="llama3", rope_theta=5000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=256))), torch.float32,
        dict(r=3, lora_alpha=6, target_modules=["q_proj", "k_proj", "v_proj", "up_proj"]))
    plain = 5000.0 ** -(torch.arange(0, 16, 2, dtype=torch.float64) / 16)
    factors = (plain / llama.get_base_model().model.rotary_emb.inv_freq.double()).tolist()
    (options.out / "llama/rotary_factors.json").write_text(json.dumps(factors) + "\n")


if __name__ == "__main__":
    main()
