"""The first report of a user: the quickstart of one mix from an empty folder, with all that it needs installed.

    python -m tests.bench.first_run [--rounds 5] [--other CHECKOUT]

What `make submit MIX=DEFRITES` does after `make setup`, in a folder of its own each time, so that nothing is there to
be taken; seconds by the clock and of processors. With another checkout (and its .venv) both sides alternate.
A machine that is busy with other work shows little: the base model's idle core is what is gained.
"""

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASE = re.compile(r"base tiny: committed after ([\d.]+) s")


def main() -> None:
    """Print a line a side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--other", type=Path, help="another checkout, with its .venv")
    options = parser.parse_args()
    sides = {"here": ROOT, **({"there": options.other.resolve()} if options.other else {})}
    found: dict[str, list[tuple[float, float, float]]] = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side, place in sides.items():
            found[side].append(run(place))
    for side, figures in found.items():
        said = (
            f"{name} {statistics.median(values):.1f} s [{min(values):.1f} .. {max(values):.1f}]"
            for name, values in zip(("clock", "processors", "base model"), zip(*figures, strict=True), strict=True)
        )
        print(f"{side:6} {', '.join(said)}", flush=True)


def run(place: Path) -> tuple[float, float, float]:
    """Seconds by the clock, of processors, and of the base model."""
    with tempfile.TemporaryDirectory(prefix="first-") as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYGLOT_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        environment = {**kept, "POLYGLOT_STATE": f"{folder}/state", "POLYGLOT_STORE": f"file://{folder}/store"}
        command = [str(place / ".venv/bin/polyglot"), "submit", str(place / "studies/quickstart.yaml")]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [*command, "--mix", "DEFRITES"], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode or not (base := BASE.search(done.stdout + done.stderr)):
            raise RuntimeError(done.stderr[-3000:])
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return wall, used, float(base[1])


if __name__ == "__main__":
    sys.exit(main())
