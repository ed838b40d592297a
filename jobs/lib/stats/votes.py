"""Agreement of votes by MT-Bench's rule (FastChat's compute_agreement): over pairs of votes, ties of all kinds alike.

Votes count as of one item when they are of the same question, turn and two models, whichever is named first. Between
two judges every vote of the one meets every vote of the other; within one every two votes meet, the same person's too.
What is averaged is pairs of votes, so an item with many votes weighs more. Votes that somebody gave twice are named by
`repeated`, and counted as they stand.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import nan

import numpy as np

from jobs.lib.stats.clusters import LEVEL, RESAMPLES, Clusters, Share, estimate, minus, share
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval

Item = tuple[str, int, str, str]  # question, turn, the two models in order of their names
Views = Mapping[Item, Sequence[Hashable]]
Values = Mapping[Item, Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """Who won, in somebody's eyes: "A" is `model_a`, and anything that is neither "A" nor "B" a tie."""

    judge: str
    question: str
    turn: int
    model_a: str
    model_b: str
    winner: str

    @property
    def item(self) -> Item:
        """What the vote is on."""
        return (self.question, self.turn, min(self.model_a, self.model_b), max(self.model_a, self.model_b))

    @property
    def won(self) -> str:
        """The model that won, or "" for a tie."""
        return {"A": self.model_a, "B": self.model_b}.get(self.winner, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreeing:
    """Pairs of votes by item: (those that agree, all)."""

    items: dict[Item, tuple[int, int]]

    @property
    def counts(self) -> tuple[int, int]:
        """The agreeing pairs and all pairs, as FastChat prints them."""
        return sum(agree for agree, _ in self.items.values()), sum(pairs for _, pairs in self.items.values())

    def share(self, category: Mapping[str, str] | None = None, level: float = LEVEL) -> Share:
        """The share of agreeing pairs, with limits over questions."""
        table = np.array([*self.items.values()], dtype=np.float64).reshape(-1, 2)
        return share(Clusters.by([item[0] for item in self.items], category), table[:, 0], table[:, 1], level)


def repeated(votes: Iterable[Vote]) -> dict[tuple[str, Item], int]:
    """Return who voted more than once on an item, and how often."""
    found = Counter((vote.judge, vote.item) for vote in votes)
    return {one: number for one, number in found.items() if number > 1}


def between(ours: Iterable[Vote], theirs: Iterable[Vote], *, ties: bool = True) -> Agreeing:
    """Compare each vote of ours with each of theirs on its item. Without `ties`, those are left out on both sides."""
    return between_views(_by_item(ours, ties), _by_item(theirs, ties))


def within(votes: Iterable[Vote], *, ties: bool = True) -> Agreeing:
    """Compare every two votes on an item."""
    return within_views(_by_item(votes, ties))


def between_views(ours: Views, theirs: Views) -> Agreeing:
    """The same of views of any kind, a score too, that agree when they are equal."""
    return _agreeing({item: [*product(mine, theirs.get(item, ()))] for item, mine in ours.items()})


def within_views(views: Views) -> Agreeing:
    """Compare every two views on an item."""
    return _agreeing({item: [*combinations(mine, 2)] for item, mine in views.items()})


def difference(
    one: Agreeing,
    other: Agreeing,
    category: Mapping[str, str] | None = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the first share less the second, on the items that both have; questions are resampled for both at once."""
    shared = [item for item in one.items if item in other.items]
    clusters = Clusters.by([item[0] for item in shared], category)
    columns = np.array([(*one.items[item], *other.items[item]) for item in shared], dtype=np.float64).reshape(-1, 4)
    return estimate(minus(*clusters.sums(columns).T), clusters.categories, level, resamples)


def _by_item(votes: Iterable[Vote], ties: bool) -> dict[Item, list[str]]:
    found: dict[Item, list[str]] = {}
    for vote in votes:
        if ties or vote.won:
            found.setdefault(vote.item, []).append(vote.won)
    return found


def _agreeing(pairs: Mapping[Item, Sequence[tuple[Hashable, Hashable]]]) -> Agreeing:
    return Agreeing(
        items={item: (sum(one == two for one, two in found), len(found)) for item, found in pairs.items() if found}
    )


def pairs_table(pairs: Mapping[Item, Iterable[tuple[float, ...]]]) -> tuple[list[Item], Floats]:
    """Return two raters' views (2, N) of pairs of views, and the item of each."""
    rows = [(item, pair) for item, found in pairs.items() for pair in found]
    return [item for item, _ in rows], np.array([pair for _, pair in rows], dtype=np.float64).reshape(-1, 2).T


def views_table(views: Values) -> tuple[list[Item], Floats]:
    """Return all views of each item (most, N), NaN below; who gave which is of no matter to alpha and AC2."""
    most = max(map(len, views.values()), default=0)
    table = np.array([[*given, *[nan] * (most - len(given))] for given in views.values()], dtype=np.float64)
    return [*views], table.reshape(-1, most).T
