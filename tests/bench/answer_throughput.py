"""Our generation against `model.generate` on the same prompts, greedy, in one process, alternating.

    python -m tests.bench.answer_throughput [--questions 400] [--new-tokens 32] [--rounds 5] [--threads 1]

A tiny model is trained for a moment first, so that answers end as real ones do; both sides get the same left-padded
batches of prompts sorted by length, and both produce text. The count is of generated tokens, EOS included.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from jobs.answer.engines.engine import Request
from jobs.answer.engines.generation import Generator
from jobs.lib.model.execution import computing
from jobs.lib.model.loading import load_model, load_tokenizer
from jobs.lib.model.template import ChatFormat
from jobs.tokenize import job as tokenize
from jobs.train import job as train
from polyglot.kinds.tokenize import TokenizeParams
from polyglot.kinds.train import TrainParams
from tests.kit.model_jobs import model_context, write_base, write_mix, write_rows

NAMES = ["dog", "cat", "fish", "bird", "horse", "cow", "wolf", "bear", "lion", "mouse"]


def question(number: int) -> str:
    """Prompts of different lengths."""
    chosen = [NAMES[(number * 7 + place * 3) % 10] for place in range(1 + number % 9)]
    return f"write {' '.join(chosen)} again"


def trained(root: Path) -> Path:
    """A model that has learnt to answer shortly, some answers longer than others."""
    rows = [(question(number), " ".join(NAMES[: 1 + number % 7])) for number in range(200)]
    base = write_base(root / "base", heads=1)  # of 32 numbers: vLLM has no smaller ones on a CPU
    tokens = model_context(
        root / "tokens",
        TokenizeParams(language="EN", system="Be brief.", max_tokens=256, over_long="drop"),
        {"rows": write_rows(root / "rows", "EN", rows), "base": base},
    )
    tokenize.run(tokens)
    mix = write_mix(root / "mix", [("EN", number) for number in range(len(rows))])
    context = model_context(
        root / "train",
        TrainParams(steps=60, batch_size=16, learning_rate=3e-3, precision="float32"),
        {"base": base, "mix": mix, "tokens:EN": tokens.out},
        seed=0,
    )
    train.run(context)
    return context.out / "model"


def ours(generator: Generator, batches: list[list[list[int]]], new_tokens: int) -> tuple[float, list[str], int]:
    """Seconds, texts and generated tokens of our loop."""
    start, texts, tokens = time.perf_counter(), list[str](), 0
    for batch in batches:
        for result in generator.answer(
            [Request(prompt=prompt, temperature=0.0, seed=0, max_new_tokens=new_tokens) for prompt in batch]
        ):
            texts.append(result.text)
            tokens += result.tokens
    return time.perf_counter() - start, texts, tokens


def theirs(generator: Generator, batches: list[list[list[int]]], new_tokens: int) -> tuple[float, list[str], int]:
    """Seconds, texts and generated tokens of `model.generate`."""
    model: Any = generator.model
    chat, tokenizer = generator.chat, generator.chat.tokenizer
    start, texts, tokens = time.perf_counter(), list[str](), 0
    for batch in batches:
        width = max(map(len, batch))
        ids = torch.tensor([[tokenizer.pad_token_id] * (width - len(prompt)) + prompt for prompt in batch])
        mask = (torch.arange(width) >= torch.tensor([[width - len(prompt)] for prompt in batch])).long()
        output = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=new_tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=chat.eos_id,
        )
        for prompt, line in zip(batch, output[:, width:].tolist(), strict=True):
            kept = line[: line.index(chat.eos_id)] if chat.eos_id in line else line
            tokens += len(kept) + (chat.eos_id in line)
            texts.append(chat.text(prompt, kept))
    return time.perf_counter() - start, texts, tokens


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, computing(options.threads, deterministic=True):
        path = trained(Path(folder))
        chat = ChatFormat(load_tokenizer(path))
        generator = Generator(
            load_model(path, dtype=torch.float32, device=torch.device("cpu")), chat, stops=("\nUser:", "\nSystem:")
        )
        prompts = [
            chat.prompt([{"role": "user", "content": question(number)}], "Be brief.")
            for number in range(options.questions)
        ]
        prompts.sort(key=len)
        batches = [prompts[first : first + options.batch] for first in range(0, len(prompts), options.batch)]
        runs = [
            (ours(generator, batches, options.new_tokens), theirs(generator, batches, options.new_tokens))
            for _ in range(options.rounds)
        ]
    (_, our_texts, tokens), (_, their_texts, _) = runs[0]
    same = sum(a == b for a, b in zip(our_texts, their_texts, strict=True))
    print(f"prompts: {len(prompts)}, generated tokens {tokens}, equal texts {same}")
    for name, results in zip(("ours", "generate"), zip(*runs, strict=True), strict=True):
        seconds = [result[0] for result in results]
        median, span = statistics.median(seconds), f"{min(seconds):.2f}-{max(seconds):.2f} s"
        print(f"{name}: median {median:.2f} s ({tokens / median:.0f} tok/s), range {span}")
    print(f"ours / generate: median {statistics.median(a[0] / b[0] for a, b in runs):.3f}")


if __name__ == "__main__":
    main()
