"""The first report of a user: the quickstart of one mix from an empty folder, with all that it needs installed.

    python -m tests.bench.first_run [--rounds 5] [--other CHECKOUT]

What `make submit MIX=DEFRITES` does after `make setup`, in a folder of its own each time, so that nothing is there to
be taken; seconds by the clock and of processors, MiB of the largest process. With another checkout (and its .venv)
both sides alternate.
A machine that is busy with other work shows little: the base model's idle core is what is gained.
"""

import argparse
import re
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench._sides import Took, add_options, alternate, sides, tell, took

BASE = re.compile(r"base tiny: committed after ([\d.]+) s")


def main() -> None:
    """Print what it takes, and what of that its base model."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = parser.parse_args()
    found = alternate(sides(options.other), options.rounds, lambda _, place: run(place))
    tell("first run", found)
    for side, runs in found.items():
        seconds = [float(match[1]) for match in map(BASE.search, (one.output + one.errors for one in runs)) if match]
        if len(seconds) != len(runs):
            raise RuntimeError(f"{side}: no base model was made: {runs[-1].errors[-3000:]}")
        print(f"base model, {side}: {statistics.median(seconds):.1f} s ({min(seconds):.1f}-{max(seconds):.1f})")


def run(place: Path) -> Took:
    """Submit, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="first-") as folder:
        command = [str(place / ".venv/bin/polyglot"), "submit", str(place / "studies/quickstart.yaml")]
        own = {"POLYGLOT_STATE": f"{folder}/state", "POLYGLOT_STORE": f"file://{folder}/store"}
        return took([*command, "--mix", "DEFRITES"], place, Path(folder), **own)


if __name__ == "__main__":
    sys.exit(main())
