"""Limits from draws: questions alone (one model), or questions and training seeds together (a mix).

For several seeds the two sources are joined by MOVER (method of variance estimates recovery; Zou and Donner 2008):
the distance from the estimate to a limit is the root of the sum of the squared distances that each source alone
would give. Source one is the resampling of questions; source two is the t interval of the seeds' mean, with as many
degrees of freedom as seeds less one. The scatter of seeds on given questions is in both; it is taken out of the first.
Seeds that agree by chance never make the interval of a mix narrower than questions alone would, and that of a
difference no narrower than half of it. A bootstrap over three seeds would be far too narrow: it can give 27 samples and
no t. Where arms share their spread between seeds (`sharing`), source two has more degrees of freedom. Coverage:
docs/statistics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import hypot, isfinite, isnan, nan, sqrt
from statistics import NormalDist

import numpy as np

from jobs.lib.stats.grid import Floats
from polyglot.core.detectable import SeedError, reach_of
from polyglot.core.student import student_inner as student_inner
from polyglot.core.student import student_quantile as student_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its limits; all NaN when there is nothing to average."""

    mean: float
    low: float
    high: float

    def clipped(self, lowest: float, highest: float) -> "Interval":
        """The same interval, inside the scale that it lives on."""
        return Interval(mean=self.mean, low=max(self.low, lowest), high=min(self.high, highest))


def limits(draws: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the lower and upper order statistics of `draws` (R, …) along the first axis.

    With R finite draws and a tail of a, these are the draws number floor(R a) and R - 1 - floor(R a), counted from
    zero. A draw that is NaN (no valid verdict was drawn) is left out, column by column.
    """
    tail = (1 - level) / 2
    flat = np.moveaxis(draws, 0, -1).reshape(-1, len(draws))  # a number's draws beside each other
    low, high = np.full(len(flat), nan), np.full(len(flat), nan)
    for at, row in enumerate(flat):
        low[at], high[at] = _row_limits(row, *_moments(row), tail)
    return low.reshape(draws.shape[1:]), high.reshape(draws.shape[1:])


def _row_limits(row: Floats, mean: float, variance: float, tail: float) -> tuple[float, float]:
    """The limits of one number's draws (R,), whose mean and variance are known."""
    if not isnan(mean):
        return _ends(row, mean, sqrt(variance) if isfinite(variance) else nan, skipped(len(row), tail))
    finite = np.sort(row[~np.isnan(row)])
    if not len(finite):
        return nan, nan
    skip = skipped(len(finite), tail)
    return float(finite[skip]), float(finite[len(finite) - 1 - skip])


def skipped(draws: int, tail: float) -> int:
    """How many of so many draws lie beyond a limit that leaves this share out."""
    return int(draws * tail + 1e-9)


def _ends(row: Floats, mean: float, deviation: float, skip: int) -> tuple[float, float]:
    """The draws (R,) number `skip` from either end, counted from zero.

    Only what lies far out is put into order, which takes a third of the time that all of it would. Where less lies
    there than is skipped, as where many draws are equal, all of it is.
    """
    out = _far(skip, len(row)) * deviation
    below, above = row[row < mean - out], row[row > mean + out]
    if min(len(below), len(above)) <= skip:
        below = above = row
    low, high = np.partition(below, skip), np.partition(above, len(above) - 1 - skip)
    return float(low[skip]), float(high[len(above) - 1 - skip])


@lru_cache(maxsize=1024)
def _far(skip: int, number: int) -> float:
    """Beyond how many standard deviations a share of so many draws is looked at, of draws that are about normal."""
    return NormalDist().inv_cdf(1 - min(0.45, 1.6 * (skip + 1) / number + 0.002))


@lru_cache(maxsize=2**16)
def level_of_draws(level: float, freedom: int) -> float:
    """Return the level at which percentiles of draws reach as far as Student's t of so many degrees of freedom.

    Percentiles alone are as if the spread between questions were known: of ten questions they cover 92 % in place of 95
    (Hesterberg 2015, What teachers should know about the bootstrap, "expanded percentile intervals"). `freedom` are
    questions less the categories that they are drawn within.
    """
    return 2 * NormalDist().cdf(student_quantile((1 + level) / 2, freedom)) - 1


def over_questions(point: float, draws: Floats, level: float) -> Interval:
    """The interval of one model: percentiles of its draws (R,)."""
    low, high = limits(draws, level)
    return Interval(mean=point, low=float(low), high=float(high))


def over_seeds(
    points: Floats,
    draws: Floats,
    level: float,
    selected: Floats | None = None,
    *,
    freedom: int | None = None,
    seeds: Sequence[SeedError] | None = None,
    narrowest: float = 1.0,
    known: "SeedDraws | None" = None,
) -> Interval:
    """The interval of the mean over seeds, from `points` (S,) and their `draws` (R, S) on shared resamples.

    `selected` (R,) are the draws of the same difference with the compared arm chosen inside each resample: where they
    reach further than the draws of the arm chosen on the real questions, they count. Choosing the best of noisy arms
    pushes draws to one side only, so replacing the one by the other would narrow the interval on the opposite side
    (and cover 93 % where all arms are equal). With one seed it is the interval over questions. `freedom` is that of
    questions, as `level_of_draws` has it; None: there are very many. `seeds` are the parts of the standard error of the
    mean over seeds; None: it is that of the points. `narrowest`: see `joined`. `known`: what is known of the draws.
    """
    found = known or SeedDraws.of(points, draws)
    of_draws = level if freedom is None else level_of_draws(level, freedom)
    mean = sum(float(point) for point in points) / len(points)
    if isnan(mean):
        return Interval(mean=nan, low=nan, high=nan)
    low, high = _row_limits(found.middle, found.mean, found.variance, (1 - of_draws) / 2)
    if selected is not None:
        other = limits(selected, of_draws)
        low, high = min(low, float(other[0])), max(high, float(other[1]))
    own = found.errors if seeds is None else seeds
    return joined(Interval(mean=mean, low=low, high=high), found.kept, own, level, narrowest)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedDraws:
    """What draws of several seeds come to."""

    middle: Floats  # (R,) their mean over seeds
    mean: float  # of the middle
    variance: float  # of the middle
    scatter: float  # the variance of one seed's mean that is the scatter of seeds on given questions; NaN of one seed
    kept: float  # the share of the draws' standard deviation that is due to questions alone
    errors: tuple[SeedError, ...]  # the seeds' standard error; none of one seed

    @classmethod
    def of(cls, points: Floats, draws: Floats) -> "SeedDraws":
        """Of `points` (S,) and their `draws` (R, S)."""
        middle = mean_of_seeds(draws)
        mean, variance = _moments(middle)
        if len(points) == 1:
            return cls(middle=middle, mean=mean, variance=variance, scatter=nan, kept=1.0, errors=())
        scatter = crossed(draws, middle)
        kept, error = _between_seeds(points, scatter, _variance(middle, variance))
        errors = (SeedError(error, len(points) - 1),)
        return cls(middle=middle, mean=mean, variance=variance, scatter=scatter, kept=kept, errors=errors)


def mean_of_seeds(draws: Floats) -> Floats:
    """The mean (R,) of draws (R, S) over seeds, one added after another."""
    if draws.shape[1] == 1:
        return draws[:, 0]
    found: Floats = draws[:, 0] + draws[:, 1]
    for index in range(2, draws.shape[1]):
        found += draws[:, index]
    found /= draws.shape[1]
    return found


def joined(
    questions: Interval, kept: float, seeds: Sequence[SeedError], level: float, narrowest: float = 1.0
) -> Interval:
    """Join the interval over `questions`, of whose width the share `kept` is due to them alone, with what seeds add.

    It is at least `narrowest` times as wide as that over questions.
    """
    mean = questions.mean
    below, above = max(0.0, mean - questions.low), max(0.0, questions.high - mean)
    if not seeds:
        return Interval(mean=mean, low=mean - below, high=mean + above)
    reach = reach_of(seeds, level)
    return Interval(
        mean=mean,
        low=mean - max(narrowest * below, hypot(kept * below, reach)),
        high=mean + max(narrowest * above, hypot(kept * above, reach)),
    )


def _moments(row: Floats, *, spoil: bool = False) -> tuple[float, float]:
    """The mean of draws (R,) and their variance: to the bit what numpy says, in half of the time that it takes.

    With `spoil` the draws need not stay.
    """
    with np.errstate(invalid="ignore"):  # of infinite draws
        mean = np.add.reduce(row) / len(row)
        apart = np.subtract(row, mean, out=row if spoil else None)
        apart *= apart
        return float(mean), float(np.add.reduce(apart) / len(row))


def _variance(draws: Floats, found: float) -> float:
    """`found`, the variance of draws (R,), or that of those that are numbers: NaN where none is."""
    return float(np.nanvar(draws)) if isnan(found) and not np.isnan(draws).all() else found


def between_seeds(points: Floats, draws: Floats, middle: Floats) -> tuple[float, float]:
    """Return the share of the draws' standard deviation that is due to questions alone, and the seeds' standard error.

    Of `points` (S,) and `draws` (R, S) of two seeds or more, with `middle` (R,) the mean of the draws over seeds.
    """
    return _between_seeds(points, crossed(draws, middle), _variance(middle, _moments(middle)[1]))


def _between_seeds(points: Floats, scatter: float, spread: float) -> tuple[float, float]:
    seeds = len(points)
    mean = sum(float(point) for point in points) / seeds
    kept = sqrt(max(0.0, 1 - scatter / seeds / spread)) if spread > 0 else 0.0
    return kept, sqrt(sum((float(point) - mean) ** 2 for point in points) / (seeds - 1) / seeds)


def crossed(draws: Floats, middle: Floats) -> float:
    """The variance of one seed's mean that is the scatter of seeds on given questions; as `between_seeds` has them."""
    seeds: int = draws.shape[1]
    apart, total = np.empty(len(draws)), 0.0  # one array for all: it stays in the processor's cache
    for index in range(seeds):
        np.subtract(draws[:, index], middle, out=apart)
        variance = _moments(apart, spoil=True)[1]
        total += variance if not isnan(variance) else _variance(draws[:, index] - middle, variance)
    return total / (seeds - 1)


def widened(interval: Interval, questions: int, level: float, lowest: float, highest: float) -> Interval:
    """Widen the interval of a mean on a scale to what so many `questions` could hide.

    No resampling varies what is equal on every question, and of a few it varies little. `miss` is Clopper and Pearson's
    limit for 0 of n, with n the number of questions (a question's turns, languages and seeds are not independent
    trials): that share of all questions may give anything on the scale, though none of the n did. It holds whatever the
    n gave, so every interval is at least as wide as that: one odd question among equal ones narrows none.
    """
    if isnan(interval.mean):
        return interval
    miss = unseen(questions, level)
    low = interval.mean - miss * (interval.mean - lowest)
    high = interval.mean + miss * (highest - interval.mean)
    return Interval(mean=interval.mean, low=min(interval.low, low), high=max(interval.high, high))


def side_widened(side: Interval, questions: int, level: float, lowest: float, highest: float) -> Interval:
    """Widen one side of a difference where it does not vary, or stands at an end of the scale: there pairing is blind.

    Elsewhere what its questions hide is hidden from the other side too, and leaves the difference as it is.
    """
    miss = unseen(questions, level)
    if side.low == side.high:
        return widened(side, questions, level, lowest, highest)
    low, high = highest - miss * (highest - lowest), lowest + miss * (highest - lowest)
    return Interval(mean=side.mean, low=min(side.low, low), high=max(side.high, high))


def unseen(questions: int, level: float) -> float:
    """The largest share that a thing may have of which none was seen in so many questions."""
    return 1.0 - float(((1 - level) / 2) ** (1 / questions))


def difference_widened(difference: Interval, sides: Sequence[tuple[Interval, Interval]]) -> Interval:
    """Add to a difference what its two sides were widened by: `sides` are (before, after) of treatment and control.

    By MOVER again: what a side's distance has gained, as a difference of squares, is a source of its own. Sides that
    were not widened leave the paired difference as it is; two that do not vary at all give the root of the sum of
    squares of their own distances.
    """
    (ours, wide_ours), (theirs, wide_theirs) = sides
    below = _gained(ours.low, wide_ours.low, ours.mean), _gained(theirs.high, wide_theirs.high, theirs.mean)
    above = _gained(ours.high, wide_ours.high, ours.mean), _gained(theirs.low, wide_theirs.low, theirs.mean)
    if not any((*below, *above)):
        return difference
    return Interval(
        mean=difference.mean,
        low=difference.mean - sqrt((difference.mean - difference.low) ** 2 + sum(below)),
        high=difference.mean + sqrt((difference.high - difference.mean) ** 2 + sum(above)),
    )


def between(
    difference: Interval, sides: Sequence[Interval], questions: int, level: float, scale: tuple[float, float]
) -> Interval:
    """Widen the difference of two means on a scale by what so many questions hide of its `sides`, treatment first.

    It is kept inside of what there can be.
    """
    reach = scale[1] - scale[0]
    return difference_widened(difference, both_widened(sides, questions, level, scale)).clipped(-reach, reach)


def both_widened(
    sides: Sequence[Interval], questions: int, level: float, scale: tuple[float, float]
) -> list[tuple[Interval, Interval]]:
    """Each side of a difference, before and after it is widened to what so many questions hide."""
    own = [side.clipped(*scale) for side in sides]
    return [(side, side_widened(side, questions, level, *scale)) for side in own]


def _gained(before: float, after: float, mean: float) -> float:
    """By how much a limit's squared distance from the mean has grown."""
    return 0.0 if before == after else max(0.0, (after - mean) ** 2 - (before - mean) ** 2)
