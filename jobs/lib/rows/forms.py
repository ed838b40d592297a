"""The normal forms that ingest writes, and the reasons for which a row cannot become one.

A row of any source ends as exactly one `Row`, `Question` or `Answer` (a reference answer), or as one `Rejection` that
names file, line and reason. Text is never changed on the way: no normalisation, no stripping, no repair.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROLES = ("user", "assistant")
# what is ingested, translated or assessed -> the folder of its rows, a file a language
FOLDERS = {"dataset": "rows", "questions": "questions", "references": "references"}
VALIDATION_FOLDER = "validation"  # of the rows that nothing is trained on


class Reject(Exception):
    """Raised by an adapter: this record has no normal form. `reason` is a short name such as "empty-output"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One conversation: `turns` alternate, the user's first, the assistant's last."""

    id: str
    language: str
    turns: tuple[str, ...]
    origin: str
    licence: str

    def document(self) -> dict[str, Any]:
        """The JSON form of rows/<LANG>.jsonl."""
        turns = [{"role": ROLES[number % 2], "content": text} for number, text in enumerate(self.turns)]
        return {
            "id": self.id,
            "language": self.language,
            "turns": turns,
            "origin": self.origin,
            "licence": self.licence,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One benchmark question; `turns` are what the user says, in order."""

    id: str
    language: str
    category: str
    turns: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON form of questions/<LANG>.jsonl."""
        return {"id": self.id, "language": self.language, "category": self.category, "turns": list(self.turns)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The reference answers to one question, one a turn; "" where a turn has none."""

    id: str
    language: str
    turns: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON form of references/<LANG>.jsonl."""
        return {"id": self.id, "language": self.language, "turns": list(self.turns)}


Form = Row | Question | Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A record that was not accepted. `line` counts from 1 (rows where the format has no lines)."""

    language: str
    file: str
    line: int
    id: str | None
    reason: str

    def document(self) -> dict[str, Any]:
        """The JSON form of rejected.jsonl."""
        return {
            "language": self.language,
            "file": self.file,
            "line": self.line,
            "id": self.id,
            "reason": self.reason,
        }


def json_line(document: Mapping[str, Any]) -> str:
    r"""Return one JSON Lines row, `\n` included.

    Equal to the RFC 8785 form for documents without floats whose keys are ASCII (a test holds it against
    `polyglot.core.canonical`), and some thirty times faster, which matters at 335,000 rows.
    """
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def id_key(identifier: str) -> str:
    """Return the form in which ids are compared: NFC, so that twins that look alike are one id."""
    return identifier if identifier.isascii() else unicodedata.normalize("NFC", identifier)


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen: it is empty, white space, or of zero width."""
    return not any(character.isprintable() and not character.isspace() for character in text)


def text_fault(text: str) -> str | None:
    """Return why a text cannot be carried on ("nul", "lone-surrogate"), or None."""
    if "\0" in text:
        return "nul"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "lone-surrogate"
    return None
