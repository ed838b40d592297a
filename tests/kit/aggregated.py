"""The aggregate job over a study of fake scores, and what its files say."""

import json
from pathlib import Path
from typing import Any

from jobs.aggregate import job as aggregate
from polyglot.kinds.aggregate import AggregateParams
from tests.kit.fake_scores import (
    FakeStudy,
    fake_context,
)

FILES = (
    "scores.json",
    "scores.csv",
    "contrasts.json",
    "contrasts.csv",
    "gains.json",
    "gains.csv",
    "thresholds.json",
    "mixtures.json",
)


def run(made: FakeStudy, root: Path, **changes: Any) -> dict[str, bytes]:
    params = AggregateParams(**(made.aggregate_params().model_dump() | changes))
    context = fake_context(params, made.inputs, root)
    aggregate.run(context)
    return {name: (context.out / name).read_bytes() for name in FILES}


def rows(files: dict[str, bytes], table: str, **wanted: Any) -> list[dict[str, Any]]:
    found = json.loads(files["scores.json"])[table]
    return [row for row in found if all(row[name] == value for name, value in wanted.items())]


def contrasts_of(files: dict[str, bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files["contrasts.json"])
    return found


def edit(made: FakeStudy, role: str, name: str, change: Any) -> None:
    """Rewrite one JSON Lines file of an input through `change(records)`."""
    path = made.inputs[role].path(name)
    records = change([json.loads(line) for line in path.read_text().splitlines()])
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
