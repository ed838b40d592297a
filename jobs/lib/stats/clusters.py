"""Estimates from observations that come in questions, and their limits: shares, and any function of sums by question.

The observations of one question (its turns, languages, pairs, orders, repeats) are not independent, so questions are
what varies, within their category as `resampling` has it. Two methods, both measured in docs/statistics.md:

`share` (of items, of verdicts): Wilson's score interval with an effective number of trials, that is as many independent
ones as would have the variance that is found between questions (a sandwich by question). It stays inside 0 to 1.
`estimate` (everything else): one resampling of questions, `value` of the sums in each resample, and limits as far out
as Student's t has them. What is resampled together stays paired: `minus` takes the difference inside each resample.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import hypot, isnan, nan, sqrt

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.grid import Floats, natural
from jobs.lib.stats.interval import Interval, level_of_draws, limits, student_quantile, unseen, widened
from jobs.lib.stats.resampling import draw_weights, strata

LEVEL = 0.95
RESAMPLES = 10_000
MANY = 1000  # degrees of freedom beyond which t is told from a normal by nothing
FLAT = 1e-9  # draws closer than this differ by rounding alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """The question of each of N observations: `of` (N,) are positions in `ids`, `categories` go with `ids` (Q,)."""

    ids: tuple[str, ...]
    categories: tuple[str, ...]
    of: npt.NDArray[np.intp]

    @classmethod
    def by(cls, questions: Sequence[str], category: Mapping[str, str] | None = None) -> "Clusters":
        """Group observations by question id; without `category` all questions are of one.

        Raises KeyError for a question that `category` lacks.
        """
        ids = tuple(sorted(set(questions), key=natural))
        place = {identity: row for row, identity in enumerate(ids)}
        return cls(
            ids=ids,
            categories=tuple("" if category is None else category[identity] for identity in ids),
            of=np.array([place[identity] for identity in questions], dtype=np.intp),
        )

    def only(self, of: npt.NDArray[np.intp]) -> "Clusters":
        """The clusters of other observations, at positions `of`; questions that have none are dropped."""
        rows, places = np.unique(of, return_inverse=True)
        return Clusters(
            ids=tuple(self.ids[row] for row in rows),
            categories=tuple(self.categories[row] for row in rows),
            of=places.astype(np.intp),
        )

    def sums(self, values: npt.ArrayLike) -> Floats:
        """Sum observations (N, …) by question, to (Q, …)."""
        found = np.asarray(values, dtype=np.float64)
        result = np.zeros((len(self.ids), *found.shape[1:]))
        order = np.argsort(self.of, kind="stable")
        rows, starts = np.unique(self.of[order], return_index=True)
        if len(rows):
            result[rows] = np.add.reduceat(found[order], starts, axis=0)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share `hits / of` with its limits; the three are NaN where `of` is 0."""

    hits: float
    of: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Statistic:
    """A function of sums by question: `sums` are (Q, K), `value` takes their totals (…, K) to estimates (…).

    `hidden`: the limits when the estimate is the same in every resample, from the totals (K,) and the share of all
    questions that may give anything though none of the Q did.
    """

    sums: Floats
    value: Callable[[Floats], Floats]
    hidden: Callable[[Floats, float], tuple[float, float]]


def share(clusters: Clusters, hits: npt.ArrayLike, of: npt.ArrayLike | None = None, level: float = LEVEL) -> Share:
    """Return the share of `hits` (N,), each from 0 to `of` (N,) (1 where None), NaN being left out."""
    counted = np.asarray(hits, dtype=np.float64)
    trials = np.ones_like(counted) if of is None else np.asarray(of, dtype=np.float64)
    trials = np.where(np.isnan(counted), 0.0, trials)
    return share_of_sums(clusters.sums(np.nan_to_num(counted)), clusters.sums(trials), clusters.categories, level)


def share_of_sums(hits: Floats, of: Floats, categories: Sequence[str], level: float = LEVEL) -> Share:
    """Return the share of sums by question, `hits` of `of`, both (Q,). Questions without trials say nothing.

    Where at most one question differs from 0 (or from 1) a question counts as one trial: 0 of 80 questions is 0 to
    4.7 %, however many items each had. With few such questions the spread between them is poorly known, hence the
    degrees of freedom. Where all questions have the same share between 0 and 1, `widened` says what they may hide.
    """
    there = of > 0
    hits, of = hits[there], of[there]
    total, size = float(of.sum()), len(of)
    if not total:
        return Share(hits=0.0, of=0.0, interval=Interval(mean=nan, low=nan, high=nan))
    point = float(hits.sum()) / total
    groups = strata([name for name, kept in zip(categories, there, strict=True) if kept])
    off = hits - point * of
    variance = sum(_variance_of_sum(off[rows]) for rows in groups) / total**2
    freedom = min(max(size - len(groups), 1), MANY)
    odd = min(np.count_nonzero(hits), np.count_nonzero(of - hits))
    trials = point * (1 - point) / variance if variance > FLAT**2 else float(size)
    if odd <= 1:
        found = _wilson(point, min(size, trials), student_quantile((1 + level) / 2, freedom))
    elif variance > FLAT**2:
        found = _wilson(point, trials, student_quantile((1 + level) / 2, min(freedom, freedom_of_variance(off))))
    else:
        found = widened(Interval(mean=point, low=point, high=point), size, level, 0.0, 1.0)
    return Share(hits=float(hits.sum()), of=total, interval=found)


def _variance_of_sum(values: Floats) -> float:
    """The variance of a sum over questions of one category; nothing is known of it from one question."""
    size = len(values)
    return size / (size - 1) * float(np.square(values - values.mean()).sum()) if size > 1 else 0.0


def freedom_of_variance(off: Floats) -> int:
    """How many normal deviations would tell as much of their variance as these: 2 Q / (kurtosis - 1), 1 or more.

    A few questions that stand out say as little as twice their number.
    """
    off = off[~np.isnan(off)]
    spread = float((off**2).sum()) ** 2
    kurtosis = len(off) * float((off**4).sum()) / spread if spread > 0 else 1.0
    return max(1, round(2 * len(off) / (kurtosis - 1))) if kurtosis > 1 else max(len(off), 1)


def _wilson(point: float, trials: float, reach: float) -> Interval:
    """Wilson's score interval (1927), with `reach` a quantile of Student's t."""
    extra = reach**2 / trials
    middle = (point + extra / 2) / (1 + extra)
    half = reach / (1 + extra) * sqrt(point * (1 - point) / trials + extra / trials / 4)
    return Interval(mean=point, low=max(0.0, min(point, middle - half)), high=min(1.0, max(point, middle + half)))


def estimate(
    statistic: Statistic, categories: Sequence[str], level: float = LEVEL, resamples: int = RESAMPLES
) -> Interval:
    """Return a statistic of all questions with the limits of its draws; NaN where it has no value."""
    total = statistic.sums.sum(axis=0)
    point = float(statistic.value(total))
    if isnan(point):
        return Interval(mean=nan, low=nan, high=nan)
    draws = statistic.value(question_weights(tuple(categories), resamples) @ statistic.sums)
    without = statistic.value(total - statistic.sums)  # each question in turn
    freedom = min(max(len(categories) - len(strata(categories)), 1), MANY, freedom_of_variance(point - without))
    low, high = (float(limit) for limit in limits(draws, level_of_draws(level, freedom)))
    if high - low < FLAT:
        low, high = statistic.hidden(total, unseen(len(categories), level))
    return Interval(mean=point, low=min(low, point), high=max(high, point))


@lru_cache(maxsize=2)
def question_weights(categories: tuple[str, ...], resamples: int = RESAMPLES) -> Floats:
    """Return the weights (R, Q) of questions in resamples, 1 on average; kept for the next statistic."""
    weights = draw_weights(categories, resamples)
    weights /= weights.mean()
    weights.setflags(write=False)
    return weights


def minus(hits: Floats, of: Floats, other_hits: Floats, other_of: Floats) -> Statistic:
    """Return the statistic of a share less another of the same questions, from sums by question, each (Q,)."""

    def value(total: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            difference: Floats = total[..., 0] / total[..., 1] - total[..., 2] / total[..., 3]
        return difference

    def hidden(total: Floats, missed: float) -> tuple[float, float]:
        ours, theirs = float(total[0] / total[1]), float(total[2] / total[3])
        below, above = hypot(ours, 1 - theirs), hypot(1 - ours, theirs)  # of two sides at once: MOVER, as in `interval`
        return ours - theirs - missed * below, ours - theirs + missed * above

    return Statistic(np.stack([hits, of, other_hits, other_of], axis=1), value, hidden)
