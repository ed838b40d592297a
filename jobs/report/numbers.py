"""Numbers as a reader wants them: shares in per cent, scores to two places, signs that are signs, thin spaces."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from polyglot.kinds.aggregate import ArmScore, ContrastResult, Estimate, SameArmPair
from polyglot.kinds.report import Report

MINUS = "\u2212"
DASH = "\u2013"
MISSING = "n/a"
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """How one of the two metrics is called, taken from rows and printed."""

    name: Literal["score", "exact"]
    title: str
    unit: str  # after a difference
    lowest: float
    highest: float
    digits: int
    factor: float  # from the stored number to the shown one

    def of(self, row: ArmScore | ContrastResult) -> Estimate:
        """The mean or the difference in this metric."""
        return row.exact if self.name == "exact" else row.score

    def of_pair(self, pair: SameArmPair) -> float | None:
        """The difference between two seeds of one arm in this metric."""
        return pair.exact_difference if self.name == "exact" else pair.difference

    def scaled(self, value: float | None) -> float | None:
        """The number that is shown for a stored one."""
        return None if value is None else value * self.factor

    def show(self, value: float | None) -> str:
        """A mean."""
        return (
            MISSING if value is None else f"{value * self.factor:.{self.digits}f}{'%' if self.name == 'exact' else ''}"
        )

    def phrase(self, value: float | None) -> str:
        """A mean within a sentence."""
        return f"{self.show(value)} exact answers" if self.name == "exact" else f"a mean score of {self.show(value)}"

    def bare(self, value: float) -> str:
        """A mean without its unit, where a title has it."""
        return f"{value * self.factor:.{self.digits}f}"

    def signed(self, value: float | None) -> str:
        """A difference."""
        if value is None:
            return MISSING
        text = f"{abs(value) * self.factor:.{max(self.digits, 1)}f}"
        if float(text) == 0:
            return text
        return ("+" if value > 0 else MINUS) + text

    def interval(self, mean: Estimate) -> str:
        """The limits of a mean."""
        if mean.low is None or mean.high is None:
            return MISSING
        return f"{self.bare(mean.low)}{DASH}{self.bare(mean.high)}"

    def signed_interval(self, difference: Estimate) -> str:
        """The limits of a difference."""
        return f"{self.signed(difference.low)} to {self.signed(difference.high)}"


SCORE = Metric(
    name="score",
    title="mean score, 1 to 10",
    unit="points",
    lowest=1.0,
    highest=10.0,
    digits=2,
    factor=1.0,
)
EXACT = Metric(
    name="exact",
    title="exact answers, % of verdicts with score 10",
    unit="percentage points",
    lowest=0.0,
    highest=1.0,
    digits=0,
    factor=100.0,
)
TENS = replace(EXACT, title="verdicts with score 10, in %")  # where 10 points do not say that an answer is right


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
