"""What the page knows from its start: questions, cells, and the score and the defects of every turn as plain numbers.

Scores and defects of a cell in a language are lists over questions, then samples, then turns. A score of 0 is none;
defects are bits, in the order of `defects`.
"""

from collections.abc import Iterable, Mapping
from typing import get_args

import msgspec

from polyglot.core.languages import RIGHT_TO_LEFT, language_name
from polyglot.kinds.aggregate import Defect

# how the page calls them; the last two are of turns that there is no answer to or no valid verdict on
DEFECTS: Mapping[str, str] = {
    "other-language": "in another language",
    "repeated": "repeats itself",
    "empty": "empty",
    "cut": "cut at the length limit",
    "no-answer": "no answer",
    "no-verdict": "no valid verdict",
}
BITS = {name: 1 << place for place, name in enumerate(DEFECTS)}
assert set(get_args(Defect)) < set(DEFECTS)  # noqa: S101 — each has a name for readers


class IndexLanguage(msgspec.Struct, frozen=True):
    """A language; `labels` are the beginnings of its questions."""

    code: str
    name: str
    direction: str
    labels: tuple[str, ...]

    @classmethod
    def of(cls, code: str, texts: Iterable[str]) -> "IndexLanguage":
        """A language of the benchmark, from what its questions say first."""
        direction = "rtl" if code in RIGHT_TO_LEFT else "ltr"
        return cls(code, language_name(code), direction, tuple(map(_beginning, texts)))


def _beginning(text: str, characters: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= characters else line[: characters - 1].rstrip() + "…"


class IndexQuestion(msgspec.Struct, frozen=True):
    """A question of all languages; `wrong`: its published reference answer is known to be."""

    id: str
    category: str
    turns: int
    wrong: bool


class IndexCell(msgspec.Struct, frozen=True):
    """One model. `reference` is what it was judged against; None for a language: it was not asked in that."""

    cell: str
    arm: str
    model: str
    dataset: str | None
    seed: int | None
    draw: int
    samples: int
    part: int  # questions a piece
    judge: str
    reference: str  # "published", "native" or ""
    scores: tuple[tuple[float, ...] | None, ...]  # by language
    defects: tuple[tuple[int, ...] | None, ...]


class Index(msgspec.Struct, frozen=True):
    """`answers/index.js`."""

    study: str
    part: int  # questions a piece of questions
    defects: tuple[tuple[str, str], ...]
    languages: tuple[IndexLanguage, ...]
    questions: tuple[IndexQuestion, ...]
    cells: tuple[IndexCell, ...]
    first: tuple[int, int]  # the two cells that are shown at the start
