"""Numbers as the tables have them: rounded to four places, None for what could not be averaged."""

from math import isnan

from jobs.lib.stats.interval import Interval
from polyglot.kinds.measured import Measured

DIGITS = 4


def rounded(value: float) -> float | None:
    """Round for the tables; None for what could not be averaged. Adding zero turns -0.0 into 0.0."""
    return None if isnan(value) else round(float(value), DIGITS) + 0.0


def measured(found: Interval, of: int) -> Measured:
    """A figure with its limits."""
    return Measured(value=rounded(found.mean), low=rounded(found.low), high=rounded(found.high), of=of)
