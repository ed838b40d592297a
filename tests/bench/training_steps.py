"""Steps of our trainer against TRL's SFTTrainer: the same model, rows, batch, dtype, attention and optimiser.

    python -m tests.bench.training_steps [CASE …] [--rounds 3] [--threads 1]

Rows are token ids of log-normal length (mean about 180 tokens, 512 at most), the second half of each supervised. A step
has 16 rows on both sides; TRL takes them 4 at a time, ours what fits 4,096 padded tokens. Packed, both fill sequences
of 1,024; TRL packs the whole set beforehand, so that its steps have other rows and its rate alone compares, and with
this attention its samples see each other (it says so). Every run is a process of its own and the sides alternate; the
clock starts with the first step's end, so that neither side's preparation counts. Rates are of tokens that are no
padding, per second and per processor second, which other work on the machine disturbs less.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench._said import said_by

BATCH, PER_PASS, LONGEST, CAPACITY = 16, 4, 512, 1024
MODELS = {  # hidden, feed-forward, layers, heads, vocabulary, tied; steps
    "1M": ((128, 384, 4, 4, 2048, True), 24),
    "60M": ((512, 1536, 8, 8, 32000, False), 4),
    "250k words": ((128, 384, 4, 4, 250_680, True), 4),
}
SIDES = ("ours", "TRL")
# of a model's configuration: what has nothing to do with its size
USUAL = {"max_position_embeddings": 2048, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "use_cache": False}


def main() -> None:
    """Print a line a case: rates of both, their ratio, and peaks of memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=[f"{name}{how}" for name in MODELS for how in ("", ", packed")])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--child", nargs=2, help="a side and a case")
    options = parser.parse_args()
    if options.child:
        child(*options.child, threads=options.threads)
        return
    print("case                     ours, tokens/s      TRL   ratio (range)     a processor s   peak MiB, ours / TRL")
    for case in options.cases:
        rounds = [{side: run(side, case, options.threads) for side in SIDES} for _ in range(options.rounds)]
        print(line(case, rounds), flush=True)


def line(case: str, rounds: list[dict[str, dict[str, float]]]) -> str:
    """Medians, and the ratios of alternating runs."""
    middle = {side: statistics.median(one[side]["tokens_per_second"] for one in rounds) for side in SIDES}
    ratios, used = (
        sorted(one["ours"][rate] / one["TRL"][rate] for one in rounds)
        for rate in ("tokens_per_second", "tokens_per_processor_second")
    )
    peaks = [max(one[side]["peak"] for one in rounds) / 2**20 for side in SIDES]
    return (
        f"{case:24} {middle['ours']:14,.0f} {middle['TRL']:9,.0f}   {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f}-{ratios[-1]:.2f}) {statistics.median(used):13.2f}   {peaks[0]:10,.0f} / {peaks[1]:,.0f}"
    )


def run(side: str, case: str, threads: int) -> dict[str, float]:
    """One side's rates, in a process of its own."""
    arguments = ["--threads", str(threads), "--child", side, case]
    environment = {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    found: dict[str, float] = said_by("tests.bench.training_steps", *arguments, environment=environment)
    return found


def child(side: str, case: str, *, threads: int) -> None:
    """Be one run."""
    warnings.simplefilter("ignore")
    import torch

    torch.set_num_threads(threads)
    name, _, how = case.partition(", ")
    shape, steps = MODELS[name]
    rows = made_rows(shape[4], steps)
    with tempfile.TemporaryDirectory(prefix="training-steps-") as folder:
        work = ours if side == "ours" else theirs
        tokens, seconds, processor = work(model(shape), rows, steps, how == "packed", Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    said = {"tokens_per_second": tokens / seconds, "tokens_per_processor_second": tokens / processor, "peak": peak}
    print(json.dumps(said), flush=True)


def made_rows(vocabulary: int, steps: int) -> list[list[int]]:
    """Enough for the steps and one before the clock, packed too."""
    draw = np.random.default_rng(7)
    lengths = np.clip(draw.lognormal(np.log(150), 0.6, 8 * BATCH * (steps + 2)).astype(int), 16, LONGEST)
    return [draw.integers(3, vocabulary, length).tolist() for length in lengths]


def model(shape: tuple[int, int, int, int, int, bool]) -> Any:
    """A Llama with random weights in float32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    hidden, inner, layers, heads, vocabulary, tied = shape
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        vocab_size=vocabulary,
        tie_word_embeddings=tied,
        attn_implementation="sdpa",
        **USUAL,
    )
    return LlamaForCausalLM(config)


class Rows:
    """The rows as our trainer reads samples (`jobs.train.mixture.Samples`)."""

    def __init__(self, rows: list[list[int]]) -> None:
        self._rows = rows
        self.lengths = np.array([len(row) for row in rows])
        self.supervised = np.array([len(row) - len(row) // 2 for row in rows])

    def __len__(self) -> int:
        return len(self._rows)

    def sample(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Token ids, and which of them are learnt."""
        ids = np.array(self._rows[number], dtype=np.int64)
        return ids, np.arange(len(ids)) >= len(ids) // 2

    def names(self, samples: Any) -> list[str]:
        """For messages."""
        return [str(number) for number in samples]


def ours(
    net: Any, rows: list[list[int]], steps: int, packed: bool, folder: Path, *, gpu: bool = False, **recipe: Any
) -> tuple[int, float, float]:
    """Tokens, seconds and processor seconds of our steps. A packed step has as many rows as fill TRL's sequences.

    On a GPU in bfloat16; `recipe` are further parameters of a training.
    """
    from accelerate import Accelerator

    from jobs.train.training import Layout, Trainer
    from polyglot.kinds.train import TrainParams
    from polyglot.kinds.train_forecast import MICRO_BATCH_TOKENS

    data: Any = Rows(rows)
    size = BATCH * CAPACITY // int(data.lengths.mean()) if packed else BATCH
    params = TrainParams(
        steps=steps + 1,
        batch_size=size,
        learning_rate=1e-4,
        precision="bfloat16" if gpu else "float32",
        schedule="constant",
        packing="step" if packed else "none",
        packed_tokens=CAPACITY if packed else None,
        **recipe,
    )
    layout = Layout(micro_batch_tokens=MICRO_BATCH_TOKENS["cuda" if gpu else "cpu"], pad_id=0)
    trainer = Trainer(net, data, params, seed=0, layout=layout, accelerator=Accelerator(cpu=not gpu))
    trainer.step(0)
    began, used = time.perf_counter(), time.process_time()
    for number in range(1, steps + 1):
        trainer.step(number)
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    tokens = sum(int(data.lengths[trainer.order.step(number)].sum()) for number in range(1, steps + 1))
    return tokens, seconds, processor


def theirs(
    net: Any, rows: list[list[int]], steps: int, packed: bool, folder: Path, *, gpu: bool = False, **options: Any
) -> tuple[int, float, float]:
    """The same of SFTTrainer, whose further options these are."""
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from tests.kit.model_jobs import byte_level

    ends: list[tuple[float, float]] = []
    passed: list[int] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            if gpu:
                torch.cuda.synchronize()
            ends.append((time.perf_counter(), time.process_time()))

    dataset = Dataset.from_list(
        [{"input_ids": row, "completion_mask": [int(at >= len(row) // 2) for at in range(len(row))]} for row in rows]
    )
    config = SFTConfig(
        output_dir=str(folder),
        max_steps=steps + 1,
        per_device_train_batch_size=PER_PASS,
        gradient_accumulation_steps=BATCH // PER_PASS,
        learning_rate=1e-4,
        weight_decay=0.1,
        adam_beta2=0.95,
        **{"optim": "adamw_torch_fused", **options},
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        max_length=CAPACITY if packed else LONGEST,
        packing=packed,
        packing_strategy="bfd",
        completion_only_loss=True,
        bf16=gpu,
        fp16=False,
        use_cpu=not gpu,
        gradient_checkpointing=False,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
    )
    tokenizer = byte_level()
    trainer = SFTTrainer(model=net, args=config, train_dataset=dataset, processing_class=tokenizer, callbacks=[Clock()])
    collate = trainer.data_collator

    def counted(features: list[dict[str, Any]]) -> Any:
        passed.append(sum(len(feature["input_ids"]) for feature in features))
        return collate(features)

    trainer.data_collator = counted
    trainer.train()
    a_step = BATCH // PER_PASS
    tokens = sum(passed[a_step : a_step * (steps + 1)])
    return tokens, ends[-1][0] - ends[0][0], ends[-1][1] - ends[0][1]


if __name__ == "__main__":
    main()
