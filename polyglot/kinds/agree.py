"""Human ratings of translations: how far raters agree with each other, and metrics with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import msgspec

from polyglot.core.errors import Permanent
from polyglot.core.json_lines import numbered_lines
from polyglot.core.records import Record
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, File, Kind, Params


class AgreeParams(Params):
    """Human ratings of translations: how far raters agree with each other, and metrics with them."""

    kind: ClassVar[str] = "agree"

    checks: tuple[str, ...]  # names of the quality stages among the inputs
    ratings: tuple[File, ...]  # unblinded, as `polyglot sheet import` writes them


class Rating(Record):
    """A line of ratings, as `polyglot sheet import` writes them: one rater's view of one turn of a translation."""

    rater: str
    check: str  # the quality stage
    id: str
    turn: int
    score: int | None  # 0 to 100
    faults: dict[str, tuple[str, ...]]  # category -> severities
    penalty: float
    sheet: str = ""
    category: str = ""
    comment: str = ""


def read_ratings(path: Path, name: str) -> Iterator[tuple[int, Rating]]:
    """Yield (line, rating) of one file of ratings, called `name`. Raises Permanent with the line."""
    for number, text in numbered_lines(path, name):
        try:
            yield number, msgspec.json.decode(text, type=Rating)
        except msgspec.DecodeError as error:
            remedy = "Ratings are what `polyglot sheet import` writes"
            raise Permanent(f"{name}, line {number}: not a rating ({error}). {remedy}") from None


class Alpha(Record):
    """Krippendorff's alpha over units that two raters or more have rated; None where it is not defined."""

    alpha: float | None
    units: int


class Correlation(Record):
    """A metric against minus the raters' mean penalty."""

    metric: str
    turns: int
    kendall: float | None
    spearman: float | None


class RatedCheck(Record):
    """The mean penalty of one translation."""

    check: str
    turns: int
    mqm_mean: float


class Agreement(Record):
    """`agreement.json`."""

    raters: int
    ratings: int
    turns: int
    alpha: dict[str, Alpha]
    correlations: tuple[Correlation, ...]
    categories: dict[str, int]
    severities: dict[str, int]
    checks: tuple[RatedCheck, ...]


KIND = Kind(
    params=AgreeParams,
    inputs={"quality": ("quality",)},
    files={"agreement.json": Agreement},
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
    libraries=("scipy", "krippendorff"),
)
