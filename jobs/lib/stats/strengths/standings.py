"""Who stands where in a field: strengths in their order, and letters for those that are not told apart."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite

import numpy as np

from jobs.lib.stats.interval import Interval
from jobs.lib.stats.strengths.field import Field
from jobs.lib.stats.strengths.letters import letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two models, the one that stands higher first; `joint` holds beside all other gaps of the field."""

    first: int
    second: int
    gap: Interval
    joint: Interval

    @property
    def apart(self) -> bool:
        """Whether the two are told apart."""
        return self.joint.low > 0 or self.joint.high < 0

    @property
    def sign(self) -> int:
        """Which of the two is ahead, by the estimate: 1, -1 or 0."""
        return _sign(self.gap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One model; no letters: it is not ranked."""

    model: int
    strength: Interval
    letters: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """All models of a field, those not ranked last, and every two of them."""

    models: tuple[Standing, ...]
    pairs: tuple[Pair, ...]


def standings(
    field: Field, zero: Sequence[int], languages: Sequence[str], level: float, ranked: Collection[int] | None = None
) -> Standings:
    """Compare every two models over some languages; those that are not `ranked` get no letters and part no others."""
    size, joint = len(field.models), field.jointly(level)
    own = [field.strength(one, zero, languages, level) for one in range(size)]
    gaps = {pair: field.gap(*pair, languages, level) for pair in combinations(range(size), 2)}
    ahead = np.zeros(size)
    for (one, other), gap in gaps.items():
        ahead[one] += _sign(gap)
        ahead[other] -= _sign(gap)
    kept = [one for one in range(size) if (ranked is None or one in ranked) and _is_known(one, gaps)]
    order = sorted(range(size), key=lambda one: (one not in kept, -ahead[one], _finite(-own[one].mean), one))
    pairs = []
    for one, other in combinations(order, 2):
        gap = gaps[one, other] if one < other else _turned(gaps[other, one])
        pairs.append(Pair(first=one, second=other, gap=gap, joint=field.gap(one, other, languages, joint)))
    place = {model: number for number, model in enumerate(order)}
    apart = {(place[p.first], place[p.second]) for p in pairs if p.apart and p.first in kept and p.second in kept}
    named = letters(len(kept), apart)
    return Standings(
        models=tuple(
            Standing(model=one, strength=own[one], letters=named[number] if number < len(kept) else "")
            for number, one in enumerate(order)
        ),
        pairs=tuple(pairs),
    )


def comparable(field: Field) -> tuple[int, ...]:
    """The most models that have finite gaps between them in every fit: their mean may stand for zero."""
    classes: dict[tuple[int, ...], list[int]] = {}
    for one in range(len(field.models)):
        key = tuple(int(np.argmax(fit.order[one] == 0)) for fit in field.fits.values())
        classes.setdefault(key, []).append(one)
    return tuple(sorted(classes.values(), key=len, reverse=True)[0])


def _sign(gap: Interval) -> int:
    return (gap.mean > 0) - (gap.mean < 0)


def _turned(gap: Interval) -> Interval:
    """The same gap of the other model."""
    return Interval(mean=-gap.mean, low=-gap.high, high=-gap.low)


def _is_known(one: int, gaps: dict[tuple[int, int], Interval]) -> bool:
    """Whether there is any gap of a model, finite or not; a model alone has none to be known."""
    own = [gap.mean for pair, gap in gaps.items() if one in pair]
    return any(mean == mean for mean in own) or not own


def _finite(value: float) -> float:
    return value if isfinite(value) else 0.0
