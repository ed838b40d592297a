"""Numbers as a reader wants them: shares in per cent, scores to two places, signs that are signs, thin spaces."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

MINUS = "\u2212"
DASH = "\u2013"
MISSING = "n/a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """How one of the two metrics is called, read from rows and printed."""

    name: str  # "score" or "exact"
    title: str
    unit: str  # after a difference
    mean: str  # field names in rows of arms and cells
    low: str
    high: str
    per_seed: str
    difference: str  # field names in contrasts
    lowest: float
    highest: float
    digits: int
    factor: float  # from the stored number to the shown one

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

    def interval(self, row: Mapping[str, Any]) -> str:
        """The limits of a mean."""
        low, high = row[self.low], row[self.high]
        if low is None or high is None:
            return MISSING
        return f"{low * self.factor:.{self.digits}f}{DASH}{high * self.factor:.{self.digits}f}"

    def signed_interval(self, row: Mapping[str, Any]) -> str:
        """The limits of a difference."""
        return f"{self.signed(row[self.low])} to {self.signed(row[self.high])}"

    def verdict(self, row: Mapping[str, Any]) -> int:
        """1 or -1 when a contrast's whole interval lies above or below zero, else 0."""
        low, high = row[self.low], row[self.high]
        if low is None or high is None:
            return 0
        return 1 if low > 0 else -1 if high < 0 else 0


SCORE = Metric(
    name="score",
    title="mean score, 1 to 10",
    unit="points",
    mean="mean",
    low="low",
    high="high",
    per_seed="per_seed",
    difference="difference",
    lowest=1.0,
    highest=10.0,
    digits=2,
    factor=1.0,
)
EXACT = Metric(
    name="exact",
    title="exact answers, % of verdicts with score 10",
    unit="percentage points",
    mean="exact_share",
    low="exact_low",
    high="exact_high",
    per_seed="exact_per_seed",
    difference="exact_difference",
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
