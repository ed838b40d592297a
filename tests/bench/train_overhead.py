"""Our training loop against a bare PyTorch loop over the same model, samples and steps, in one process, alternating.

    python -m tests.bench.train_overhead [--steps 100] [--rounds 5] [--threads 1]

The bare loop is what one would write by hand: pre-built padded batches, attention mask, labels, the model's own loss,
AdamW, clipping. It does less (no checkpoints, no record); its batches are built outside the clock. What the record of
each step takes (jobs.train.meter, the look for spikes, the upload in the background) is inside of ours, and measured by
itself: in processor time, which a busy machine does not change.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from accelerate import Accelerator
from transformers import LlamaConfig, LlamaForCausalLM

from jobs.lib.model.execution import computing
from jobs.lib.token_set import TokenSet
from jobs.tokenize import job as tokenize
from jobs.train.batches import EpochSampler
from jobs.train.checkpoint import History
from jobs.train.job import MICRO_BATCH_TOKENS
from jobs.train.meter import Meter
from jobs.train.mixture import Mixture
from jobs.train.spikes import Spikes
from jobs.train.training import Layout, Trainer
from polyglot.kinds.tokenize import TokenizeParams
from polyglot.kinds.train import TrainParams
from tests.kit.model_jobs import byte_level, model_context, write_base, write_rows
from tests.kit.training import context_of

BATCH = 32


def mixture(root: Path) -> Mixture:
    """Several hundred samples of 40 to 100 tokens."""
    rows = [
        ["dog cat fish bird " * (1 + number % 2), "fish dog " * (1 + number % 4)] * (1 + number % 2)
        for number in range(400)
    ]
    context = model_context(
        root / "tokens",
        TokenizeParams(language="EN", system="Be brief.", max_tokens=512, over_long="drop"),
        {"rows": write_rows(root / "rows", "EN", rows), "base": write_base(root / "base")},
    )
    tokenize.run(context)
    tokens = TokenSet(context.out / "tokens.arrow")
    return Mixture({"EN": tokens}, [("EN", number) for number in range(len(tokens))])


def model(vocabulary: int) -> LlamaForCausalLM:
    """A Llama of 0.7 million parameters."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=512,
            tie_word_embeddings=True,
        )
    )


def params(steps: int) -> TrainParams:
    """The quickstart's settings."""
    return TrainParams(steps=steps, batch_size=BATCH, learning_rate=1e-3, precision="float32")


def ours(data: Mixture, steps: int, vocabulary: int, root: Path) -> tuple[float, float]:
    """Seconds of our loop, the order of samples and the layout of batches included; and those of the record in it."""
    trainer = Trainer(
        model(vocabulary),
        data,
        params(steps),
        seed=0,
        layout=Layout(micro_batch_tokens=MICRO_BATCH_TOKENS["cpu"], pad_id=0),
        accelerator=Accelerator(cpu=True),
    )
    context = context_of(root, {})
    spikes, history, recording = Spikes(trainer, None, context.log), History(), 0.0
    start = time.perf_counter()
    with Meter(context, trainer, listen=lambda row: None) as meter:
        for number in range(steps):
            began = time.perf_counter()
            history.losses.append(trainer.step(number))
            seconds, before = time.perf_counter() - began, time.process_time()
            history.norms.append(trainer.gradient_norm)
            meter.step(number, history.losses[-1], seconds)
            spikes.look(history)
            meter.stalled(0.0)
            recording += time.process_time() - before
        before = time.process_time()
    return time.perf_counter() - start, recording + time.process_time() - before


def bare(data: Mixture, steps: int, vocabulary: int) -> float:
    """Seconds of the loop one would write by hand."""
    order = EpochSampler(samples=len(data), seed=0, batch_size=BATCH, steps=steps, epochs=None)
    batches = []
    for number in range(steps):
        rows = [data.sample(sample) for sample in order.step(number)]
        width = max(len(ids) for ids, _ in rows)
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        labels, mask = torch.full_like(ids, -100), torch.zeros_like(ids)
        for place, (tokens, loss) in enumerate(rows):
            known = torch.tensor(tokens, dtype=torch.long)
            ids[place, : len(tokens)], mask[place, : len(tokens)] = known, 1
            labels[place, : len(tokens)] = known.where(torch.tensor(loss), -100)
        batches.append((ids, mask, labels))
    net = model(vocabulary).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    start = time.perf_counter()
    for ids, mask, labels in batches:
        net(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return time.perf_counter() - start


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    vocabulary = max(1024, len(byte_level()))
    with tempfile.TemporaryDirectory() as folder, computing(options.threads, deterministic=True):
        data = mixture(Path(folder))
        print(f"samples: {len(data)}, tokens {data.lengths.min()}-{data.lengths.max()}, batch {BATCH}")
        runs = []
        for number in range(options.rounds):
            seconds, recording = ours(data, options.steps, vocabulary, Path(folder) / str(number))
            runs.append((seconds, bare(data, options.steps, vocabulary)))
            each = 1e6 * recording / options.steps
            print(f"the record: {each:.0f} us a step, {100 * recording / seconds:.2f} % of ours")
    for name, seconds in zip(("ours", "bare"), zip(*runs, strict=True), strict=True):
        print(f"{name}: median {statistics.median(seconds):.2f} s, range {min(seconds):.2f}-{max(seconds):.2f} s")
    print(f"ours / bare: median {statistics.median(a / b for a, b in runs):.3f}")


if __name__ == "__main__":
    main()
