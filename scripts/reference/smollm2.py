"""The quick start's model as transformers reads it: dequantised from GGUF to float32."""

import os
import warnings
from pathlib import Path
from typing import Tuple

# What is needed is in the cache folder; nothing may be looked up in a hub of models.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
warnings.filterwarnings("ignore", category=FutureWarning)

import torch  # noqa: E402
from tokenizers import pre_tokenizers  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerBase,
)

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def cache_folder() -> Path:
    """The folder of scripts/fetch."""
    return Path(os.environ.get("PERMAFROST_CACHE") or "~/.cache/permafrost").expanduser()


def load() -> Tuple[torch.nn.Module, PreTrainedTokenizerBase]:
    """The model in float32 and evaluation mode, and its tokenizer."""
    folder = cache_folder()
    if not (folder / GGUF).exists():
        raise SystemExit("%s is not in %s. Run scripts/fetch smollm2." % (GGUF, folder))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=GGUF)
    # The file asks for "smollm", single digits first; transformers leaves that part out.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=GGUF, dtype=torch.float32)
    return model.eval(), tokenizer
