"""Contrasts: treatment arms minus control arms, paired by resampled question and by training seed.

Where a family chooses the best or the worst, the control is one arm of the list, and which one is decided by the data:
on the real questions for the estimate and its seeds, and again inside every resample, so that the limits reach as far
as the choice could have changed them. Beside every contrast stand its A/A pairs: differences between two seeds of one
arm, over the same languages. Nothing but the seed differs there, so that is what a difference of nothing looks like.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from jobs.aggregate.arms import Arm, Replicates, replicates
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval, difference_widened, over_seeds, widened
from jobs.lib.stats.resampling import Estimates
from polyglot.core.errors import Permanent
from polyglot.kinds.aggregate import AggregateParams, ArmKey, Contrast


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The outcome of one contrast under one metric; `per_seed` is aligned with `labels`."""

    interval: Interval
    labels: tuple[int | None, ...]
    per_seed: tuple[float, ...]
    seeds: int  # training seeds that are paired; 0 where no arm has one
    selected: str | None  # the control arm that is best or worst on the real questions


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An A/A pair: first seed minus second seed of one arm."""

    arm: str
    pair: tuple[int | None, int | None]
    difference: float


def compare(
    contrast: Contrast,
    arms: Mapping[ArmKey, Arm],
    estimates: Estimates,
    params: AggregateParams,
    questions: int,
    scale: tuple[float, float],
) -> Compared:
    """Work out one contrast of means on a `scale` over so many questions.

    Raises Permanent when it names an arm or language that the study does not have.
    """
    on = _positions(contrast, params.languages)
    treatment = [_find(contrast, name, arms) for name in contrast.treatment]
    control = [_find(contrast, name, arms) for name in contrast.control]
    labels = _common(contrast, [*treatment, *control])
    ours = _average([replicates(arm, estimates, on).of(labels) for arm in treatment])
    theirs = [replicates(arm, estimates, on).of(labels) for arm in control]
    selected, middle = None, None
    if contrast.family.choice != "mean":
        sign = 1 if contrast.family.choice == "best" else -1
        means = [sign * sum(side.points.tolist()) for side in theirs]
        chosen = max(range(len(means)), key=lambda index: (means[index], -index))
        selected = control[chosen].key.arm
        each = np.stack([sign * side.draws.mean(axis=1) for side in theirs])  # (controls, R)
        middle = ours.draws.mean(axis=1) - sign * each.max(axis=0)
        other = theirs[chosen]
    else:
        other = _average(theirs)
    points: Floats = ours.points - other.points
    difference = over_seeds(points, ours.draws - other.draws, params.level, middle)
    own = [side.interval(params.level).clipped(*scale) for side in (ours, other)]
    reach = scale[1] - scale[0]
    return Compared(
        interval=difference_widened(
            difference, [(side, widened(side, questions, params.level, *scale)) for side in own]
        ).clipped(-reach, reach),
        labels=labels,
        per_seed=tuple(points.tolist()),
        seeds=sum(label is not None for label in labels),
        selected=selected,
    )


def same_arm_pairs(
    contrast: Contrast, arms: Mapping[ArmKey, Arm], estimates: Estimates, languages: Sequence[str]
) -> list[Pair]:
    """Return every A/A pair of the contrast's arms, treatment first; none where arms have one seed."""
    on = _positions(contrast, languages)
    pairs = []
    for name in dict.fromkeys((*contrast.treatment, *contrast.control)):
        points = replicates(_find(contrast, name, arms), estimates, on)
        for (one, first), (two, second) in combinations(zip(points.labels, points.points.tolist(), strict=True), 2):
            pairs.append(Pair(arm=name, pair=(one, two), difference=first - second))
    return pairs


def _average(sides: Sequence[Replicates]) -> Replicates:
    """The unweighted mean of several arms, seed by seed."""
    number = len(sides)
    points: Floats = sum((side.points for side in sides[1:]), sides[0].points) / number
    draws: Floats = sum((side.draws for side in sides[1:]), sides[0].draws) / number
    return Replicates(labels=sides[0].labels, points=points, draws=draws)


def _common(contrast: Contrast, sides: Sequence[Arm]) -> tuple[int | None, ...]:
    """The seeds that every arm has; pairs are made on these."""
    seeded = [arm for arm in sides if tuple(arm.units) != (None,)]
    if not seeded:
        return (None,)
    common = tuple(label for label in seeded[0].units if all(label in arm.units for arm in seeded[1:]))
    if not common:
        raise Permanent(f"contrast {contrast.name!r}: its arms share no training seed, so they cannot be paired")
    return common


def _find(contrast: Contrast, name: str, arms: Mapping[ArmKey, Arm]) -> Arm:
    found = arms.get(contrast.arm_key(name))
    if found is None:
        raise Permanent(f"contrast {contrast.name!r}: the study has no arm {name!r} of {contrast.model}")
    return found


def _positions(contrast: Contrast, languages: Sequence[str]) -> list[int]:
    missing = [language for language in contrast.on if language not in languages]
    if missing or not contrast.on:
        raise Permanent(f"contrast {contrast.name!r}: the benchmark is not in {missing or 'any of its languages'}")
    return [languages.index(language) for language in contrast.on]
