"""Engine against engine on the same turns: differences of means with paired bootstrap intervals.

Ids are resampled whole, their turns together, within category (jobs.lib.stats.resampling); a difference is taken inside
each resample, so that what is hard for both engines does not widen it (Koehn 2004, statistical significance tests for
machine translation evaluation). Only turns that both have the figure for count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from jobs.lib.stats.interval import limits
from jobs.lib.stats.resampling import draw_weights
from polyglot.kinds.quality import TurnQuality
from polyglot.kinds.report import Comparison

LEVEL = 0.95
MOST_RESAMPLES, FEWEST_RESAMPLES = 2000, 400
_CELLS = 8_000_000  # of the matrix of weights: 64 MB
COMPARED = ("chrf", "bleu", "back_chrf", "adequacy", "comet", "kept_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One quality stage: its name, what it is a translation of, and its turns. Those of an equal `of` are compared."""

    name: str
    of: tuple[str, ...]
    turns: Sequence[TurnQuality]


def compare_all(checks: Sequence[Check]) -> tuple[Comparison, ...]:
    """Compare every two checks of the same source and language pair, in order, first minus second."""
    return tuple(
        row
        for first, second in combinations(checks, 2)
        if first.of == second.of
        for metric in COMPARED
        if (row := compare(first, second, metric)) is not None
    )


def compare(first: Check, second: Check, metric: str) -> Comparison | None:
    """One row: means on the shared turns, difference, its limits; None where nothing is shared."""
    ours, theirs = _scored(first, metric), _scored(second, metric)
    shared = [key for key in ours if key in theirs]
    if not shared:
        return None
    ids = list(dict.fromkeys(name for name, _ in shared))
    place = {name: number for number, name in enumerate(ids)}
    sums = np.zeros((len(ids), 3))  # ours, theirs, turns
    category: dict[str, str] = {}
    for key in shared:
        (value, named), (other, _) = ours[key], theirs[key]
        sums[place[key[0]]] += (value, other, 1)
        category.setdefault(key[0], named)
    resamples = max(FEWEST_RESAMPLES, min(MOST_RESAMPLES, _CELLS // len(ids)))
    weights = draw_weights([category[name] for name in ids], resamples)
    drawn = weights @ sums  # (R, 3)
    total = sums.sum(axis=0)
    low, high = limits((drawn[:, 0] - drawn[:, 1]) / drawn[:, 2], LEVEL)
    means = [round(float(total[side] / total[2]), 4) for side in (0, 1)]
    return Comparison(
        metric=metric,
        first=first.name,
        second=second.name,
        turns=len(shared),
        ids=len(ids),
        resamples=resamples,
        first_mean=means[0],
        second_mean=means[1],
        difference=round(float((total[0] - total[1]) / total[2]), 4),
        low=round(float(low), 4),
        high=round(float(high), 4),
    )


def _scored(check: Check, metric: str) -> dict[tuple[str, int], tuple[float, str]]:
    """Value and category of every turn that has the metric, by id and turn."""
    return {
        (turn.id, turn.turn): (value, turn.category)
        for turn in check.turns
        if (value := turn.metric(metric)) is not None
    }
