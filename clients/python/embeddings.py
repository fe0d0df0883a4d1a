"""What the device computes: a recipe's texts as tokens, and their activations at cut 0, which are the embeddings.

Reads a GGUF file of a Llama with a byte-level BPE vocabulary, and data of the format `rated-sentences`. Anything else
that gives `samples` and `activations` does as well: see README.md.
"""

from dataclasses import dataclass

import gguf
import numpy
import tokenizers
import yaml
from tokenizers import models, pre_tokenizers


@dataclass(frozen=True)
class Sample:
    tokens: list
    targets: list


class Embeddings:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        field = lambda name: reader.get_field("tokenizer.ggml." + name).contents()
        vocabulary = {token: number for number, token in enumerate(field("tokens"))}
        merges = [tuple(merge.split(" ", 1)) for merge in field("merges")]
        self.tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
        # What llama.cpp calls `smollm`: every digit alone, then GPT-2's pattern.
        self.tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
        tensor = next(tensor for tensor in reader.tensors if tensor.name == "token_embd.weight")
        self.table = gguf.dequantize(tensor.data, tensor.tensor_type).astype("<f4")

    @property
    def width(self):
        return self.table.shape[1]

    def encode(self, text):
        return self.tokenizer.encode(text).ids

    def activations(self, tokens, cut):
        """float32 [tokens, width], the residual stream after `cut` blocks."""
        if cut != 0:
            raise ValueError("this device computes embeddings alone, and was given %d blocks" % cut)
        return self.table[numpy.asarray(tokens)]


def rated_sentences(path, recipe, encode):
    """The samples of a file of lines `NUMBER<tab>RATING<tab>SENTENCE`, in the file's order, as the recipe has them.

    A class is a label's place among task.labels: negative ratings are the first, the others the second.
    """
    task = recipe["task"]
    if task["head"] != "verbalizer" or len(task["labels"]) != 2 or task["chat"]:
        raise ValueError("this device knows tasks of two label words alone")
    samples = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            rating, text = line.rstrip("\n").split("\t")[1:3]
            tokens = encode(task["prompt"].replace("{text}", text))
            if not 1 <= len(tokens) <= task["maximum_tokens"]:
                raise ValueError("%d tokens, the recipe allows %d" % (len(tokens), task["maximum_tokens"]))
            samples.append(Sample(tokens, [0 if float(rating) < 0 else 1]))
    return samples


def read_recipe(text):
    return yaml.safe_load(text)
