"""Translate stages on folders: the real job and the real journal, without the rest of a worker.

`python -m tests.kit.translations FOLDER` runs the stage that `build` wrote there, in a process that can be killed.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.translate import job as translate
from polyglot.attempts.replies import StoredReplies
from polyglot.core.stage import Resources
from polyglot.kinds.rows import FOLDERS
from polyglot.kinds.translate import TranslateParams
from tests.kit.judge_stage import FolderContext, FolderInput, NoCheckpoints, journal, stage_of, store_of, write_rows


def row(identifier: str, *texts: str, language: str = "EN") -> dict[str, Any]:
    """A row in the normal form."""
    turns = [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(texts)]
    return {"id": identifier, "language": language, "turns": turns, "origin": "test:rows:1", "licence": "MIT"}


def build(
    root: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    settings: Mapping[str, Any] | None = None,
    validation: Sequence[Mapping[str, Any]] = (),
    **params: Any,
) -> Path:
    """Write a whole stage below `root` and return it."""
    given = {"what": "dataset", "source": "EN", "target": "ES", "engine": "identity"} | params
    folder, language = FOLDERS[given["what"]], given["source"]
    write_rows(root / "rows" / folder / f"{language}.jsonl", rows)
    if validation:
        write_rows(root / "rows" / "validation" / f"{language}.jsonl", validation)
    document = TranslateParams(**given).document()
    (root / "stage.json").write_text(
        json.dumps({"kind": "translate", "params": document, "settings": dict(settings or {})})
    )
    return root


def context(root: Path, **settings: Any) -> FolderContext:
    """The context of one attempt at the stage below `root`; `settings` are added to those that were built in."""
    for name in ("out", "work", "blobs"):
        (root / name).mkdir(exist_ok=True)
    return FolderContext(
        stage=stage_of(root),
        resources=Resources(),
        settings=json.loads((root / "stage.json").read_text())["settings"] | settings,
        inputs={"rows": FolderInput(root / "rows")},
        out=root / "out",
        work=root / "work",
        checkpoints=NoCheckpoints(),
        journal=journal(root),
        replies=StoredReplies(store_of(root), stage_of(root)),
        log=logging.getLogger("translate"),
        blobs=root / "blobs",
    )


def run(root: Path, **settings: Any) -> FolderContext:
    """Run the stage in this process, and return its context."""
    here = context(root, **settings)
    with here.journal:  # type: ignore[attr-defined]
        translate.run(here)
    return here


def written(root: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a file that the stage wrote."""
    return [json.loads(line) for line in (root / "out" / name).read_text(encoding="utf-8").split("\n") if line]


def texts(root: Path, name: str = "rows/ES.jsonl") -> dict[str, list[str]]:
    """Id -> texts of the rows that the stage wrote."""
    return {
        each["id"]: [turn if isinstance(turn, str) else turn["content"] for turn in each["turns"]]
        for each in written(root, name)
    }


def card(root: Path) -> dict[str, Any]:
    """The stage's card."""
    found: dict[str, Any] = json.loads((root / "out" / "card.json").read_bytes())
    return found


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    run(Path(sys.argv[1]))
