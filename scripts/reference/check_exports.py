#!/usr/bin/env python3
"""Checks that transformers, PEFT and gguf read what Permafrost exports, and read the same numbers out of it.

    PERMAFROST_EXPORTS=FOLDER swift test --filter ExportTests
    PYTHON scripts/reference/check_exports.py --exports FOLDER

For each family: the logits of the merged model are those of the base model with the adapter as PEFT wrote it, and those
with the adapter as we wrote it. For Llama, the GGUF adapter's factors are PEFT's, with rows of queries and keys in the
order that the converters give them. Exits with 1 when something differs.
"""
import argparse
import pathlib
import sys

import gguf
import numpy as np
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/Fixtures/hub"


def logits(model):
    ids = torch.arange(22).reshape(2, 11)
    with torch.no_grad():
        return model.eval()(input_ids=ids, use_cache=False).logits


def base(folder):
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    unexpected = [name for key in ("missing_keys", "unexpected_keys", "mismatched_keys") for name in report[key]]
    assert not unexpected, f"{folder}: {unexpected}"
    return model


def difference(family, exports):
    source = FIXTURES / family
    expected = logits(PeftModel.from_pretrained(base(source), source / "adapter"))
    found = [logits(base(exports / family / "merged")),
             logits(PeftModel.from_pretrained(base(source), exports / family / "adapter"))]
    unchanged = (logits(base(source)) - expected).abs().max().item()
    assert unchanged > 1e-3, f"the adapter of {family} changes nothing"
    return max((one - expected).abs().max().item() for one in found)


def file_order(rows, heads):
    """The hub's row i and row i + half of a head come to lie side by side."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def check_gguf(path):
    reader = gguf.GGUFReader(path)
    fields = {name: reader.get_field(name).contents() for name in (
        "general.type", "general.architecture", "adapter.type", "adapter.lora.alpha")}
    assert fields == {"general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora",
                      "adapter.lora.alpha": 6.0}, fields
    assert reader.get_field("adapter.lora.alpha").types == [gguf.GGUFValueType.FLOAT32]
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
    expected = {}
    for name, tensor in load_file(FIXTURES / "llama/adapter/adapter_model.safetensors").items():
        module, factor = name.removeprefix("base_model.model.").removesuffix(".weight").rsplit(".lora_", 1)
        heads = {"q_proj": 2, "k_proj": 1}.get(module.rsplit(".", 1)[-1])
        values = tensor.numpy()
        if heads and factor == "B":
            values = file_order(values, heads)
        expected[f"{names.get_name(module)}.weight.lora_{factor.lower()}"] = values
    found = {tensor.name: tensor for tensor in reader.tensors}
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    for name, values in expected.items():
        assert np.array_equal(found[name].data, values), name
    return len(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--exports", type=pathlib.Path, required=True, help="what the tests wrote")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest allowed difference of a logit")
    options = parser.parse_args()
    failed = False
    for family in ("gpt2", "llama", "opt"):
        largest = difference(family, options.exports)
        failed |= not largest <= options.tolerance
        print(f"{family:6} largest difference of a logit {largest:.1e}  (allowed {options.tolerance:.0e})")
    print(f"llama  {check_gguf(options.exports / 'llama/adapter.gguf')} tensors of the GGUF adapter are equal")
    print("FAILED" if failed else "passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
