"""Chance-corrected agreement of raters on the same items, as functions of sums by question.

Raw agreement; Cohen's kappa (1960, weighted 1968) of two raters; Krippendorff's alpha (2011, "Computing Krippendorff's
Alpha-Reliability"); Gwet's AC1 and AC2 (2014, Handbook of Inter-Rater Reliability, chapters 3 and 5) of any number of
raters, ratings missing where they may. Which verdicts are which values is the caller's to say (`coded`). All of them
are sums over items, so that questions can be resampled by one product of matrices; the `krippendorff` package, which
has no weights, is what tests compare with. irrCAC for Python is not taken: it asks for pandas below 2.

A coefficient is 1 - observed / expected disagreement, each from 0 to 1. It is NaN where nothing is rated twice, and
where nothing but one value was expected (kappa and alpha of raters who all say the same, always).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal, get_args

import numpy as np

from jobs.lib.stats.clusters import LEVEL, RESAMPLES, Clusters, Share, Statistic, estimate, share_of_sums
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval

Coefficient = Literal[
    "kappa",
    "kappa linear",
    "kappa quadratic",
    "alpha nominal",
    "alpha ordinal",
    "alpha interval",
    "AC1",
    "AC2 ordinal",
    "AC2 linear",
    "AC2 quadratic",
]
COEFFICIENTS: tuple[Coefficient, ...] = get_args(Coefficient)

# Codings of pairwise verdicts, in the order A, tie, B where an order is asked for. What is not named is missing.
THREE = {"A": 0.0, "tie": 1.0, "both-bad": 1.0, "tie (inconsistent)": 1.0, "B": 2.0}  # all that names no winner, merged
FOUR = {"A": 0.0, "tie": 1.0, "B": 2.0, "both-bad": 3.0}  # nominal only
DECISIVE = {"A": 0.0, "B": 2.0}
SCORES = tuple(float(score) for score in range(1, 11))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """Ratings of N items by M raters: `table` (M, N), NaN where missing; `values` (V,) are the whole scale."""

    clusters: Clusters
    table: Floats
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.table.ndim != 2 or self.table.shape[1] != len(self.clusters.of):
            raise ValueError(f"ratings: got shape {self.table.shape}, expected (raters, {len(self.clusters.of)} items)")
        strange = set(np.unique(self.table[~np.isnan(self.table)]).tolist()) - set(self.values)
        if strange:
            raise ValueError(f"ratings: got {sorted(strange)}, expected some of {list(self.values)}")
        if list(self.values) != sorted(set(self.values)) or len(self.values) < 2:
            raise ValueError(f"values: got {list(self.values)}, expected two or more, ascending")

    @property
    def counts(self) -> Floats:
        """How many raters gave each value to each item, (N, V)."""
        found: Floats = (self.table[:, :, None] == np.array(self.values)).sum(axis=0).astype(np.float64)
        return found


def coded(verdicts: Iterable[str | None], coding: Mapping[str, float]) -> Floats:
    """Return verdicts as values; NaN for those that the coding does not name, and for None."""
    return np.array([nan if one is None else coding.get(one, nan) for one in verdicts], dtype=np.float64)


def raw_agreement(ratings: Ratings, level: float = LEVEL) -> Share:
    """Return the share of agreeing pairs of ratings, averaged over items that have two or more."""
    agree, rated = _pairs(ratings.counts, np.eye(len(ratings.values)))
    sums = ratings.clusters.sums
    return share_of_sums(sums(agree), sums(rated), ratings.clusters.categories, level)


def agreement(
    ratings: Ratings, names: Sequence[Coefficient], level: float = LEVEL, resamples: int = RESAMPLES
) -> dict[Coefficient, Interval]:
    """Return the coefficients asked for. Raises ValueError for a kappa of other than two raters."""
    categories = ratings.clusters.categories
    return {name: estimate(coefficient(ratings, name), categories, level, resamples) for name in names}


def coefficient(ratings: Ratings, name: Coefficient) -> Statistic:
    """Return a coefficient as a statistic of sums by question."""
    family, _, form = name.partition(" ")
    if family == "kappa":
        return _kappa(ratings, _closeness(ratings.values, form or "nominal"))
    if family == "alpha":
        return _alpha(ratings, form)
    return _gwet(ratings, _closeness(ratings.values, form or "nominal"))


def _closeness(values: Sequence[float], form: str) -> Floats:
    """Return weights (V, V) of agreement, from 1 (equal) to 0: Gwet 2014, section 3.5."""
    scale = np.array(values)
    apart: Floats = np.abs(scale[:, None] - scale)
    apart /= apart.max()
    if form == "quadratic":
        apart = np.square(apart)
    elif form == "ordinal":  # the pairs of values from the one to the other, out of all pairs
        steps = np.abs(np.subtract.outer(np.arange(len(scale)), np.arange(len(scale)))) + 1.0
        apart = steps * (steps - 1) / (len(scale) * (len(scale) - 1))
    elif form == "nominal":
        apart = np.ceil(apart)
    return 1 - apart


def _pairs(counts: Floats, closeness: Floats) -> tuple[Floats, Floats]:
    """The mean closeness of an item's pairs of ratings (N,), and whether it has a pair (N,)."""
    raters = counts.sum(axis=1)
    rated = raters > 1
    close = (counts * (counts @ closeness - 1)).sum(axis=1)  # the diagonal of closeness is 1
    return np.where(rated, close / np.where(rated, raters * (raters - 1), 1), 0.0), rated.astype(np.float64)


def _kappa(ratings: Ratings, closeness: Floats) -> Statistic:
    if len(ratings.table) != 2:
        raise ValueError(f"kappa: got {len(ratings.table)} raters, expected 2. Take alpha or AC1 for more")
    size = len(ratings.values)
    one, two = ((row[:, None] == np.array(ratings.values)).astype(np.float64) for row in ratings.table)
    sums = ratings.clusters.sums((one[:, :, None] * two[:, None, :]).reshape(-1, size * size))

    def parts(total: Floats) -> tuple[Floats, Floats]:
        table = total.reshape(*total.shape[:-1], size, size)
        with np.errstate(invalid="ignore"):
            table = table / table.sum(axis=(-2, -1), keepdims=True)
        rows, columns = table.sum(axis=-1), table.sum(axis=-2)
        apart = 1 - closeness
        return (table * apart).sum(axis=(-2, -1)), ((rows @ apart) * columns).sum(axis=-1)

    return _statistic(sums, parts)


def _alpha(ratings: Ratings, form: str) -> Statistic:
    """Krippendorff 2011: coincidences o_ck, an item's pairs counting 1 / (ratings - 1)."""
    counts = ratings.counts
    size, raters = len(ratings.values), counts.sum(axis=1)
    shared = np.where(raters > 1, 1 / np.maximum(raters - 1, 1), 0.0)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(size)
    sums = ratings.clusters.sums((pairs * shared[:, None, None]).reshape(-1, size * size))
    scale = np.array(ratings.values)

    def parts(total: Floats) -> tuple[Floats, Floats]:
        table = total.reshape(*total.shape[:-1], size, size)
        marginal = table.sum(axis=-1)
        number = marginal.sum(axis=-1)
        if form == "nominal":
            apart = 1 - np.eye(size)
        elif form == "interval":
            apart = np.square(scale[:, None] - scale)
        else:
            middle = np.cumsum(marginal, axis=-1) - marginal / 2  # ranks: those below, and half of the own
            apart = np.square(middle[..., :, None] - middle[..., None, :])
        expected = (marginal[..., :, None] * marginal[..., None, :] * apart).sum(axis=(-2, -1))
        with np.errstate(invalid="ignore", divide="ignore"):
            largest = np.broadcast_to(apart, table.shape).max(axis=(-2, -1))
            return (table * apart).sum(axis=(-2, -1)) / number / largest, expected / number / (number - 1) / largest

    return _statistic(sums, parts)


def _gwet(ratings: Ratings, closeness: Floats) -> Statistic:
    """Gwet 2014, equation 5.3: expected agreement from how the values are spread, over all rated items."""
    counts = ratings.counts
    size, raters = len(ratings.values), counts.sum(axis=1, keepdims=True)
    close, rated = _pairs(counts, closeness)
    prevalence = np.where(raters > 0, counts / np.maximum(raters, 1), 0.0)
    columns = np.concatenate([close[:, None], rated[:, None], (raters > 0).astype(np.float64), prevalence], axis=1)
    factor = float(closeness.sum()) / (size * (size - 1))

    def parts(total: Floats) -> tuple[Floats, Floats]:
        with np.errstate(invalid="ignore", divide="ignore"):
            agreed = total[..., 0] / total[..., 1]
            spread = total[..., 3:] / total[..., 2:3]
        return 1 - agreed, 1 - factor * (spread * (1 - spread)).sum(axis=-1)

    return _statistic(ratings.clusters.sums(columns), parts)


def _statistic(sums: Floats, parts: Callable[[Floats], tuple[Floats, Floats]]) -> Statistic:
    def value(total: Floats) -> Floats:
        observed, expected = parts(total)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(expected > 0, 1 - observed / expected, nan)

    def hidden(total: Floats, missed: float) -> tuple[float, float]:
        observed, expected = (float(part) for part in parts(total))
        return 1 - (observed + missed * (1 - observed)) / expected, 1 - (1 - missed) * observed / expected

    return Statistic(sums, value, hidden)
