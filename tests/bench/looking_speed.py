"""What it takes to look at a large study: `status`, `plan` and `why` of one whose stages are all done.

    python -m tests.bench.looking_speed [STAGES …] [--rounds 5] [--other CHECKOUT]

Every command is a process of its own, as a user starts it, over a directory store on this machine; seconds are its
processor seconds. The comparison is what nobody can avoid: a process that reads the same manifests, checks their
checksums and parses them. With another checkout of polyglot (and its .venv) both sides alternate. The last line gives
the exponent with which each grows between the smallest and the largest study.
"""

import argparse
import hashlib
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from polyglot.core.stage import PlannedStage
from polyglot.plan.build import build_plan
from polyglot.store.locate import open_store
from polyglot.store.manifest import FileRecord, Manifest
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.profile import load_profile
from tests.bench._sides import ROOT, add_options, sides, took
from tests.bench.plan_speed import large_study

STAGES = (500, 2000, 20_000)
A_SEED = 135  # stages
READ = """
import hashlib, json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).glob("stages/*/*/manifest.json"):
    data = path.read_bytes()
    hashlib.sha256(data[:-78]).hexdigest()
    json.loads(data)
"""


def main() -> None:
    """Print a line a command and size, then how each grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stages", nargs="*", type=int, default=STAGES)
    add_options(parser)
    options = parser.parse_args()
    checkouts = sides(options.other)
    medians: dict[str, list[tuple[int, float]]] = {}
    for wanted in options.stages:
        with tempfile.TemporaryDirectory(prefix="looking-") as folder:
            count, label = made(Path(folder), wanted)
            timed = commands(Path(folder), checkouts, label)
            found: dict[str, list[float]] = {name: [] for name in timed}
            for _ in range(options.rounds):
                for name, (command, place) in timed.items():
                    found[name].append(
                        took(command, place, Path(folder), POLYGLOT_STORE=f"file://{folder}/store").processors
                    )
            for name, seconds in found.items():
                middle = statistics.median(seconds)
                medians.setdefault(name, []).append((count, middle))
                print(f"{count:6,} stages  {name:22} {middle:6.2f} s   [{min(seconds):.2f} .. {max(seconds):.2f}]")
    for name, points in medians.items():
        if len(points) > 1:
            (first, low), (last, high) = points[0], points[-1]
            print(f"{name:22} grows with the power {math.log(high / low) / math.log(last / first):.2f} of the stages")


def made(folder: Path, wanted: int) -> tuple[int, str]:
    """A study of about so many stages, all of them committed; how many they are, and a label."""
    path = folder / "study.yaml"
    path.write_text(large_study(max(1, round(wanted / A_SEED))), encoding="utf-8")
    plan = build_plan(lock_study(load_study(path)), load_profile("local"))
    store = open_store(f"file://{folder}/store")
    results: dict[str, str] = {}
    for planned in plan:
        manifest = manifest_of(planned, results)
        results[planned.key] = manifest.result
        store.create(manifest.path, manifest.to_json())
    return len(results), next(planned.label for planned in plan if planned.stage.kind == "judge")


def manifest_of(planned: PlannedStage, results: Mapping[str, str]) -> Manifest:
    """As large as one of a worker."""
    files = tuple(
        FileRecord(path=f"model/part-{number}.json", sha256=hashlib.sha256(planned.key.encode()).hexdigest(), bytes=9)
        for number in range(4)
    )
    figures = {f"figure_{number}": number / 7 for number in range(20)}
    return Manifest(
        stage=planned.stage,
        inputs={role: results[key] for role, key in planned.stage.inputs.items()},
        files=files,
        execution={
            "image": f"sha256:{hashlib.sha256(planned.name.encode()).hexdigest()}",
            "packages": {f"package-{number}": "1.2.3" for number in range(20)},
        },
        metrics=figures,
        volatile=figures,
    )


def commands(folder: Path, checkouts: Mapping[str, Path], label: str) -> dict[str, tuple[list[str], Path]]:
    """What is run, and where, by what it is called."""
    store, study = f"file://{folder}/store", str(folder / "study.yaml")
    verbs = {"status": ["status", study], "plan": ["plan", study], "why": ["why", label, "--study", study]}
    found = {
        f"{verb}, {name}" if len(checkouts) > 1 else verb: (
            [str(place / ".venv/bin/python"), "-m", "polyglot", *words, "--store", store],
            place,
        )
        for verb, words in verbs.items()
        for name, place in checkouts.items()
    }
    return {**found, "reading alone": ([sys.executable, "-c", READ, str(folder / "store")], ROOT)}


if __name__ == "__main__":
    main()
