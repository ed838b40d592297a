"""Settings of a training's speed and memory: seconds of a step and peak of each, alternating with the plain training.

    python -m tests.bench.train_settings [MODEL] [--rounds 2] [--steps 6] [--only NAME …]

Every run is a fork with one thread of a process that has imported the libraries; the models are made here (those of
`cost_estimate`). Steps that compile are left out: the median is of the second half of the steps. Processor seconds say
more than those of the clock on a busy machine; time in collectives and background threads is in them too.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from tests.bench.cost_estimate import MODELS, child

BATCH = 8
PACKED = {"packing": "step", "packed_tokens": 512}
_Variant = tuple[dict[str, Any], dict[str, Any]]  # settings, and what of the recipe


def variants(layers: int) -> dict[str, _Variant]:
    """What is compared, by name; the first one is what happens where nothing is said."""
    return {
        "plain": ({}, {}),
        "attention eager": ({"attention": "eager"}, {}),
        "compile": ({"compile": True}, {}),
        "recompute half": ({"recompute": layers // 2}, {}),
        "recompute all": ({"recompute": True}, {}),
        "adamw-8bit": ({}, {"optimizer": "adamw-8bit"}),
        "prefetch 0": ({"prefetch": 0}, {}),
        "offload": ({"offload": True}, {}),
        "packed, sdpa": ({}, PACKED),
        "packed, eager": ({"attention": "eager"}, PACKED),
    }


def main() -> None:
    """Print one line a variant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="19M-32k")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--only", nargs="+")
    options = parser.parse_args()
    known = variants(MODELS[options.model][2])
    names = options.only or list(known)
    with tempfile.TemporaryDirectory(prefix="settings-") as folder:
        child("prepare", folder, options.model)
        from jobs.train import job  # noqa: F401 - once for all

        root = Path(folder)
        rounds = [{name: run(root, known[name], options.steps) for name in names} for _ in range(options.rounds)]
    print(f"{options.model}: a step's processor seconds, of the clock, waiting for data; first step; peak; last loss")
    for name in names:
        found = [one[name] for one in rounds]
        cpu, clock, data, first = (
            statistics.median(one[key] for one in found) for key in ("cpu", "clock", "data", "first")
        )
        peak = max(one["peak"] for one in found) / 2**20
        print(f"{name:16} {cpu:8.3f} {clock:8.3f} {data:8.4f} {first:8.1f} {peak:8.0f} MiB {found[0]['loss']:10.6f}")


def run(root: Path, variant: _Variant, steps: int) -> dict[str, Any]:
    """What one training says of itself."""
    reads, writes = os.pipe()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.write(writes, json.dumps(work(root, variant, steps)).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writes)
    with os.fdopen(reads) as said:
        text = said.read()
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        raise RuntimeError("a training failed")
    found: dict[str, Any] = json.loads(text)
    return found


def work(root: Path, variant: _Variant, steps: int) -> dict[str, Any]:
    """Be one training."""
    from jobs.train import job
    from jobs.train.training import Trainer
    from polyglot.kinds.train import TrainParams
    from tests.kit.model_jobs import model_context

    settings, recipe = variant
    times: list[tuple[float, float, float]] = []
    original = Trainer.step

    def step(self: Trainer, number: int) -> float:
        clock, cpu = time.perf_counter(), time.process_time()
        loss = original(self, number)
        times.append((time.perf_counter() - clock, time.process_time() - cpu, self.data_seconds))
        return loss

    Trainer.step = step  # type: ignore[method-assign]
    values = {"steps": steps, "batch_size": BATCH, "learning_rate": 1e-4, "precision": "float32", **recipe}
    inputs = {"base": root / "base", "mix": root / "mix", "tokens:EN": root / "tokens" / "out"}
    context = model_context(root / "run", TrainParams(**values), inputs, settings={"threads": 1, **settings})
    context.checkpoints.root = Path(tempfile.mkdtemp(dir=root))  # type: ignore[attr-defined]
    job.run(context)
    later = times[len(times) // 2 :]
    clock, cpu, data = (statistics.median(one[place] for one in later) for place in range(3))
    return {
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "clock": clock,
        "cpu": cpu,
        "data": data,
        "first": times[0][0],
        "loss": context.metrics.get("final_loss"),
    }


if __name__ == "__main__":
    main()
