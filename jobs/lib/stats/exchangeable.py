"""Evidence that tonight's scores of some items are not like their earlier ones: exact e-values by item.

An item is what was scored on earlier nights and is scored again tonight. While nothing changed, tonight's score is as
likely to be any one of all that the item ever got: given the multiset of them, it is a uniform draw, whatever the item
is like and however its scores scatter. So for any function f of a score and the multiset

    exp(f(tonight)) / mean over the multiset of exp(f)

has mean one: an e-value (testing exchangeability as in Vovk, Gammerman and Shafer 2022, "Algorithmic Learning in a
Random World", chapter 8, with a bet in place of a p-value). Items are scored independently, so their e-values multiply.
No retest rate is assumed: an item's own earlier scores are the measured retest, and one of them is enough for a bet on
the mean. Products over nights have mean one on every night; that they seldom pass a limit on any night is what
tests/bench/night_drift.py measures, as a night's e-values are not independent of the night before in all generality.

Two kinds of bets: on scores that move (f = tilt times score), and on verdicts that agree less with the earlier ones
(f = -novelty times the share of the others that say the same), which needs two earlier scores to say anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.grid import Floats

Indices = npt.NDArray[np.intp]
Test = Literal["mean", "profile", "flips"]

TILTS = (-1.0, -0.35, -0.125, 0.125, 0.35, 1.0)  # log-odds a point: of large shifts, middle ones, small ones
NOVELTIES = (0.5, 1.0, 2.0)
SAME_WAY = 3  # bets of one channel that bet on the same direction stand together
ALL = "all"
_MIDDLE = 5.5  # of the scale, so that no exponential is large


class Channel(NamedTuple):
    """One bet: on what, in which language or `ALL`, in which category or "", and how much is put on it."""

    test: Test
    language: str
    category: str
    bet: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """N items: `counts` (…, N, V) of the `values` (V,) that each got, tonight's included; `tonight` (…, N) is the index
    of tonight's value, -1 for an item without one. `language` and `category` (N,) are indices of those of `Channels`.
    """

    values: Floats
    counts: Floats
    tonight: Indices
    language: Indices
    category: Indices


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """All bets on some items (J), and what share of the error each may use: they sum to one."""

    languages: tuple[str, ...]
    categories: tuple[str, ...]
    each: tuple[Channel, ...]
    weights: Floats

    @classmethod
    def of(cls, languages: Sequence[str], categories: Sequence[str]) -> "Channels":
        """Equal shares for the tests; in each a half for all languages together, a half for single ones."""
        tests: dict[Test, tuple[tuple[str, ...], tuple[float, ...]]] = {"mean": (("",), TILTS)}
        if len(categories) > 1:
            tests["profile"] = (tuple(categories), TILTS)
        tests["flips"] = (("",), NOVELTIES)
        groups = [(ALL,)] if len(languages) == 1 else [(ALL,), tuple(languages)]
        each, weights = [], []
        for test, (parts, bets) in tests.items():
            for group in groups:
                found = [Channel(test, one, part, bet) for one in group for part in parts for bet in bets]
                each += found
                weights += [1 / (len(tests) * len(groups) * len(found))] * len(found)
        return cls(
            languages=tuple(languages),
            categories=tuple(categories),
            each=tuple(each),
            weights=np.array(weights),
        )

    def evidence(self, table: Table) -> Floats:
        """Tonight's log e-value of each bet (…, J)."""
        size = (len(self.languages), len(self.categories))
        cell = np.zeros((table.counts.shape[-2], size[0] * size[1]))
        cell[np.arange(len(cell)), table.language * size[1] + table.category] = 1.0
        moved = _sums(score_evidence(table), cell, size)  # (…, K, L, C)
        novel = _sums(novelty_evidence(table), cell, size).sum(axis=-1)  # (…, M, L)
        several, parts = size[0] > 1, [moved.sum(axis=(-1, -2))[..., None, :]]
        if several:
            parts.append(_bets_last(moved.sum(axis=-1)))
        if size[1] > 1:
            parts.append(_bets_last(moved.sum(axis=-2)))
            if several:
                parts.append(np.moveaxis(moved, -3, -1))
        parts.append(novel.sum(axis=-1)[..., None, :])
        if several:
            parts.append(_bets_last(novel))
        lead = table.counts.shape[:-2]
        return np.concatenate([part.reshape(*lead, -1) for part in parts], axis=-1)


def _bets_last(sums: Floats) -> Floats:
    return np.swapaxes(sums, -1, -2)


def _sums(items: Floats, cell: Floats, size: tuple[int, int]) -> Floats:
    """(…, N, K) by item -> (…, K, L, C)."""
    found = np.swapaxes(items, -1, -2) @ cell
    return found.reshape(*found.shape[:-1], *size)


def score_evidence(table: Table) -> Floats:
    """The log e-values of bets that scores move, (…, N, len(TILTS))."""
    bets = np.outer(table.values - _MIDDLE, TILTS)
    mean = (table.counts @ np.exp(bets)) / np.maximum(table.counts.sum(axis=-1, keepdims=True), 1.0)
    there = table.tonight >= 0
    said = bets[np.maximum(table.tonight, 0)]
    return np.where(there[..., None], said - np.log(np.where(there[..., None], mean, 1.0)), 0.0)


def novelty_evidence(table: Table) -> Floats:
    """The log e-values of bets that verdicts agree less with the other ones, (…, N, len(NOVELTIES))."""
    counts = table.counts
    number = counts.sum(axis=-1, keepdims=True)
    alike = np.maximum(counts - 1, 0.0) / np.maximum(number - 1, 1.0)  # (…, N, V)
    at = np.maximum(table.tonight, 0)[..., None]
    said = np.take_along_axis(alike, at, axis=-1)[..., 0]
    there = table.tonight >= 0
    found = []
    for novelty in NOVELTIES:
        mean = (counts * np.exp(-novelty * alike)).sum(axis=-1) / np.maximum(number[..., 0], 1.0)
        found.append(np.where(there, -novelty * said - np.log(np.where(there, mean, 1.0)), 0.0))
    return np.stack(found, axis=-1)
