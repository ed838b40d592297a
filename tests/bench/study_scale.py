"""Aggregation and report of a study of many arms: seconds, memory and how both grow.

    python -m tests.bench.study_scale [ARMS …] [--rounds 5] [--other CHECKOUT]

A study of so many mixes at many sizes, three seeds each, five languages, 80 questions of two turns, the contrasts that
are found by rule, 10,000 resamples. Each job runs in a process of its own. With another checkout of polyglot (and its
.venv) both sides alternate; each is given the same verdicts in its own form, finds its own contrasts and writes what it
writes: equal digests say that nothing but the speed differs. The last lines give the exponent with which processor
seconds and memory grow.
"""

import argparse
import hashlib
import math
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path

from tests.bench._sides import Took, add_options, alternate, sides, tell, took, work

ARMS, LANGUAGES = (50, 200), ("EN", "DE", "FR", "IT", "ES")
ROOM = 8  # mixes of several languages at each size, beside the monolingual ones


def main() -> None:
    """Print what each job takes at each size, then how each grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("arms", nargs="*", type=int, default=ARMS)
    add_options(parser)
    options = parser.parse_args()
    checkouts = sides(options.other)
    points: dict[str, list[tuple[int, float, float]]] = {}
    for arms in options.arms:
        with tempfile.TemporaryDirectory(prefix="study-") as name:
            folders = {side: Path(name) / side for side in checkouts}
            for side, place in checkouts.items():
                print(f"{side} {arms} arms, {made(folders[side], mixes(arms), place)} contrasts", flush=True)
            for kind in ("aggregate", "report"):
                found = alternate(checkouts, options.rounds, partial(_run, kind, folders))
                tell(f"{kind}, {arms} arms", found)
                for side, runs in found.items():
                    print(f"{kind}, {arms} arms, {side} wrote {digest(folders[side] / kind)}", flush=True)
                    middle, most = statistics.median(one.processors for one in runs), max(one.mib for one in runs)
                    points.setdefault(f"{kind}, {side}", []).append((arms, middle, most))
    for name, sizes in points.items():
        if len(sizes) > 1:
            (first, low, little), (last, high, much) = sizes[0], sizes[-1]
            power = [
                math.log(after / before) / math.log(last / first) for before, after in ((low, high), (little, much))
            ]
            print(f"{name:18} grows with the power {power[0]:.2f} of the arms, its memory with {power[1]:.2f}")


def mixes(arms: int) -> list[str]:
    """So many mixes: the monolingual ones and `ROOM` of several languages, at as many sizes as that takes."""
    several = ["".join(names) for count in (2, 5, 4, 3) for names in combinations(LANGUAGES, count)]
    forms = [*LANGUAGES, *several[: ROOM - len(LANGUAGES) + 5]]
    sizes = -(-arms // len(forms))
    return [f"{form}@{16 * (size + 1)}" for size in range(sizes) for form in forms][:arms]


def made(folder: Path, names: Sequence[str], place: Path) -> int:
    """Have a side write what both of its jobs read of a study of these mixes; how many contrasts it has."""
    folder.mkdir()
    contrasts = int(took(work(place, "study", str(folder), *names), place, folder).output)
    run("aggregate", folder, place)
    return contrasts


def _run(kind: str, folders: Mapping[str, Path], side: str, place: Path) -> Took:
    return run(kind, folders[side], place)


def run(kind: str, folder: Path, place: Path) -> Took:
    """Run a job by the code of a checkout, on what `KIND.json` of a folder names; its result is in `KIND/out` there."""
    out = folder / kind
    shutil.rmtree(out, ignore_errors=True)
    return took(work(place, "job", kind, str(folder), str(out)), place, folder, OMP_NUM_THREADS="1")


def digest(folder: Path) -> str:
    """How much a job wrote, and the beginning of the SHA-256 over it."""
    whole, size = hashlib.sha256(), 0
    for path in sorted((folder / "out").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            size += len(data)
            whole.update(path.name.encode() + data)
    return f"{size / 2**20:.1f} MiB {whole.hexdigest()[:12]}"


if __name__ == "__main__":
    sys.exit(main())
