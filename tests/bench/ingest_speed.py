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
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SIDE = """
import functools, hashlib, json, pathlib, resource, sys, tempfile
from jobs.ingest import job
from polyglot.core.stage import Resources
from tests.bench.data_scale import CARD, ingest_stage
from tests.kit import data_jobs
rows, cpus = map(int, sys.argv[1:])
data_jobs.Resources = functools.partial(Resources, cpus=cpus)
with tempfile.TemporaryDirectory() as folder:
    found = ingest_stage(pathlib.Path(folder), rows)
    card = hashlib.sha256(pathlib.Path(folder, "ingest/out/card.json").read_bytes()).hexdigest()
own, children = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({
    "wall": found["wall"],
    "processor": found["processor"] + children.ru_utime + children.ru_stime,
    "rows": rows * len(CARD),
    "mib": max(own.ru_maxrss, children.ru_maxrss) / 1024,
    "card": card,
}))
"""


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
    command = [str(place / ".venv/bin/python"), "-c", SIDE, str(rows), str(cpus)]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def spread(values: Sequence[float]) -> str:
    """Median and range."""
    digits = 0 if min(values) >= 100 else 2
    middle, low, high = (f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({low}-{high})"


if __name__ == "__main__":
    main()
