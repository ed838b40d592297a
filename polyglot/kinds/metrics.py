"""How the two metrics of a study are called, taken from rows and printed: shares in per cent, scores to two places."""

from dataclasses import dataclass, replace
from typing import Literal

from polyglot.kinds.aggregate import ArmScore, ContrastResult, Estimate, SameArmPair

MINUS = "\u2212"
DASH = "\u2013"
MISSING = "n/a"


def signed(value: float | None, digits: int) -> str:
    """A number with its sign; zero, as it is shown, has none."""
    if value is None:
        return MISSING
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("+" if value > 0 else MINUS) + text


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
        return signed(self.scaled(value), max(self.digits, 1))

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

BY_NAME = {metric.name: metric for metric in (SCORE, EXACT)}
