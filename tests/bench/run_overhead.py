"""What running a stage costs beside its work: workers forked from a warm server against plain processes.

    python -m tests.bench.run_overhead [--rounds N]

100 no-op stages that need nothing, and a chain of 30, through engine, store (a directory) and local scheduler; both
sides alternate in one run. Beside them: the bare cost of one `python -c pass`, and of importing what a model stage
imports.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from polyglot.core.stage import PlannedStage
from polyglot.engine.engine import run
from polyglot.schedulers.local.scheduler import LocalScheduler
from polyglot.store.locate import open_store
from tests.kit.graphs import JOBS, chain, fan, small_budget


def seconds_of(stages: Sequence[PlannedStage], *, warm: bool) -> float:
    """Wall time of a run over an empty store, the start of the server included."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"file://{folder}/store")
        began = time.perf_counter()
        environment = {**os.environ, **JOBS}
        cpus = len(os.sched_getaffinity(0))
        with LocalScheduler(
            Path(folder) / "state", budget=small_budget(cpus), warm=warm, environment=environment
        ) as scheduler:
            summary = run(stages, store, scheduler)
        if summary.committed != len(stages):
            raise RuntimeError(summary.describe())
        return time.perf_counter() - began


def cached_seconds(stages: Sequence[PlannedStage]) -> float:
    """Wall time of the same command again."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"file://{folder}/store")
        with LocalScheduler(Path(folder) / "state", environment={**os.environ, **JOBS}) as scheduler:
            run(stages, store, scheduler)
        began = time.perf_counter()
        with LocalScheduler(Path(folder) / "state", environment={**os.environ, **JOBS}) as scheduler:
            run(stages, store, scheduler)
        return time.perf_counter() - began


def process_seconds(code: str) -> float:
    """Wall time of one interpreter that runs `code`."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    for name, stages in (("100 stages side by side", fan(100)), ("a chain of 30 stages", chain(30))):
        warm, plain = [], []
        for _ in range(rounds):
            plain.append(seconds_of(stages, warm=False))
            warm.append(seconds_of(stages, warm=True))
        each = [1000 * statistics.median(side) / len(stages) for side in (warm, plain)]
        print(f"{name}: warm {each[0]:.0f} ms a stage, plain {each[1]:.0f} ms a stage, ratio {each[1] / each[0]:.1f}")
    print(f"the same 100 stages again, all cached: {1000 * cached_seconds(fan(100)):.0f} ms in all")
    bare = statistics.median(process_seconds("pass") for _ in range(5))
    print(f"one bare interpreter: {1000 * bare:.0f} ms")
    heavy = statistics.median(process_seconds("import torch, transformers, jobs.train.job") for _ in range(rounds))
    print(f"one interpreter that imports what training needs: {heavy:.2f} s")


if __name__ == "__main__":
    main()
