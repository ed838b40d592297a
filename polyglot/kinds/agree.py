"""Human ratings of translations: how far raters agree with each other, and metrics with them."""

from typing import ClassVar

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
