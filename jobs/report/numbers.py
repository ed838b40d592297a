"""Numbers as a reader wants them: shares in per cent, scores to two places, signs that are signs, thin spaces."""

from collections.abc import Sequence
from typing import NamedTuple

from polyglot.kinds.measured import Measured
from polyglot.kinds.metrics import EXACT, MISSING, SCORE, TENS, Metric
from polyglot.kinds.report import Report

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def whole(value: float | None) -> str:
    """A count with thin spaces between thousands."""
    return MISSING if value is None else f"{round(value):,}".replace(",", "\u202f")


def share(part: float, of: float) -> str:
    """A share in per cent; one place below ten, none above; zero is zero."""
    if not of:
        return MISSING
    value = 100 * part / of
    if part and value < 0.1:
        return "under 0.1%"
    return f"{value:.1f}%" if 0 < value < 10 else f"{value:.0f}%"


def with_limits(found: Measured) -> str:
    """A difference in points of the mean score with its limits; bare where it has no sign to tell."""
    if found.value is None or found.low is None or found.high is None:
        return MISSING
    value, low, high = (SCORE.signed(one).lstrip("+") for one in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def counted(number: int, one: str, many: str) -> str:
    """Small numbers as words: "three languages"."""
    return f"{_WORDS[number] if number < len(_WORDS) else number} {one if number == 1 else many}"


def seeds(number: int) -> str:
    """How many training seeds."""
    return counted(number, "training seed", "training seeds")


def listed(parts: Sequence[str]) -> str:
    """One after another, the last behind "and"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


class View(NamedTuple):
    """How a page of results shows numbers: the metric that comes first, the other one, the level of intervals."""

    metric: Metric
    other: Metric
    level: str  # "95%"

    @classmethod
    def of(cls, report: Report) -> "View":
        """The view that a report asks for."""
        first, second = (EXACT, SCORE) if report.metric == "exact" else (SCORE, TENS)
        return cls(metric=first, other=second, level=f"{100 * report.method.level:g}%")
