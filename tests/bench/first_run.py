"""The first report of a user: the quickstart of one mix from an empty folder, with all that it needs installed.

    python -m tests.bench.first_run [--rounds 5] [--other CHECKOUT]

What `make submit MIX=DEFRITES` does after `make setup`, in a folder of its own each time, so that nothing is there to
be taken; seconds by the clock and of processors. With another checkout (and its .venv) both sides alternate.
A machine that is busy with other work shows little: the base model's idle core is what is gained.
"""

import argparse
import re
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench._sides import add_options, sides, took

BASE = re.compile(r"base tiny: committed after ([\d.]+) s")


def main() -> None:
    """Print a line a side."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = parser.parse_args()
    checkouts = sides(options.other)
    found: dict[str, list[tuple[float, float, float]]] = {side: [] for side in checkouts}
    for _ in range(options.rounds):
        for side, place in checkouts.items():
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
        command = [str(place / ".venv/bin/polyglot"), "submit", str(place / "studies/quickstart.yaml")]
        own = {"POLYGLOT_STATE": f"{folder}/state", "POLYGLOT_STORE": f"file://{folder}/store"}
        found = took([*command, "--mix", "DEFRITES"], place, Path(folder), **own)
        base = BASE.search(found.output + found.errors)
        if base is None:
            raise RuntimeError(f"no base model was made: {found.errors[-3000:]}")
        return found.clock, found.processors, float(base[1])


if __name__ == "__main__":
    sys.exit(main())
