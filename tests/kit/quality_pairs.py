"""Quality stages over a few texts and their translations, on a folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polyglot.kinds.quality import QualityParams
from tests.kit.data_jobs import DataContext, data_context, staged

CODE = "Run `ls -l` 2,000 times:\n```python\nx = 1  # one\n```\nSee https://example.org/a for {name}."


def rows(language: str, texts: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "language": language,
            "turns": [{"role": ("user", "assistant")[n % 2], "content": t} for n, t in enumerate(turns)],
            "origin": "files:a.jsonl:1",
            "licence": "MIT",
        }
        for name, turns in texts.items()
    ]


def stage(root: Path, parts: Mapping[str, tuple[str, Mapping[str, Sequence[str]]]], **params: Any) -> DataContext:
    folders = {}
    for role, (language, texts) in parts.items():
        folders[role] = root / role
        (root / role / "rows").mkdir(parents=True)
        lines = "".join(json.dumps(row) + "\n" for row in rows(language, texts))
        (root / role / "rows" / f"{language}.jsonl").write_text(lines, encoding="utf-8")
    context = data_context(root / "job", inputs=folders)
    made = QualityParams(what="dataset", source="EN", target="ES", **params)
    return staged(context, made, tuple(folders))


def records(context: DataContext) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (context.out / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
