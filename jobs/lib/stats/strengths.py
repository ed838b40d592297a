"""Strengths of models from pairwise verdicts: Bradley and Terry (1952), with ties by Davidson (1970) and a first slot.

The chances of first, second and tie are as exp(g), exp(-g) and exp(t), with g half of (strength of the first - strength
of the second + slot): the order effect of Davidson and Beaver (1977). Without ties, the log-odds of the first are the
difference of strengths plus the slot. A fit is of one language; questions are resampled with weights that depend on the
questions alone, so fits of several languages over the same questions stay paired draw by draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.lib.stats.clusters import LEVEL, RESAMPLES, Clusters, question_weights
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval, level_of_draws, limits
from jobs.lib.stats.resampling import strata

STEPS, CLOSE, LARGEST_STEP = 60, 1e-10, 2.0
RIDGE = 1e-6  # keeps a model that won all of its games finite; no other estimate changes in its sixth decimal
AT_ONCE = 1000  # resamples that are fitted together
OUTCOMES = {"first": 0, "second": 1, "tie": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Strengths:
    """Parameters on all questions (K,) and on resampled ones (R, K): models first, then the slot, then ties."""

    models: tuple[str, ...]
    point: Floats
    draws: Floats
    slot_known: bool
    freedom: int

    def gap(self, one: str, other: str, level: float = LEVEL) -> Interval:
        """The strength of one model less another's, in log-odds."""
        contrast = np.zeros(len(self.point))
        contrast[self.models.index(one)] += 1
        contrast[self.models.index(other)] -= 1
        return self._interval(contrast, level)

    def slot(self, level: float = LEVEL) -> Interval:
        """The log-odds of the first of two equal answers; 0 without width where the fit has no slot."""
        contrast = np.zeros(len(self.point))
        contrast[len(self.models)] = 1.0 if self.slot_known else 0.0
        return self._interval(contrast, level)

    def _interval(self, contrast: Floats, level: float) -> Interval:
        point = float(self.point @ contrast)
        low, high = (float(limit) for limit in limits(self.draws @ contrast, level_of_draws(level, self.freedom)))
        return Interval(mean=point, low=min(low, point), high=max(high, point))


def strengths(
    questions: Sequence[str],
    games: Sequence[tuple[str, str, str]],
    category: Mapping[str, str] | None = None,
    *,
    ties: bool,
    slot: bool,
    resamples: int = RESAMPLES,
) -> Strengths:
    """Fit `games` (first model, second model, "first" | "second" | "tie"), one for each of `questions`.

    `ties=False` leaves ties out; `slot=False` has no order effect (for games whose order is not known). Raises
    ValueError for other outcomes, or when some models have never met others, not even through third ones.
    """
    clusters = Clusters.by(questions, category)
    models = tuple(sorted({name for first, second, _ in games for name in (first, second)}))
    strange = {outcome for _, _, outcome in games} - set(OUTCOMES)
    if strange or len(games) != len(questions):
        raise ValueError(f"games: got {sorted(strange)} in {len(games)}, expected {[*OUTCOMES]} in {len(questions)}")
    meetings = {pair: place for place, pair in enumerate(sorted({game[:2] for game in games}))}
    counts = np.zeros((len(clusters.ids), len(meetings), 3))
    for row, (first, second, outcome) in zip(clusters.of, games, strict=True):
        counts[row, meetings[first, second], OUTCOMES[outcome]] += 1
    if not ties:
        counts[:, :, OUTCOMES["tie"]] = 0
    played = [pair for pair, place in meetings.items() if counts[:, place].any()]
    _connected(models, played)
    design = _design(models, list(meetings), ties=ties, slot=slot)
    weights = question_weights(clusters.categories, resamples)
    flat = counts.reshape(len(counts), -1)
    fits = [_fit(flat.sum(axis=0)[None], design, ties=ties)]
    for start in range(0, resamples, AT_ONCE):
        fits.append(_fit(weights[start : start + AT_ONCE] @ flat, design, ties=ties))
    return Strengths(
        models=models,
        point=fits[0][0],
        draws=np.concatenate(fits[1:]),
        slot_known=slot,
        freedom=max(len(clusters.ids) - len(strata(clusters.categories)), 1),
    )


def _connected(models: Sequence[str], played: Sequence[tuple[str, str]]) -> None:
    reached = set(models[:1])
    while more := {name for pair in played if reached & set(pair) for name in pair} - reached:
        reached |= more
    if len(reached) < len(models):
        raise ValueError(f"strengths: got no game between {sorted(reached)} and {sorted({*models} - reached)}")


def _design(models: Sequence[str], meetings: Sequence[tuple[str, str]], *, ties: bool, slot: bool) -> Floats:
    """The utilities' coefficients (meetings, 3, K)."""
    design = np.zeros((len(meetings), 3, len(models) + 2))
    for place, (first, second) in enumerate(meetings):
        for outcome, half in ((0, 0.5), (1, -0.5)):
            design[place, outcome, models.index(first)] += half
            design[place, outcome, models.index(second)] -= half
            design[place, outcome, -2] = half if slot else 0.0
        design[place, 2, -1] = 1.0 if ties else 0.0
    return design


def _fit(counts: Floats, design: Floats, *, ties: bool) -> Floats:
    """Fit each row of counts (R, meetings x 3) by Newton's method, to (R, K)."""
    meetings, _, size = design.shape
    won = counts.reshape(-1, meetings, 3)
    games = won.sum(axis=2)
    usable = np.array([0.0, 0.0, 0.0 if ties else -np.inf])
    found = np.zeros((len(won), size))
    for _ in range(STEPS):
        utility = found @ design.reshape(-1, size).T
        utility = utility.reshape(won.shape) + usable
        chance = np.exp(utility - utility.max(axis=2, keepdims=True))
        chance /= chance.sum(axis=2, keepdims=True)
        expected = chance * games[:, :, None]
        slope = (won - expected).reshape(len(won), -1) @ design.reshape(-1, size) - RIDGE * found
        middle = np.einsum("rmo,mok->rmk", chance, design, optimize=True)
        squares = design[:, :, :, None] * design[:, :, None, :]
        curve = (expected.reshape(len(won), -1) @ squares.reshape(-1, size * size)).reshape(-1, size, size)
        curve -= (middle * games[:, :, None]).transpose(0, 2, 1) @ middle
        step = np.linalg.solve(curve + RIDGE * np.eye(size), slope[:, :, None])[:, :, 0]
        largest = np.abs(step).max(axis=1, keepdims=True)
        found = found + step * np.minimum(1.0, LARGEST_STEP / np.maximum(largest, CLOSE))
        if float(largest.max()) < CLOSE:
            break
    return found
