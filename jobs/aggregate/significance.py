"""Tests of contrasts: the p-value of each, Holm's adjustment within families, what could have been found."""

from collections.abc import Sequence
from math import isinf
from typing import NamedTuple

from msgspec.structs import replace

from jobs.aggregate.contrasts import Difference, Paired
from jobs.aggregate.rounding import DIGITS, rounded
from jobs.lib.stats.grid import SCALES
from jobs.lib.stats.inversion import holm, p_value, smallest_p
from polyglot.kinds.aggregate import ContrastResult


class Tested(NamedTuple):
    """A contrast in one metric: the difference, its limits, the p-value, what could have been found."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    detectable: float | None


def tested(paired: Paired, metric: str, questions: int, freedom: int, level: float) -> Tested:
    """Test one contrast over so many questions, with their degrees of freedom."""
    found = Difference.of(paired, questions, SCALES[metric], freedom=freedom)
    interval = found.interval(level)
    value, low, high = rounded(interval.mean), rounded(interval.low), rounded(interval.high)
    if value is None or low is None or high is None:
        return Tested(value, low, high, None, None)
    floor = smallest_p(max(2, len(found.whole.draws)), freedom)
    p = p_value(found.interval, level, floor, apart=low > 0 or high < 0)
    detectable = found.detectable(level)
    return Tested(value, low, high, p, None if isinf(detectable) else rounded(detectable))


def adjusted(rows: Sequence[ContrastResult], alpha: float, most_failed: float) -> list[ContrastResult]:
    """Fill in what depends on the other contrasts: adjusted p-values, and what is shown at `alpha`.

    A family is what compares the same, over all models and data sets. The primary contrast is in none. With more than
    the share `most_failed` of failed verdicts on an arm nothing is shown: these could turn any difference round.
    """
    found = list(rows)
    families: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        families.setdefault("" if row.primary else row.family.compares, []).append(place)
    for places in families.values():
        known = [place for place in places if rows[place].p is not None]
        score = holm([rows[place].p or 0.0 for place in known])
        exact = holm([rows[place].exact_p or 0.0 for place in known])
        for place, one, other in zip(known, score, exact, strict=True):
            row = rows[place]
            limit = alpha if (row.failed_share or 0.0) <= most_failed else 0.0
            found[place] = replace(
                row,
                p_holm=round(one, DIGITS),
                shown=_shown(row.difference, one, limit),
                exact_p_holm=round(other, DIGITS),
                exact_shown=_shown(row.exact_difference, other, limit),
                family_size=len(known),
            )
    return found


def _shown(difference: float | None, p: float, alpha: float) -> int:
    """1 or -1 where a difference is shown, else 0. p-values are whole ten-thousandths: half of one tells them apart."""
    if difference is None or p > alpha - 0.5 * 10**-DIGITS:
        return 0
    return 1 if difference > 0 else -1
