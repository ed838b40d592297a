"""Aggregation and report of a study of many arms: seconds, memory and how both grow.

    python -m tests.bench.study_scale [ARMS …] [--rounds 5] [--other CHECKOUT]

A study of so many mixes at many sizes, three seeds each, five languages, 80 questions of two turns, the contrasts that
are found by rule, 10,000 resamples. Each job runs in a process of its own; seconds are its processor seconds, MiB its
peak. With another checkout of polyglot (and its .venv) both sides alternate on the same inputs, and it is said whether
they write the same bytes. The last lines give the exponent with which each grows.
"""

import argparse
import hashlib
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from polyglot.core.mix import Mix
from polyglot.plan.contrasts import find_contrasts
from tests.bench._sides import ROOT, add_options, sides, took
from tests.kit.fake_scores import LANGUAGES, FakeStudy, cells_of, report_params, usual_ability

ARMS, SEEDS, RESAMPLES = (50, 200), (0, 1, 2), 10_000
ROOM = 8  # mixes of several languages at each size, beside the monolingual ones
RUN = """
import importlib, json, pathlib, resource, sys
from polyglot.kinds.registry import kind_of
from tests.kit.fake_scores import fake_context
from tests.kit.folder_input import FolderInput
kind, root, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
given = json.loads((root / f"{kind}.json").read_text())
inputs = {role: FolderInput(pathlib.Path(folder), key) for role, (folder, key) in given["inputs"].items()}
context = fake_context(kind_of(kind).params.model_validate(given["params"]), inputs, out)
importlib.import_module(f"jobs.{kind}.job").run(context)
print(json.dumps({"kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


def main() -> None:
    """Print a line a job, size and side, then how each grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("arms", nargs="*", type=int, default=ARMS)
    add_options(parser)
    options = parser.parse_args()
    checkouts = sides(options.other)
    medians: dict[str, list[tuple[int, float, float]]] = {}
    for arms in options.arms:
        with tempfile.TemporaryDirectory(prefix="study-") as folder:
            count, contrasts = made(Path(folder), arms)
            for kind in ("aggregate", "report"):
                found: dict[str, list[tuple[float, float]]] = {side: [] for side in checkouts}
                for _ in range(options.rounds):
                    for side, place in checkouts.items():
                        found[side].append(run(kind, Path(folder), Path(folder) / f"{kind}-{side}", place))
                for side, figures in found.items():
                    seconds, mib = zip(*figures, strict=True)
                    middle, most = statistics.median(seconds), max(mib)
                    medians.setdefault(f"{kind}, {side}", []).append((count, middle, most))
                    said = f"{middle:7.2f} s   [{min(seconds):.2f} .. {max(seconds):.2f}]  {most:6.0f} MiB"
                    wrote = digest(Path(folder), kind, side)
                    what = f"{count:4} arms, {contrasts:5} contrasts  {kind + ', ' + side:18}"
                    print(f"{what} {said}  {wrote}", flush=True)
    for name, points in medians.items():
        if len(points) > 1:
            (first, low, little), (last, high, much) = points[0], points[-1]
            power = [
                math.log(after / before) / math.log(last / first) for before, after in ((low, high), (little, much))
            ]
            print(f"{name:18} grows with the power {power[0]:.2f} of the arms, its memory with {power[1]:.2f}")


def mixes(arms: int) -> list[Mix]:
    """So many mixes: the monolingual ones and `ROOM` of several languages, at as many sizes as that takes."""
    several = ["".join(names) for count in (2, 5, 4, 3) for names in combinations(LANGUAGES, count)]
    forms = [*LANGUAGES, *several[: ROOM - len(LANGUAGES) + 5]]
    sizes = -(-arms // len(forms))
    named = [f"{form}@{16 * (size + 1)}" for size in range(sizes) for form in forms]
    return [Mix.parse(name) for name in named[:arms]]


def made(folder: Path, arms: int) -> tuple[int, int]:
    """Write what both jobs read; how many arms and contrasts there are."""
    chosen = mixes(arms)
    contrasts = find_contrasts("tiny", "built-in", chosen, LANGUAGES)
    cells = cells_of([mix.canonical for mix in chosen], SEEDS)
    study = FakeStudy(cells=tuple(cells), contrasts=contrasts, ability=usual_ability, resamples=RESAMPLES)
    study.write(folder / "inputs")
    read = {role: [str(source.root), source.key] for role, source in study.inputs.items()}
    write(folder, "aggregate", study.aggregate_params().document(), {
        role: at for role, at in read.items() if role.partition(":")[0] in ("questions", "answers", "verdicts")
    })  # fmt: skip
    run("aggregate", folder, folder / "first", ROOT)
    others = {role: at for role, at in read.items() if not role.startswith("answers:")}
    write(folder, "report", report_params().document(), {**others, "aggregate": [str(folder / "first/out"), "0" * 64]})
    return len(chosen), len(contrasts)


def write(folder: Path, kind: str, params: Mapping[str, object], inputs: Mapping[str, Sequence[str]]) -> None:
    """What a job is given."""
    (folder / f"{kind}.json").write_text(json.dumps({"params": params, "inputs": inputs}), encoding="utf-8")


def run(kind: str, folder: Path, out: Path, place: Path) -> tuple[float, float]:
    """Run a job by the code of a checkout: its processor seconds, and its peak memory in MiB."""
    command = [str(place / ".venv/bin/python"), "-c", RUN, kind, str(folder), str(out)]
    found = took(command, place, place, OMP_NUM_THREADS="1")
    return found.processors, float(json.loads(found.output.splitlines()[-1])["kib"]) / 1024


def digest(folder: Path, kind: str, side: str) -> str:
    """The beginning of the SHA-256 over all that a job wrote, and how much that is."""
    whole, size = hashlib.sha256(), 0
    for path in sorted((folder / f"{kind}-{side}/out").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            size += len(data)
            whole.update(path.name.encode() + data)
    return f"{size / 2**20:.1f} MiB {whole.hexdigest()[:12]}"


if __name__ == "__main__":
    sys.exit(main())
