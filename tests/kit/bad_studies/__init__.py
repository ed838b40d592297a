"""Studies with one defect each, of the kinds that users make: what each is told, by what, and at which exit code.

`GOOD` is a study of two languages with a small model of its own; a case changes a key, or a file beside it. The lines
are in lines.json, of which docs/errors.md has a section; tests/faults/test_bad_studies.py holds them to what is said.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polyglot.core.canonical import sha256_file

GOOD: Mapping[str, str] = {
    "models": "{m: {directory: m}}",
    "datasets": "{d: {format: bactrian-x, files: {EN: EN.jsonl, DE: DE.jsonl}}}",
    "mixes": "[EN, ENDE]",
    "untuned": "false",
    "training": "{steps: 2, batch-size: 4, max-tokens: 128}",
    "benchmark": "{format: mt-bench, questions: {EN: q-EN.jsonl, DE: q-DE.jsonl}, references: {EN: r-EN.jsonl, "
    "DE: r-DE.jsonl}, prompts: {EN: p-EN.jsonl, DE: p-DE.jsonl}}",
    "answers": "{max-new-tokens: 16}",
    "judge": "{endpoint: built-in}",
}
LINES = Path(__file__).parent / "lines.json"
Change = Callable[[Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadStudy:
    """`keys` replace those of GOOD; `change` is done to the folder of files before the study is written.

    A file is named in `keys` as it is in GOOD: its digest is filled in. `environment` is that of the command.
    """

    name: str
    keys: Mapping[str, str] = field(default_factory=dict)
    change: Change = lambda folder: None
    environment: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path, number: int) -> Path:
        """Write the study into a folder that holds the files of the good one."""
        self.change(folder)
        text = f"study: bad-{number}\nseeds: [{number}]\n"
        text += "".join(f"{key}: {_pinned(folder, value)}\n" for key, value in ({**GOOD, **self.keys}).items())
        path = folder / "study.yaml"
        path.write_text(text, encoding="utf-8")
        return path


def _pinned(folder: Path, value: str) -> str:
    """The value with each file's name replaced by its path and digest."""
    for name in sorted((path.name for path in folder.iterdir() if path.is_file()), key=len, reverse=True):
        whole = f" {{path: {name}, sha256: {sha256_file(folder / name)}}}"
        value = re.sub(rf"(?<!path:) {re.escape(name)}(?=[,}}])", lambda _, whole=whole: whole, value)
    return value


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSON Lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def edit(name: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Change:
    """Change every row of a file; None takes it out."""

    def done(folder: Path) -> None:
        write_lines(folder / name, [new for row in lines_of(folder / name) if (new := change(row)) is not None])

    return done
