"""An ask stage on a folder: the real job and the real journal, as `reference_stage` has them for references.

`python -m tests.kit.ask_stage FOLDER` runs the stage that `build` wrote there, in a process that can be killed.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.ask import job as ask
from polyglot.kinds.ask import AskParams
from tests.kit.judge_small import QUICK
from tests.kit.judge_stage import FolderContext, context, write_rows

SYSTEMS = {"EN": "Be helpful.", "DE": ""}


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
    given: dict[str, Any] = {"endpoint": "openai", "model": "chat-1", "systems": SYSTEMS, "max_tokens": 64}
    given |= {"temperatures": {"writing": 0.7}, "default_temperature": 0.0} | params
    document = AskParams(languages=tuple(asked), **given).document()
    stage = {"kind": "ask", "params": document, "settings": QUICK | dict(settings or {})}
    (root / "stage.json").write_text(json.dumps(stage))
    return root


def run(root: Path, **settings: Any) -> FolderContext:
    """Run one attempt to its end and return its context."""
    here = context(root, **settings)
    ask.run(here)
    return here


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    attempt = context(Path(sys.argv[1]))
    with attempt.journal:  # type: ignore[attr-defined]
        ask.run(attempt)
