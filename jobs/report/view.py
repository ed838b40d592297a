"""What a page is drawn with: the metric that it shows first, the other one, the level of intervals."""

from typing import NamedTuple

from jobs.report.numbers import EXACT, SCORE, TENS, Metric
from polyglot.kinds.report import Report


class View(NamedTuple):
    """How numbers are shown on a page of results."""

    metric: Metric
    other: Metric
    level: str  # "95%"

    @classmethod
    def of(cls, report: Report) -> "View":
        """The view that a report asks for."""
        first, second = (EXACT, SCORE) if report.metric == "exact" else (SCORE, TENS)
        return cls(metric=first, other=second, level=f"{100 * report.method.level:g}%")
