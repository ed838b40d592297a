"""What it takes to look at a large study: `status`, `plan` and `why` of one whose stages are all done.

    python -m tests.bench.looking_speed [STAGES …] [--rounds 5] [--other CHECKOUT]

Every command is a process of its own, as a user starts it, over a directory store on this machine. The comparison is
what nobody can avoid: a process that reads the same manifests, checks their checksums and parses them. With another
checkout of polyglot (and its .venv) both sides alternate; each has a store with the stages that its own `plan` lists,
as keys differ between versions. The last lines give the exponent with which the processor seconds of each grow between
the smallest and the largest study.
"""

import argparse
import hashlib
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from polyglot.core.stage import Stage
from polyglot.store.locate import open_store
from polyglot.store.manifest import FileRecord, Manifest
from tests.bench._sides import Took, add_options, alternate, polyglot, sides, tell, took
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


@dataclass(frozen=True, kw_only=True)
class Store:
    """A side's, with everything committed; `label` is that of a judge stage."""

    url: str
    stages: int
    label: str


def main() -> None:
    """Print what each command takes at each size, then how each grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stages", nargs="*", type=int, default=STAGES)
    add_options(parser)
    options = parser.parse_args()
    checkouts = sides(options.other)
    points: dict[str, list[tuple[int, float]]] = {}
    for wanted in options.stages:
        with tempfile.TemporaryDirectory(prefix="looking-") as name:
            folder = Path(name)
            (folder / "study.yaml").write_text(large_study(max(1, round(wanted / A_SEED))), encoding="utf-8")
            stores = {side: filled(folder, side, place) for side, place in checkouts.items()}
            print(", ".join(f"{side} {store.stages:,} stages" for side, store in stores.items()), flush=True)
            for what in ("status", "plan", "why", "reading alone"):
                found = alternate(checkouts, options.rounds, partial(look, what, folder, stores))
                tell(f"{what}, {wanted:,} stages", found)
                for side, runs in found.items():
                    middle = statistics.median(one.processors for one in runs)
                    points.setdefault(f"{what}, {side}", []).append((stores[side].stages, middle))
    for name, ((first, low), *_, (last, high)) in ((name, found) for name, found in points.items() if len(found) > 1):
        print(f"{name:22} grows with the power {math.log(high / low) / math.log(last / first):.2f} of the stages")


def filled(folder: Path, side: str, place: Path) -> Store:
    """A store in which every stage that a side plans is committed."""
    url = f"file://{folder}/{side}"
    words = ("plan", str(folder / "study.yaml"), "--store", url, "-o", "json")
    planned: list[dict[str, Any]] = json.loads(took(polyglot(place, *words), place, folder).output)
    store, results = open_store(url), dict[str, str]()
    for row in planned:  # inputs before those that read them
        manifest = manifest_of(Stage.from_document(row["stage"]), results)
        results[row["key"]] = manifest.result
        store.create(manifest.path, manifest.to_json())
    return Store(
        url=url,
        stages=len(planned),
        label=next(row["label"] for row in planned if row["stage"]["kind"] == "judge"),
    )


def manifest_of(stage: Stage, results: Mapping[str, str]) -> Manifest:
    """As large as one of a worker."""
    files = tuple(
        FileRecord(path=f"model/part-{number}.json", sha256=hashlib.sha256(stage.key.encode()).hexdigest(), bytes=9)
        for number in range(4)
    )
    figures = {f"figure_{number}": number / 7 for number in range(20)}
    return Manifest(
        stage=stage,
        inputs={role: results[key] for role, key in stage.inputs.items()},
        files=files,
        execution={
            "image": f"sha256:{stage.key}",
            "packages": {f"package-{number}": "1.2.3" for number in range(20)},
        },
        metrics=figures,
        volatile=figures,
    )


def look(what: str, folder: Path, stores: Mapping[str, Store], side: str, place: Path) -> Took:
    """Run a verb of a side's command line over its store, or the bare reading of that."""
    store, study = stores[side], str(folder / "study.yaml")
    words = [store.label, "--study", study] if what == "why" else [study]
    command = polyglot(place, what, *words, "--store", store.url)
    if what == "reading alone":
        command = [sys.executable, "-c", READ, store.url.removeprefix("file://")]
    return took(command, place, folder)


if __name__ == "__main__":
    main()
