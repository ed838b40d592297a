"""What people say of answers: votes on pairs and scores of single answers, as `polyglot sheet import` writes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from polyglot.core.errors import Permanent
from polyglot.core.json_lines import numbered_lines
from polyglot.core.records import Record
from polyglot.kinds.compare import Outcome
from polyglot.kinds.kind import Language

Speaks = Literal["native", "fluent", "other", ""]  # the language, by the rater's own word; "" where nobody asked
WHOLE = 0  # the turn of a vote on a whole conversation
LOWEST, HIGHEST = 1, 10


class HumanVote(Record):
    """A line of votes: one person's view of two answers, or of one. Exactly one of `outcome` and `score` is set."""

    rater: str
    language: Language
    id: str  # of the question
    turn: int  # from 1; 0: on the whole conversation
    first: str  # the cell whose answer stood first
    second: str | None  # None: `first` alone was scored
    outcome: Outcome | None
    score: int | None  # 1 to 10
    sample: int = 0
    category: str = ""
    speaks: Speaks = ""
    seconds: float | None = None  # that the item was looked at
    comment: str = ""
    sheet: str = ""

    def __post_init__(self) -> None:
        if (self.outcome is None) == (self.score is None) or (self.second is None) != (self.outcome is None):
            raise ValueError("expected two cells with an outcome, or one with a score")
        if self.score is not None and not LOWEST <= self.score <= HIGHEST:
            raise ValueError(f"expected a score from {LOWEST} to {HIGHEST}, got {self.score}")


def read_votes(path: Path, name: str) -> Iterator[tuple[int, HumanVote]]:
    """Yield (line, vote) of one file of votes, called `name`. Raises Permanent with the line."""
    for number, text in numbered_lines(path, name):
        try:
            yield number, msgspec.json.decode(text, type=HumanVote)
        except msgspec.DecodeError as error:
            remedy = "Votes are what `polyglot sheet import` writes"
            raise Permanent(f"{name}, line {number}: not a vote ({error}). {remedy}") from None
