"""A reference stage on a folder: the real job and the real journal, as `judge_stage` has them for the judge.

`python -m tests.kit.reference_stage FOLDER` runs the stage that `build` wrote there, in a process that can be killed.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.reference import job as reference
from polyglot.kinds.reference import ReferenceParams
from tests.kit import judge_server as js
from tests.kit.judge_small import QUICK
from tests.kit.judge_stage import FolderContext, context, write_rows

CATEGORIES = ("math", "coding")


def questions(language: str, count: int, category: str = "coding") -> list[dict[str, Any]]:
    return [
        {"id": str(n), "language": language, "category": category, "turns": [f"{language} {n} first?", f"{n} second?"]}
        for n in range(1, count + 1)
    ]


def build(
    root: Path,
    asked: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    settings: Mapping[str, Any] | None = None,
    **params: Any,
) -> Path:
    """Write a whole stage below `root` and return it."""
    for language, rows in asked.items():
        write_rows(root / "questions" / "questions" / f"{language}.jsonl", rows)
    given: dict[str, Any] = {"endpoint": "openai", "model": "writer-1", "categories": CATEGORIES, "prompt": 1} | params
    document = ReferenceParams(languages=tuple(asked), **given).document()
    stage = {"kind": "reference", "params": document, "settings": QUICK | dict(settings or {})}
    (root / "stage.json").write_text(json.dumps(stage))
    return root


def run(root: Path, **settings: Any) -> FolderContext:
    """Run one attempt to its end and return its context."""
    here = context(root, **settings)
    reference.run(here)
    return here


def turn(call: js.Call) -> int:
    """Which turn a call asks for, from 1."""
    return sum(message["role"] == "user" for message in call.body["messages"])


def rows_of(root: Path, name: str) -> list[dict[str, Any]]:
    """Rows of a JSON Lines file that the stage wrote."""
    return [json.loads(line) for line in (root / "out" / name).read_text(encoding="utf-8").split("\n") if line]


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    attempt = context(Path(sys.argv[1]))
    with attempt.journal:  # type: ignore[attr-defined]
        reference.run(attempt)
