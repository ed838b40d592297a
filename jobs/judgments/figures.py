"""Statistics as the records of a summary: unrounded, None for what is not defined."""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from jobs.lib.stats.clusters import Clusters, Share, Statistic, estimate
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval
from polyglot.exchange.summary import Counted, Figure

NOTHING = Figure(value=None, low=None, high=None)


def figure(interval: Interval) -> Figure:
    """An interval; nothing of NaN."""
    value, low, high = (one if isfinite(one) else None for one in (interval.mean, interval.low, interval.high))
    return Figure(value=value, low=low, high=high)


def counted(share: Share) -> Counted:
    """A share with its counts."""
    return Counted(hits=share.hits, of=round(share.of), share=figure(share.interval))


def mean(questions: Sequence[str], values: Sequence[float], lowest: float, highest: float, resamples: int) -> Figure:
    """The mean of values (N,) between two ends of a scale, with limits over their questions; nothing of none."""
    if not values:
        return NOTHING
    clusters = Clusters.by(questions)
    columns = np.array([(value, 1.0) for value in values])

    def value(total: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            found: Floats = total[..., 0] / total[..., 1]
        return found

    def hidden(total: Floats, missed: float) -> tuple[float, float]:
        point = float(value(total))
        return point - missed * (point - lowest), point + missed * (highest - point)

    return figure(estimate(Statistic(clusters.sums(columns), value, hidden), clusters.categories, resamples=resamples))
