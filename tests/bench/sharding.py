"""Trainings over 1, 2 and 4 ranks: memory of a rank beside its estimate, seconds of a step, a checkpoint's stall, loss.

    python -m tests.bench.sharding [MODEL …] [--ranks 1 2 4] [--steps 6] [--rounds 2]

Every rank is a process with one thread; the models are made here (those of `cost_estimate`). The peak is the largest
resident size of any rank. Ranks share this machine's cores, so that more of them are no faster; rounds alternate.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
from pathlib import Path
from typing import Any

from polyglot.core.stage import Resources
from tests.bench._said import said_by_ranks
from tests.bench.cost_estimate import BATCH, child, forecast

STEPS, ROUNDS = 6, 2
MODELS = ("19M-32k", "60M-32k")


def main() -> None:
    """Print one line a model and number of ranks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--ranks", nargs="+", type=int, default=(1, 2, 4))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--child", nargs=3, help="a root, a folder and a rank")
    options = parser.parse_args()
    if options.child:
        work(Path(options.child[0]), options.child[1], options.steps)
        return
    print("model      ranks   estimate       peak  ratio   seconds a step   stall a checkpoint   last loss")
    for name in options.models:
        with tempfile.TemporaryDirectory(prefix="sharding-") as folder:
            root = Path(folder)
            child("prepare", folder, name)
            found: dict[int, list[list[dict[str, Any]]]] = {ranks: [] for ranks in options.ranks}
            for number in range(options.rounds):
                for ranks in options.ranks:
                    found[ranks].append(run(root, f"{ranks}-{number}", ranks, options.steps))
            for ranks, rounds in found.items():
                print(line(root, name, ranks, rounds, options.steps), flush=True)


def line(root: Path, name: str, ranks: int, rounds: list[list[dict[str, Any]]], steps: int) -> str:
    """A row of the table."""
    peak = max(rank["peak"] for one in rounds for rank in one)
    estimate = forecast(root, name, "train", Resources(ranks=ranks)).memory_bytes or 0
    seconds = statistics.median(one[0]["seconds"] / steps for one in rounds)
    stall = statistics.median(one[0]["stall"] for one in rounds)
    loss = rounds[0][0]["loss"]
    return (
        f"{name:10} {ranks:5} {estimate / 2**20:6.0f} MiB {peak / 2**20:6.0f} MiB {estimate / peak:6.2f} "
        f"{seconds:16.2f} {stall:20.2f} {loss:11.6f}"
    )


def run(root: Path, folder: str, ranks: int, steps: int) -> list[dict[str, Any]]:
    """What each rank of a training says of itself."""
    arguments = ["--steps", str(steps), "--child", str(root), folder]
    return said_by_ranks(ranks, "tests.bench.sharding", *arguments)


def work(root: Path, folder: str, steps: int) -> None:
    """Be one rank."""
    from jobs.lib.ranks import Ranks
    from jobs.train import job
    from polyglot.kinds.train import TrainParams
    from tests.kit.model_jobs import model_context

    ranks = Ranks.read()
    os.environ.update(ranks.for_torch())
    params = TrainParams(
        steps=steps, batch_size=BATCH, learning_rate=1e-4, precision="float32", checkpoint_steps=max(1, steps // 2)
    )
    inputs = {"base": root / "base", "mix": root / "mix", "tokens:EN": root / "tokens" / "out"}
    context = model_context(root / folder / f"rank{ranks.rank}", params, inputs, settings={"threads": 1})
    context.checkpoints.root = root / folder / "checkpoints"  # type: ignore[attr-defined]
    job.run(context)
    said = {
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "seconds": context.volatile["train_seconds"],
        "stall": context.volatile["checkpoint_stall_seconds"],
        "loss": context.metrics.get("final_loss"),
    }
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
