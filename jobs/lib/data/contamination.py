"""Benchmark questions that occur in training rows, by exact text and by runs of words, with the ids of both.

Rule. Text is casefolded NFKC; words are runs of letters, digits and underscores. A turn of a question is *exact* in a
row when the words of one of the row's turns are the same words. It *overlaps* when the row holds, anywhere in one turn,
a run of 13 words of the question's turn (Brown et al. 2020, appendix C), or all its words when it has 5 to 12. Shorter
turns match exactly or not at all: "Explain your answer." is not evidence. Rows are compared with the questions of every
language of the benchmark, and both user and assistant turns are looked at.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

RUN_WORDS = 13
SHORTEST_RUN_WORDS = 5
_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return _WORD.findall(plain.casefold())


@dataclass(frozen=True, slots=True)
class Hit:
    """One match. `kind` is "exact" or "overlap"."""

    kind: str
    row_id: str
    row_language: str
    question_id: str
    question_language: str


@dataclass
class Benchmark:
    """The questions, indexed for one look per position of a row's text."""

    _exact: dict[tuple[str, ...], list[tuple[str, str]]] = field(default_factory=dict)
    _runs: dict[tuple[str, ...], list[tuple[tuple[str, ...], tuple[str, str]]]] = field(default_factory=dict)

    @classmethod
    def of(cls, questions: Iterable[Mapping[str, Any]]) -> "Benchmark":
        """Index questions in the normal form, of any number of languages."""
        made = cls()
        for question in questions:
            for turn in question["turns"]:
                made._add(tuple(words(turn)), (question["id"], question["language"]))
        return made

    def _add(self, turn: tuple[str, ...], name: tuple[str, str]) -> None:
        if not turn:
            return
        self._exact.setdefault(turn, []).append(name)
        if len(turn) < SHORTEST_RUN_WORDS:
            return
        length = min(RUN_WORDS, len(turn))
        for start in range(len(turn) - length + 1):
            run = turn[start : start + length]
            self._runs.setdefault(run[:SHORTEST_RUN_WORDS], []).append((run, name))

    def hits(self, row: Mapping[str, Any]) -> set[Hit]:
        """Return the matches of one training row in the normal form."""
        found: set[Hit] = set()
        for turn in row["turns"]:
            spoken = words(turn["content"])
            exact = self._exact.get(tuple(spoken), ())
            overlaps = [name for name in self._overlaps(spoken) if name not in exact]
            found |= {Hit("exact", row["id"], row["language"], *name) for name in exact}
            found |= {Hit("overlap", row["id"], row["language"], *name) for name in overlaps}
        return found

    def _overlaps(self, spoken: list[str]) -> Iterable[tuple[str, str]]:
        heads = list(zip(*(spoken[shift:] for shift in range(SHORTEST_RUN_WORDS)), strict=False))
        if self._runs.keys().isdisjoint(heads):
            return
        for start, head in enumerate(heads):
            for run, name in self._runs.get(head, ()):
                if tuple(spoken[start : start + len(run)]) == run:
                    yield name
