"""The same items judged again by the same judge: verdicts that flip, and how far scores scatter."""

from math import log, nan, sqrt

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.clusters import (
    FLAT,
    LEVEL,
    MANY,
    RESAMPLES,
    Clusters,
    Share,
    freedom_of_variance,
    question_weights,
    share,
)
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval, level_of_draws, limits, unseen
from jobs.lib.stats.resampling import strata

STEP = 1.0  # points between two neighbouring scores of a judge


def flips(clusters: Clusters, verdicts: npt.ArrayLike, level: float = LEVEL) -> Share:
    """Return the chance that two repeats of an item give different verdicts.

    `verdicts` (M, N) are codes of M repeats, below 0 or NaN where one failed. An item's share is that of its pairs of
    repeats, and every item with two or more of them counts once.
    """
    table = np.nan_to_num(np.asarray(verdicts, dtype=np.float64), nan=-1.0)
    repeats = (table >= 0).sum(axis=0)
    same = np.zeros(table.shape[1])
    for value in np.unique(table[table >= 0]):
        number = (table == value).sum(axis=0)
        same += number * (number - 1)
    pairs = repeats * (repeats - 1)
    return share(clusters, np.where(pairs > 0, 1 - same / np.maximum(pairs, 1), 0.0), pairs > 0, level)


def scatter(
    clusters: Clusters, scores: npt.ArrayLike, level: float = LEVEL, resamples: int = RESAMPLES, step: float = STEP
) -> Interval:
    """Return the standard deviation of an item's scores over repeats, in points, the variance pooled over items.

    `scores` (M, N), NaN where one failed; NaN without an item that has two. Limits are those of a studentised bootstrap
    of the log variance (Davison and Hinkley 1997, section 5.2): variances are skew, and a question with large ones
    moves the estimate and its error together. Where no score differs, questions that would have differed by one `step`
    may have been missed.
    """
    table = np.asarray(scores, dtype=np.float64)
    there = ~np.isnan(table)
    repeats = there.sum(axis=0)
    mean = np.where(there, table, 0.0).sum(axis=0) / np.maximum(repeats, 1)
    squares = np.where(there, np.square(table - mean), 0.0).sum(axis=0)
    above, below = clusters.sums(squares), clusters.sums(np.maximum(repeats - 1, 0))
    if not below.sum():
        return Interval(mean=nan, low=nan, high=nan)
    variance = float(above.sum() / below.sum())
    error = float(_log_error(np.ones((1, len(above))), above, below)[0]) if variance > 0 else 0.0
    if error < FLAT:
        hidden = unseen(len(above), level)
        return Interval(
            mean=sqrt(variance),
            low=sqrt((1 - hidden) * variance),
            high=sqrt(variance + hidden * step**2 / 2),
        )
    weights = question_weights(clusters.categories, resamples)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.log((weights @ above) / (weights @ below)) - log(variance)
        studentised = drawn / _log_error(weights, above, below)
    groups = strata(clusters.categories)
    freedom = min(max(len(above) - len(groups), 1), MANY, freedom_of_variance(above - variance * below))
    draws = np.where(np.isfinite(studentised), studentised, nan)
    low, high = (float(limit) for limit in limits(draws, level_of_draws(level, freedom)))
    return Interval(
        mean=sqrt(variance),
        low=sqrt(variance) * float(np.exp(-max(high, 0.0) * error / 2)),
        high=sqrt(variance) * float(np.exp(-min(low, 0.0) * error / 2)),
    )


def _log_error(weights: Floats, above: Floats, below: Floats) -> Floats:
    """The standard error of log(sum above / sum below) in each resample (R,), by the sandwich over questions.

    Not within categories: of two questions a resample draws one, twice, and would call its spread zero. What is too
    large for it is so in the resamples too, and cancels.
    """
    over = weights @ above
    ratio = over / (weights @ below)
    squares = (
        weights @ (above * above) - 2 * ratio * (weights @ (above * below)) + ratio**2 * (weights @ (below * below))
    )
    error: Floats = np.sqrt(np.maximum(squares, 0.0)) / over
    return error
