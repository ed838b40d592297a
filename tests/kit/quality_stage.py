"""A quality stage that asks for ratings, on a folder: the real job and the real journal, as `judge_stage` has them.

`python -m tests.kit.quality_stage FOLDER` runs the stage that `build` wrote there, in a process that can be killed.
"""

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.quality import job as quality
from polyglot.kinds.quality import QualityParams
from tests.kit.judge_small import QUICK
from tests.kit.judge_stage import FolderContext, FolderInput, context, write_rows


def build(root: Path, count: int, *, settings: Mapping[str, Any] | None = None, **params: Any) -> Path:
    """Write a stage of `count` Spanish rows of two turns below `root`: 2 x count calls. Return it."""
    for role, language, words in (("source", "EN", ("ask", "say")), ("translated", "ES", ("pregunta", "respuesta"))):
        rows = [
            {
                "id": f"a-{n}",
                "language": language,
                "turns": [
                    {"role": speaker, "content": f"{word} {n}"}
                    for speaker, word in zip(("user", "assistant"), words, strict=True)
                ],
            }
            for n in range(count)
        ]
        write_rows(root / role / "rows" / f"{language}.jsonl", rows)
    asked: dict[str, Any] = {
        "adequacy_model": "rater-1",
        "adequacy_prompt": 2,
        "adequacy_max_tokens": 64,
    }
    document = QualityParams(what="dataset", source="EN", target="ES", **(asked | params)).document()
    stage = {
        "kind": "quality",
        "params": document,
        "settings": QUICK | {"max_failed_share": 0.05} | dict(settings or {}),
    }
    (root / "stage.json").write_text(json.dumps(stage))
    return root


def attempt(root: Path, **settings: Any) -> FolderContext:
    """The context of one attempt at the stage below `root`."""
    here = context(root, **settings)
    here.inputs = {role: FolderInput(root / role) for role in ("source", "translated")}
    return here


def run(root: Path, **settings: Any) -> FolderContext:
    """Run one attempt to its end and return its context."""
    here = attempt(root, **settings)
    quality.run(here)
    return here


def ratings(root: Path) -> list[int | None]:
    """The rating of each turn, in order."""
    lines = (root / "out" / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["adequacy"] for line in lines]


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    here = attempt(Path(sys.argv[1]))
    with here.journal:  # type: ignore[attr-defined]
        quality.run(here)
