"""The small random models of Tests/Fixtures/models: configurations, weights, adapters, sequences.

Widths, heads and vocabularies are rarely multiples of eight, so that every kernel has left-over
rows and columns. Weights are wide enough, and norms far enough from one, that every gradient matters.
"""

import copy
import os
import warnings
from dataclasses import dataclass
from typing import Dict, List, Optional

# Nothing is looked up in a hub of models.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
warnings.filterwarnings("ignore", category=FutureWarning)

import torch  # noqa: E402
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    OPTConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Starcoder2Config,
)

LENGTHS = [1, 3, 7, 11, 17, 23]
ANSWER_LENGTHS = [1, 3, 2, 5, 1, 9]
LABELS = [0, 1, 1, 2, 0, 2]
CLASSES = 3
TRAINABLE_LAYERS = [2, 3]
SPREAD = 0.15

LLAMA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
GPT2_TARGETS = ["c_attn", "c_proj", "c_fc"]
STARCODER2_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj"]
OPT_TARGETS = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]


@dataclass(frozen=True)
class Adapter:
    """A LoRA configuration on the trainable blocks."""

    targets: List[str]
    rank: int = 4
    alpha: int = 8
    rslora: bool = False


@dataclass(frozen=True)
class Case:
    name: str
    seed: int
    config: PreTrainedConfig
    adapter: Adapter
    # A second adapter, of other targets, rank and scale.
    variant: Optional[Adapter] = None
    # Whether config.json says rope_theta and rope_scaling, as published files do, and not rope_parameters, as this
    # version of transformers does.
    published_rope: bool = False
    # Whether the rounded weights are also written as two shards in bfloat16.
    sharded: bool = False
    # Whether only streams, logits and the gradients of the adapters are stated.
    brief: bool = False

    def generator(self, part: int) -> torch.Generator:
        return torch.Generator().manual_seed(10 * self.seed + part)

    def model(self) -> PreTrainedModel:
        """The base model, in float32."""
        # A copy, because a model that is converted to another type tells its configuration.
        config = copy.deepcopy(self.config)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
        chance = self.generator(0)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                noise = torch.randn(parameter.shape, generator=chance)
                if is_norm(name) and name.endswith("weight"):
                    parameter.copy_(1 + 0.2 * noise)
                else:
                    parameter.copy_(SPREAD * noise)
        return model.eval()

    def adapted(
        self, adapter: Optional[Adapter] = None, model: Optional[PreTrainedModel] = None
    ) -> PeftModel:
        """With LoRA whose B is not zero, as it would be in a fresh adapter, so that A has a gradient too."""
        adapter = adapter or self.adapter
        config = LoraConfig(
            r=adapter.rank,
            lora_alpha=adapter.alpha,
            lora_dropout=0.0,
            use_rslora=adapter.rslora,
            target_modules=adapter.targets,
            layers_to_transform=TRAINABLE_LAYERS,
            fan_in_fan_out=self.config.model_type == "gpt2",
            task_type="CAUSAL_LM",
        )
        adapted = get_peft_model(model or self.model(), config)
        adapted.peft_config["default"].base_model_name_or_path = self.name
        chance = self.generator(1 if adapter is self.adapter else 2)
        with torch.no_grad():
            for parameter in factors(adapted).values():
                parameter.copy_(SPREAD * torch.randn(parameter.shape, generator=chance))
        return adapted.eval()

    def score(self) -> torch.Tensor:
        """The weight of the classifier, [classes, width]."""
        return SPREAD * torch.randn((CLASSES, self.config.hidden_size), generator=self.generator(3))

    def tokens(self, count: int, chance: torch.Generator) -> List[int]:
        return torch.randint(3, self.config.vocab_size, (count,), generator=chance).tolist()

    def sequences(self) -> List[List[int]]:
        chance = self.generator(4)
        return [self.tokens(length, chance) for length in LENGTHS]

    def answers(self) -> List[List[int]]:
        """What the last positions of each sequence predict: its own tokens, one place on, and one more."""
        chance = self.generator(5)
        return [
            sequence[len(sequence) - length + 1 :] + self.tokens(1, chance)
            for sequence, length in zip(self.sequences(), ANSWER_LENGTHS)
        ]

    def label_words(self) -> List[int]:
        """Tokens at the start, in the middle and at the end of the vocabulary."""
        return [17, self.config.vocab_size - 1, self.config.vocab_size // 2]


def is_norm(name: str) -> bool:
    return "norm" in name or ".ln_" in name


def factors(model: PeftModel) -> Dict[str, torch.nn.Parameter]:
    """The LoRA factors by the names that PEFT gives them in adapter_model.safetensors."""
    return {n.replace(".default", ""): p for n, p in model.named_parameters() if "lora_" in n}


CASES = [
    Case(
        name="llama-gqa-tied",
        seed=20251,
        config=LlamaConfig(
            vocab_size=121,
            hidden_size=36,
            intermediate_size=60,
            num_hidden_layers=4,
            num_attention_heads=6,
            num_key_value_heads=2,
            max_position_embeddings=64,
            rms_norm_eps=1e-5,
            tie_word_embeddings=True,
        ),
        adapter=Adapter(LLAMA_TARGETS),
        variant=Adapter(["q_proj", "v_proj"], rank=3, alpha=5, rslora=True),
    ),
    Case(
        name="llama-untied-llama3",
        seed=20252,
        config=LlamaConfig(
            vocab_size=118,
            hidden_size=32,
            intermediate_size=44,
            num_hidden_layers=4,
            num_attention_heads=4,
            head_dim=12,
            max_position_embeddings=256,
            rms_norm_eps=1e-6,
            tie_word_embeddings=False,
            # Pairs turn once in 6, 18 and 50 positions and more: the first is left as it is, the second is between,
            # the others are eight times as slow.
            rope_parameters={
                "rope_type": "llama3",
                "rope_theta": 500.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 32,
            },
        ),
        adapter=Adapter(LLAMA_TARGETS),
        published_rope=True,
    ),
    Case(
        name="gpt2",
        seed=20253,
        config=GPT2Config(
            vocab_size=123,
            n_positions=32,
            n_embd=30,
            n_layer=4,
            n_head=5,
            n_inner=None,
            bos_token_id=122,
            eos_token_id=122,
        ),
        adapter=Adapter(GPT2_TARGETS),
        sharded=True,
    ),
    Case(
        name="opt",
        seed=20254,
        config=OPTConfig(
            vocab_size=115,
            hidden_size=40,
            ffn_dim=60,
            num_hidden_layers=4,
            num_attention_heads=4,
            max_position_embeddings=30,
        ),
        adapter=Adapter(OPT_TARGETS),
    ),
    Case(
        name="opt-untied",
        seed=20255,
        config=OPTConfig(
            vocab_size=97,
            hidden_size=24,
            ffn_dim=44,
            num_hidden_layers=4,
            num_attention_heads=2,
            max_position_embeddings=30,
            tie_word_embeddings=False,
        ),
        adapter=Adapter(OPT_TARGETS),
    ),
    # No family that is built in: docs/families.md adds it.
    Case(
        name="starcoder2",
        seed=20256,
        config=Starcoder2Config(
            vocab_size=61,
            hidden_size=18,
            intermediate_size=28,
            num_hidden_layers=4,
            num_attention_heads=3,
            num_key_value_heads=1,
            max_position_embeddings=64,
            sliding_window=32,
            bos_token_id=0,
            eos_token_id=0,
        ),
        adapter=Adapter(STARCODER2_TARGETS),
        brief=True,
    ),
]
