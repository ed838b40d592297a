"""Lengths and repeats of one language's texts."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.lib.data.forms import ROLES
from jobs.lib.data.lengths import Lengths

MAX_LISTED = 1000  # ids that a card lists per language and finding; counts are always complete


@dataclass
class Content:
    """Lengths and repeats of one language. A repeated row equals an earlier one in all its turns, by SHA-256."""

    characters: dict[str, Lengths] = field(default_factory=lambda: {role: Lengths() for role in ROLES})
    repeated_rows: list[str] = field(default_factory=list)
    repeated_answers: int = 0
    _rows: set[bytes] = field(default_factory=set)
    _answers: set[bytes] = field(default_factory=set)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row, question or reference in the normal form."""
        spoken = list(turns_of(row))
        for role, text in spoken:
            self.characters[role].add(len(text))
        whole = _digest("\0".join(text for _, text in spoken))
        if whole in self._rows:
            self.repeated_rows.append(row["id"])
        self._rows.add(whole)
        answer = _digest(spoken[-1][1])
        self.repeated_answers += answer in self._answers
        self._answers.add(answer)

    def document(self) -> dict[str, Any]:
        """The card's entries for one language."""
        return {
            "characters": {role: lengths.document() for role, lengths in self.characters.items() if lengths.number},
            "repeated_rows": listed(self.repeated_rows),
            "repeated_last_turns": self.repeated_answers,
        }


def turns_of(row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield (role, text) of a normal form: a row's turns name their roles, questions are the user's, references not."""
    for turn in row["turns"]:
        if isinstance(turn, str):
            yield ("user" if "category" in row else "assistant"), turn
        else:
            yield turn["role"], turn["content"]


def listed(ids: Iterable[str]) -> dict[str, Any]:
    """Return the count of some ids, and the first of them in order."""
    ordered = sorted(ids)
    return {"count": len(ordered), "ids": ordered[:MAX_LISTED]}


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
