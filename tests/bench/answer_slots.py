"""Answers of our own engine against those of another checkout: the same conversations and the same tokens.

    python -m tests.bench.answer_slots --other CHECKOUT [--model 5M] [--conversations 400] [--mean 240] [--rounds 5]

Two turns each; prompts and answers have log-normal lengths, as MT-Bench-X's and its models' have. Answers end by their
length alone, so that both sides make as many tokens. Each side is a process with one thread, and they take turns.
Printed are medians, ranges in brackets: tokens a processor second, those seconds, seconds by the clock, steps of
one token a row and the rows in them, tokens of prompts computed with their padding, columns of keys read by all steps,
and the peak of memory. Also whether the texts are equal. The other checkout may be as old as b263a01.
"""

import argparse
import json
import math
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.bench._sides import ROOT, took

# hidden, feed-forward, layers, heads, key-value heads, vocabulary; "dot" is there to count steps and tokens by
MODELS = {"dot": (16, 16, 1, 1, 1, 500), "5M": (256, 768, 4, 4, 4, 4000), "60M": (512, 1536, 8, 8, 8, 32000)}
SPREAD = 0.8  # standard deviation of the logarithms of the lengths


def prepared(folder: Path, name: str) -> Path:
    """A model with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.kit.model_jobs import byte_level

    torch.manual_seed(0)
    tokenizer = byte_level()
    hidden, forward, layers, heads, kv_heads, vocabulary = MODELS[name]
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=forward,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        vocab_size=vocabulary,
        max_position_embeddings=8192,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        dtype="float32",
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def conversations(count: int, mean: float) -> list[dict[str, Any]]:
    """Questions of two turns, and how many tokens each answer has."""
    drawn = random.Random(0)

    def length(mean: float, most: float) -> int:
        return max(1, round(min(most, drawn.lognormvariate(math.log(mean) - SPREAD**2 / 2, SPREAD))))

    return [
        {
            "turns": ["fish " * length(0.15 * mean, mean), "dog " * length(0.06 * mean, mean)],
            "lengths": [length(mean, 1024), length(mean, 1024)],
        }
        for _ in range(count)
    ]


def ran(checkout: Path, task: Path) -> dict[str, Any]:
    """One side's run, in its own interpreter."""
    side = [str(checkout / ".venv/bin/python"), "-P", str(Path(__file__).with_name("_answer_side.py")), str(task)]
    taken = took(side, checkout, checkout, OMP_NUM_THREADS="1")
    found: dict[str, Any] = json.loads(taken.output.strip().rpartition("\n")[2])
    return {**found, "peak MiB": taken.mib}


def told(values: list[float]) -> str:
    """A median, and the range."""
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--other", type=Path)
    parser.add_argument("--model", default="5M", choices=MODELS)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--mean", type=float, default=240)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=0.7, help="of every second conversation")
    parser.add_argument(
        "--free", action="store_true", help="the model says what it will, not one letter again and again"
    )
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sides = {"ours": ROOT, **({"other": options.other.absolute()} if options.other else {})}
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.json"
        asked = {name: getattr(options, name) for name in ("dtype", "batch", "temperature", "free")}
        asked["model"] = str(prepared(Path(folder) / "model", options.model))
        asked["conversations"] = conversations(options.conversations, options.mean)
        task.write_text(json.dumps(asked), encoding="utf-8")
        for number in range(options.rounds):
            for side in list(sides) if number % 2 else reversed(sides):
                found[side].append(ran(sides[side], task))
                last = found[side][-1]
                print(f"round {number + 1}, {side}: {last['tokens'] / last['processor']:.0f} tokens/s", flush=True)
    for side, runs in found.items():
        rates = told([one["tokens"] / one["processor"] for one in runs])
        print(f"{side}: {rates} tokens a processor second; {runs[0]['groups']} groups, {runs[0]['tokens']} tokens")
        for name in ("processor", "clock", "steps", "rows", "prompt tokens", "columns", "peak MiB"):
            print(f"  {name}: {told([one[name] for one in runs])}")
    if options.other:
        pairs = zip(found["ours"], found["other"], strict=True)
        ratios = [other["processor"] / ours["processor"] for ours, other in pairs]
        print(
            f"processor seconds, other over ours: {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        )
        texts = zip(found["ours"][0]["texts"], found["other"][0]["texts"], strict=True)
        print(f"equal texts: {sum(one == two for one, two in texts)} of {options.conversations} conversations")


if __name__ == "__main__":
    main()
