"""Pairwise judging in both orders: how far a judge is led by the order, and who wins.

An item is one question, turn, language and pair of models; its verdicts are `ab`, given with A's answer first, and
`ba`, with B's first. The rule of ties: verdicts of an item that name different winners (a tie and a winner too) are a
tie in the headline, and counted as inconsistent beside it; "tie" and "both-bad" do not contradict each other. An item
with one verdict or none is unscored: never a tie, and in no share of items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.clusters import LEVEL, Clusters, Share, share
from jobs.lib.stats.grid import Floats

Codes = npt.NDArray[np.int8]
A, B, TIE, BOTH_BAD, UNSCORED = 0, 1, 2, 3, -1
CODES = {"A": A, "B": B, "tie": TIE, "both-bad": BOTH_BAD, None: UNSCORED}
_TURNED = {"A": "B", "B": "A"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """N items judged in both orders: `ab` and `ba` (N,) say which *model* won, whichever slot it stood in."""

    clusters: Clusters
    ab: Codes
    ba: Codes

    @classmethod
    def of_slots(
        cls,
        questions: Sequence[str],
        ab: Sequence[str | None],
        ba: Sequence[str | None],
        category: Mapping[str, str] | None = None,
    ) -> "Orders":
        """Read winners as the judge named them, "A" being the answer that came first; None: it failed.

        Raises ValueError for another word, or for lists of unequal lengths.
        """
        if not len(questions) == len(ab) == len(ba):
            raise ValueError(
                f"orders: got {len(questions)} questions, {len(ab)} and {len(ba)} verdicts, expected equal"
            )
        strange = {*ab, *ba} - set(CODES)
        if strange:
            raise ValueError(f"orders: got {sorted(map(str, strange))}, expected some of {[*CODES]}")
        return cls(
            clusters=Clusters.by(questions, category),
            ab=np.array([CODES[one] for one in ab], dtype=np.int8),
            ba=np.array([CODES[None if one is None else _TURNED.get(one, one)] for one in ba], dtype=np.int8),
        )

    @property
    def both(self) -> npt.NDArray[np.bool_]:
        """Which items have two verdicts (N,)."""
        found: npt.NDArray[np.bool_] = (self.ab != UNSCORED) & (self.ba != UNSCORED)
        return found

    @property
    def inconsistent(self) -> npt.NDArray[np.bool_]:
        """Which items have two verdicts that do not name the same winner, or both none (N,)."""
        found: npt.NDArray[np.bool_] = self.both & (np.minimum(self.ab, TIE) != np.minimum(self.ba, TIE))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBias:
    """How far a judge goes by the order."""

    inconsistent: Share  # of the items with two verdicts
    first: Share  # of the verdicts that name a winner: those for the answer that came first
    ties: Share  # of the verdicts
    both_bad: Share  # of the verdicts
    items: int
    items_with_both: int
    verdicts: int
    verdicts_failed: int


def order_bias(orders: Orders, level: float = LEVEL) -> OrderBias:
    """Return the shares that say how a judge goes by the order."""
    clusters, ab, ba = orders.clusters, orders.ab, orders.ba
    scored = (ab != UNSCORED).astype(float) + (ba != UNSCORED)
    decisive = np.isin(ab, (A, B)).astype(float) + np.isin(ba, (A, B))
    return OrderBias(
        inconsistent=share(clusters, orders.inconsistent, orders.both, level),
        first=share(clusters, (ab == A).astype(float) + (ba == B), decisive, level),
        ties=share(clusters, (ab == TIE).astype(float) + (ba == TIE), scored, level),
        both_bad=share(clusters, (ab == BOTH_BAD).astype(float) + (ba == BOTH_BAD), scored, level),
        items=len(ab),
        items_with_both=int(orders.both.sum()),
        verdicts=int(scored.sum()),
        verdicts_failed=int(2 * len(ab) - scored.sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRates:
    """Who wins, of the items with two verdicts; `a`, `ties` and `b` sum to 1."""

    a: Share  # both orders say A
    ties: Share  # neither wins both: inconsistent items are among them
    b: Share
    inconsistent: Share
    both_bad: Share  # both orders say so
    rate: Share  # a win 1, a tie 1/2: of A
    unscored: int  # items


def win_rates(orders: Orders, level: float = LEVEL) -> WinRates:
    """Return how often each side of a pair wins in both orders."""
    clusters, both, same = orders.clusters, orders.both, orders.ab == orders.ba
    a, b, bad = ((same & (orders.ab == code)) for code in (A, B, BOTH_BAD))
    return WinRates(
        a=share(clusters, a, both, level),
        ties=share(clusters, both & ~a & ~b, both, level),
        b=share(clusters, b, both, level),
        inconsistent=share(clusters, orders.inconsistent, both, level),
        both_bad=share(clusters, bad & both, both, level),
        rate=share(clusters, points(orders), level=level),
        unscored=int((~both).sum()),
    )


def points(orders: Orders) -> Floats:
    """Return what each item gives to A (N,): 1 a win in both orders, 0 a loss in both, 1/2 else; NaN unscored."""
    wins = ((orders.ab == A) & (orders.ba == A)).astype(float) - ((orders.ab == B) & (orders.ba == B))
    return np.where(orders.both, (1 + wins) / 2, np.nan)
