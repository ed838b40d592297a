"""Statistics as figures of the card: rounded, with None for what there is nothing to measure of."""

from collections import Counter
from collections.abc import Callable, Collection
from math import isfinite
from typing import NamedTuple, TypeVar

from jobs.lib.stats.agreement import Coefficient, Ratings, agreement, raw_agreement
from jobs.lib.stats.clusters import Share
from jobs.lib.stats.interval import Interval
from polyglot.kinds.measured import Measured
from polyglot.kinds.reliability import RuleDifference

T = TypeVar("T")
DIGITS = 4
ALL = "all"  # languages together
ALPHA: Coefficient = "alpha ordinal"


def number(value: float) -> float | None:
    """Rounded; None for NaN and infinities."""
    return round(value, DIGITS) + 0.0 if isfinite(value) else None


def measured(found: Share | Interval | None, of: int = 0) -> Measured:
    """A figure; `of` is said of an interval, a share knows it."""
    if found is None:
        return Measured(value=None, low=None, high=None, of=of)
    interval = found.interval if isinstance(found, Share) else found
    count = round(found.of) if isinstance(found, Share) else of
    return Measured(value=number(interval.mean), low=number(interval.low), high=number(interval.high), of=count)


def where_defined(statistic: Callable[[], T]) -> T | None:
    """A statistic, or None where the data leave it undefined: no decisive verdict, lengths that do not vary, …"""
    try:
        return statistic()
    except ValueError:
        return None


def mean(values: list[float]) -> float | None:
    """Of some points; None of none."""
    return number(sum(values) / len(values)) if values else None


class Agreed(NamedTuple):
    """How far raters agree on the same items."""

    items: int
    equal: Measured  # of pairs of raters
    kappa: Measured  # of two raters
    alpha: Measured


def agreed(ratings: Ratings, kappa: Coefficient, level: float, resamples: int) -> Agreed:
    """Measure it; `kappa` is which one, alpha is ordinal."""
    items, names = ratings.table.shape[1], [*([kappa] if len(ratings.table) == 2 else []), ALPHA]
    found = agreement(ratings, names, level, resamples)
    return Agreed(
        items=items,
        equal=measured(raw_agreement(ratings, level)),
        kappa=measured(found.get(kappa), of=items),
        alpha=measured(found[ALPHA], of=items),
    )


def by_language(found: Collection[RuleDifference]) -> Counter[str]:
    """How many there are in each language, and in all of them."""
    return Counter({ALL: len(found)}) + Counter(one.language for one in found)
