"""Whether a judge goes by the length of answers: per doubling, as lengths differ by factors.

Lengths are in whatever unit the caller counts (characters of one language, tokens). A longer answer may also be
a better one: what is measured is preference that goes with length, not preference because of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.clusters import LEVEL, Clusters, Share, share
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval
from jobs.lib.stats.pairwise import A, B, Orders
from jobs.lib.stats.regression import linear, logistic


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthPreference:
    """How verdicts go with length."""

    log_odds_per_doubling: Interval  # of the answer being chosen, by doubling of its length over the other's
    log_odds_first: Interval  # of the first answer being chosen where lengths (and models) are equal
    longer_won: Share  # of the decisive verdicts on answers of unequal length
    verdicts: int  # decisive ones
    separated: bool  # length and order tell every verdict


def length_preference(
    orders: Orders,
    length_a: npt.ArrayLike,
    length_b: npt.ArrayLike,
    *,
    pairs: Sequence[str] | None = None,
    level: float = LEVEL,
) -> LengthPreference:
    """Regress who won, verdict by verdict, on the order, on the lengths (N,), and on the pair of models where named.

    `pairs` (N,) name the two models of an item, in the order A, B: each pair then has its own difference in strength.
    Raises ValueError for lengths below 1, without decisive verdicts, or where lengths do not vary.
    """
    said = _decisive(orders, length_a, length_b)
    columns = [np.ones_like(said.doublings), said.doublings]
    names = np.tile(np.array(pairs if pairs is not None else [], dtype=str), 2)
    columns += [(names[said.kept] == name) * said.sign for name in sorted(set(names.tolist()))]
    fit = logistic(said.clusters, np.stack(columns, axis=1), said.first)
    return LengthPreference(
        log_odds_per_doubling=fit.interval(1, level),
        log_odds_first=fit.interval(0, level),
        longer_won=said.longer_won(level),
        verdicts=len(said.first),
        separated=fit.separated,
    )


def longer_won(orders: Orders, length_a: npt.ArrayLike, length_b: npt.ArrayLike, level: float = LEVEL) -> Share:
    """Return, of the decisive verdicts on answers of unequal length (N,), the share that the longer one won.

    It is defined where the regression is not: one pair of models whose lengths always differ by the same factor.
    """
    return _decisive(orders, length_a, length_b).longer_won(level)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decisive:
    """Verdicts that name a winner, K of 2 N (`kept`), those with A's answer first before those with B's."""

    clusters: Clusters
    kept: npt.NDArray[np.bool_]
    doublings: Floats  # of the first answer's length over the second's (K,)
    first: Floats  # 1 where the first answer won (K,)
    sign: Floats  # 1 where the first answer was A's, -1 where it was B's (K,)

    def longer_won(self, level: float) -> Share:
        """The share of those on answers of unequal length that the longer one won."""
        won = np.where(self.doublings == 0, np.nan, (self.doublings > 0) == self.first)
        return share(self.clusters, won, level=level)


def _decisive(orders: Orders, length_a: npt.ArrayLike, length_b: npt.ArrayLike) -> _Decisive:
    doublings = _doublings(length_a) - _doublings(length_b)
    sides = [(orders.ab, 1.0, A), (orders.ba, -1.0, B)]  # +1 where A's answer came first
    verdict = np.concatenate([side for side, _, _ in sides])
    sign = np.concatenate([np.full(len(side), to) for side, to, _ in sides])
    first = np.concatenate([side == code for side, _, code in sides]).astype(np.float64)
    kept = np.isin(verdict, (A, B))
    return _Decisive(
        clusters=orders.clusters.only(np.tile(orders.clusters.of, 2)[kept]),
        kept=kept,
        doublings=(np.tile(doublings, 2) * sign)[kept],
        first=first[kept],
        sign=sign[kept],
    )


def score_per_doubling(
    clusters: Clusters, lengths: npt.ArrayLike, scores: npt.ArrayLike, blocks: Sequence[str], level: float = LEVEL
) -> Interval:
    """Return the points that a doubling of length (N,) goes with, among answers of one block, of scores (N,).

    A block holds the answers to one question, turn and language; what they have in common is taken out. NaN scores are
    left out. Raises ValueError where no block has answers of several lengths.
    """
    points = np.asarray(scores, dtype=np.float64)
    kept = ~np.isnan(points)
    _, block = np.unique(np.array(blocks, dtype=str)[kept], return_inverse=True)
    apart, points = (_within(values[kept], block) for values in (_doublings(lengths), points))
    return linear(clusters.only(clusters.of[kept]), apart[:, None], points).interval(0, level)


def _within(values: Floats, block: npt.NDArray[np.intp]) -> Floats:
    return values - (np.bincount(block, values) / np.bincount(block))[block]


def _doublings(lengths: npt.ArrayLike) -> Floats:
    found = np.asarray(lengths, dtype=np.float64)
    if not (found >= 1).all():
        raise ValueError(f"lengths: got {found.min():g}, expected 1 or more. Leave empty answers out")
    return np.log2(found)
