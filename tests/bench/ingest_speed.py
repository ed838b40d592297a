"""Ingest with its data card: rows a processor second, seconds and memory, beside another checkout of polyglot.

    python -m tests.bench.ingest_speed [--rows 12000] [--rounds 5] [--cpus 2] [--other CHECKOUT]

The rows are those of data_scale, in English and German. Every run is a process of its own that has imported what the
job needs before the clock starts, sides alternate, and processor seconds count the processes that the job started. The
last lines compare, round by round, and say whether all have written the same card. Memory is that of the largest
process.
"""

import argparse
import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench._sides import ROOT, took, work


def main() -> None:
    """Print a line a side, then the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=int(os.environ.get("ROWS", "12000")), help="of each language")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpus", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--other", type=Path, help="another checkout, with its .venv")
    options = parser.parse_args()
    sides = {"one processor": (ROOT, 1), f"{options.cpus} processors": (ROOT, options.cpus)}
    if options.other:
        sides["there"] = (options.other.resolve(), 1)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, (place, cpus) in sides.items():
            found[name].append(run(place, options.rows, cpus))
    for name, runs in found.items():
        rates = spread([each["rows"] / each["processor"] for each in runs])
        memory = max(each["mib"] for each in runs)
        seconds = spread([each["wall"] for each in runs])
        print(f"{name:14} {rates} rows a processor second; {seconds} s; largest process {memory:.0f} MiB")
    compare(found)


def compare(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Round by round, against the last side."""
    *others, last = found
    for name in others:
        for clock in ("processor", "wall"):
            pairs = zip(found[name], found[last], strict=True)
            print(f"{name} against {last}, {clock}: {spread([theirs[clock] / ours[clock] for ours, theirs in pairs])}")
    cards = {each["card"] for runs in found.values() for each in runs}
    print("all cards are equal" if len(cards) == 1 else f"{len(cards)} different cards")


def run(place: Path, rows: int, cpus: int) -> dict[str, Any]:
    """One ingest in a checkout."""
    found = took(work(place, "ingest", str(rows), str(cpus)), place, place)
    said: dict[str, Any] = json.loads(found.output.splitlines()[-1])
    return {**said, "mib": found.mib}


def spread(values: Sequence[float]) -> str:
    """Median and range."""
    digits = 0 if min(values) >= 100 else 2
    middle, low, high = (f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({low}-{high})"


if __name__ == "__main__":
    main()
