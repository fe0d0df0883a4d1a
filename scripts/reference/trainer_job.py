"""The peer of the whole job: SmolLM2 on the movie sentences by the Hugging Face Trainer with PEFT, as documented.

    PYTHON scripts/reference/trainer_job.py --train FILE --test FILE [--dtype f32|bf16] [--epochs N]

FILE has one {"text": ..., "label": ...} a line. LoRA of rank 8 on all linear layers of all blocks; sequences are padded to
the longest of their batch, and batches are made of similar lengths. The label's word follows the prompt and alone has a
loss. Same prompt, words, batch, rate and optimizer as recipes/movies.yaml. Prints one JSON object: accuracy on the
test sentences, and seconds of training and of evaluation within the process.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Dict, List

import numpy
import torch
from bench_peft import LEARNING_RATE, TARGETS, WARMUP_STEPS, WORDS, read_samples
from peft import LoraConfig, get_peft_model
from smollm2 import load
from transformers import DataCollatorForSeq2Seq, EvalPrediction, PrinterCallback, Trainer, TrainingArguments

IGNORED = -100
ALL_SAMPLES = sys.maxsize


def features(path: Path, tokenizer: object, words: List[int]) -> List[Dict[str, List[int]]]:
    return [
        {
            "input_ids": ids + [words[label]],
            "attention_mask": [1] * (len(ids) + 1),
            "labels": [IGNORED] * len(ids) + [words[label]],
        }
        for ids, label in read_samples(path, ALL_SAMPLES, tokenizer)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--train", type=Path, required=True, help="JSON lines with text and label")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, required=True, help="where the Trainer may write")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    base, tokenizer = load()
    # Its weights are floats by now, but the Trainer takes it for a quantised model, which it does not train.
    base.is_quantized = False
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    words = [tokenizer(word).input_ids[0] for word in WORDS]
    config = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=TARGETS, task_type="CAUSAL_LM")

    def label_logits(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Of the words alone, at the token before the label."""
        places = (labels != IGNORED).int().argmax(dim=1) - 1
        return logits[torch.arange(len(places)), places][:, words].float()

    def accuracy(prediction: EvalPrediction) -> Dict[str, float]:
        labels = prediction.label_ids
        truth = labels[numpy.arange(len(labels)), (labels != IGNORED).argmax(axis=1)]
        return {"accuracy": float(numpy.mean(numpy.array(words)[prediction.predictions.argmax(axis=1)] == truth))}

    trainer = Trainer(
        model=get_peft_model(base, config),
        args=TrainingArguments(
            output_dir=str(options.folder),
            num_train_epochs=options.epochs,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=16,
            learning_rate=LEARNING_RATE,
            warmup_steps=WARMUP_STEPS,
            lr_scheduler_type="constant_with_warmup",
            train_sampling_strategy="group_by_length",
            bf16=options.dtype == "bf16",
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            seed=1,
        ),
        train_dataset=features(options.train, tokenizer, words),
        eval_dataset=features(options.test, tokenizer, words),
        data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=IGNORED),
        compute_metrics=accuracy,
        preprocess_logits_for_metrics=label_logits,
    )
    # The report alone goes to the output.
    trainer.remove_callback(PrinterCallback)
    started = time.perf_counter()
    trainer.train()
    trained = time.perf_counter()
    figures = trainer.evaluate()
    report = {
        "accuracy": figures["eval_accuracy"],
        "train_seconds": trained - started,
        "evaluation_seconds": time.perf_counter() - trained,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
