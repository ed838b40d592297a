"""Strengths of the models of one language (and one training seed), on all questions and on resampled ones.

Models of which one never lost nor tied, not even by way of others, have no finite gap: the likelihood rises for ever.
They are put above or below each other from the start (`order`), and their games say nothing of anybody's gap. What
else has no finite estimate, in single resamples too, is found where the search ends (`davidson`).
"""

from dataclasses import dataclass

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.strengths.davidson import Design, Fitted, Tally, fit
from jobs.lib.stats.strengths.games import OUTCOMES, Games, Places, Resampling

AT_ONCE, NUMBERS_AT_ONCE = 1000, 4_000_000  # resamples that are fitted together, and entries of their information


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A difference in log-odds: on all questions, and on resampled ones (R,).

    Infinite where one side never lost; NaN where nothing is known. Resamples that say nothing count at both ends:
    `low` has them as minus infinity, `high` as infinity.
    """

    point: float
    draws: Floats

    @property
    def low(self) -> Floats:
        """Draws for a lower limit."""
        return np.where(np.isnan(self.draws), -np.inf, self.draws)

    @property
    def high(self) -> Floats:
        """Draws for an upper limit."""
        return np.where(np.isnan(self.draws), np.inf, self.draws)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strengths:
    """A fit: `point` and `draws` as davidson has them, `order` (K, K) 0 between models that are compared by it."""

    games: Games
    point: Fitted
    draws: Fitted
    order: Floats
    slot: bool
    ties: bool

    def gap(self, one: int, other: int) -> Gap:
        """The strength of one model less another's, both as positions."""
        if self.order[one, other] != 0:
            return self._never(float(self.order[one, other]))
        draws = self.draws.found[:, one] - self.draws.found[:, other]
        draws[self.draws.odd] = self.draws.gaps[:, one, other]
        return Gap(point=float(self.point.gaps[0, one, other]), draws=draws)

    @property
    def first_slot(self) -> Gap:
        """The log-odds of the first of two equal answers, of verdicts that name a winner."""
        return self._other(0) if self.slot else self._never(0.0)

    @property
    def per_doubling(self) -> Gap:
        """The log-odds that go with an answer of twice the length, where that is in the fit."""
        return self._other(1)

    def _other(self, place: int) -> Gap:
        draws = self.draws.found[:, len(self.games.models) + place].copy()
        draws[self.draws.odd] = self.draws.others[:, place]
        return Gap(point=float(self.point.others[0, place]), draws=draws)

    def _never(self, value: float) -> Gap:
        return Gap(point=value, draws=np.full(len(self.draws.found), value))


def strengths(games: Games, resampling: Resampling, *, ties: bool, slot: bool) -> Strengths:
    """Fit games, and every resample of their questions.

    `ties=False` leaves ties out; `slot=False` has no order effect (for games whose order is not known).
    """
    games = games if ties else games.decisive
    ties = ties and bool((games.outcome == OUTCOMES["tie"]).any())
    order = _order(games)
    inside = games.only(order[games.first, games.second] == 0)
    rows, kind = design_rows(inside, slot=slot)
    design = Design(rows=rows, together=np.where(order == 0, 1.0, 0.0), ties=ties)
    counts = np.zeros((3, len(games.ids), len(rows)))
    np.add.at(counts, (inside.outcome, inside.question, kind), inside.weight)
    point = fit(Tally.of(counts.sum(axis=1, keepdims=True)), design, examined=True)
    at_once = max(1, min(AT_ONCE, NUMBERS_AT_ONCE // (rows.shape[1] + 1) ** 2))
    parts = [
        fit(Tally.of(weights @ counts), design, point.found[0])
        for weights in np.split(resampling.weights, range(at_once, len(resampling.weights), at_once))
    ]
    return Strengths(games=games, point=point, draws=_joined(parts), order=order, slot=slot, ties=ties)


def _order(games: Games) -> Floats:
    """Who is above whom (K, K): infinite, 0 where both are compared, NaN where nothing tells."""
    reaches = games.reaches
    above = np.where(reaches, np.inf, np.nan)
    return np.where(reaches & reaches.T, 0.0, np.where(reaches.T & ~reaches, -np.inf, above))


def design_rows(games: Games, *, slot: bool, length: bool = False) -> tuple[Floats, Places]:
    """The kinds of games (M, K + 1), and that of each game (N,). With `length` each game is one, of a column more."""
    size = len(games.models)
    meeting = games.first * size + games.second
    kinds, kind = (meeting, np.arange(len(meeting))) if length else np.unique(meeting, return_inverse=True)
    rows, each = np.zeros((len(kinds), size + 1 + length)), np.arange(len(kinds))
    rows[each, kinds // size] = 1.0
    rows[each, kinds % size] = -1.0
    rows[:, size] = 1.0 if slot else 0.0
    if length:
        rows[:, -1] = games.doublings
    return rows, kind


def _joined(parts: list[Fitted]) -> Fitted:
    before = np.cumsum([0, *(len(part.found) for part in parts)])
    return Fitted(
        found=np.concatenate([part.found for part in parts]),
        odd=np.concatenate([part.odd + start for part, start in zip(parts, before[:-1], strict=True)]),
        gaps=np.concatenate([part.gaps for part in parts]),
        others=np.concatenate([part.others for part in parts]),
    )
