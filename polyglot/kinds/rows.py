"""The rows that ingest, translate and reference write and most other kinds read: one file a language, one row a line.

A row of any source ends as exactly one `Row`, `Question` or `Reference`, or as one `Rejection`. An id is shared by the
languages: rows of one id are translations of each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import msgspec

from polyglot.core.canonical import Json
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.kinds.kind import Offer

ROLES = ("user", "assistant")
VALIDATION_FOLDER = "validation"  # of the rows that nothing is trained on


class Turn(Record):
    """What one side says."""

    role: str  # "user" or "assistant"
    content: str


class Row(Record):
    """`rows/<LANG>.jsonl`: one conversation, in the order of the source. Turns alternate, the user's first, the
    assistant's last. Where a source has an instruction and an input, they are one turn, a blank line between them.
    """

    id: str
    language: str
    turns: tuple[Turn, ...]
    origin: str = ""  # "<data set>:<file name>:<line>"
    licence: str = ""

    @property
    def spoken(self) -> Iterator[tuple[str, str]]:
        """Role and text of each turn."""
        return ((turn.role, turn.content) for turn in self.turns)

    @property
    def texts(self) -> list[str]:
        """The turns, whoever says them."""
        return [turn.content for turn in self.turns]

    def saying(self, texts: Sequence[str], language: str) -> Self:
        """The same row with other texts."""
        turns = tuple(Turn(role=turn.role, content=text) for turn, text in zip(self.turns, texts, strict=True))
        return msgspec.structs.replace(self, language=language, turns=turns)


class Question(Record):
    """`questions/<LANG>.jsonl`: one question of the benchmark; its turns are what the user says, in order."""

    id: str  # "81", without the language's suffix
    language: str
    category: str
    turns: tuple[str, ...]
    origin = licence = ""  # of rows alone

    @property
    def spoken(self) -> Iterator[tuple[str, str]]:
        """Role and text of each turn."""
        return (("user", text) for text in self.turns)

    @property
    def texts(self) -> list[str]:
        """The turns."""
        return list(self.turns)

    def saying(self, texts: Sequence[str], language: str) -> Self:
        """The same question in other words."""
        return msgspec.structs.replace(self, language=language, turns=tuple(texts))


class Reference(Record):
    """`references/<LANG>.jsonl`: the reference answers to one question, one a turn; "" where a turn has none."""

    id: str
    language: str
    turns: tuple[str, ...]
    category = origin = licence = ""  # of questions and rows alone

    @property
    def spoken(self) -> Iterator[tuple[str, str]]:
        """Role and text of each turn."""
        return (("assistant", text) for text in self.turns)

    @property
    def texts(self) -> list[str]:
        """The turns."""
        return list(self.turns)

    def saying(self, texts: Sequence[str], language: str) -> Self:
        """The same answers in other words."""
        return msgspec.structs.replace(self, language=language, turns=tuple(texts))


class Rejection(Record):
    """`rejected.jsonl`: a record that has no normal form, or a row without a translation or reference answer."""

    language: str
    file: str
    line: int  # from 1; rows where the format has no lines
    id: str | None
    reason: str  # a short name such as "empty-output"
    turn: int | UnsetType = UNSET  # from 1: of a translation or an answer, the first that could not be had


Form = Row | Question | Reference


def offered_rows(params: Mapping[str, Json]) -> Mapping[Offer, str]:
    """What ingests and translations have to be taken out."""
    offers: dict[Json, Mapping[Offer, str]] = {
        "dataset": {"data": "rows/"},
        "questions": {"questions": "questions/"},
        "references": {"references": "references/"},
    }
    return offers.get(params.get("what"), {})


# what is ingested, translated or assessed -> the folder of its rows, and their class
FOLDERS = {"dataset": "rows", "questions": "questions", "references": "references"}
FORMS: dict[str, type[Form]] = {"dataset": Row, "questions": Question, "references": Reference}
