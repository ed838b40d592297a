"""Contrasts: treatment arms minus control arms, paired by resampled question and by training seed.

How much seeds vary is read off all arms of the same model, data set and size, where the contrast is within these
(`seeds`) and nothing is chosen; else off its own seeds. An arm that is not tuned has no seed: it is one model, which
every seed of the other side is compared with. So questions are paired, the seeds of the mixes vary, and nothing is
known of how such an arm would vary.

Where a family chooses the best or the worst, the control is one arm of the list, and which one is decided by the data:
on the real questions for the estimate and its seeds, and again inside every resample, so that the limits reach as far
as the choice could have changed them. Beside every contrast stand its A/A pairs: differences between two seeds of one
arm, over the same languages. Nothing but the seed differs there, so that is what a difference of nothing looks like.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isnan, sqrt

import numpy as np

from jobs.aggregate.arms import Arm, Averages, Replicates
from jobs.aggregate.seeds import SideErrors, side_errors
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval, between
from jobs.lib.stats.inversion import Spread
from polyglot.core.detectable import NARROWEST
from polyglot.core.errors import Permanent
from polyglot.kinds.cells import ArmKey, Contrast


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Treatment and control of one contrast under one metric, replicate by replicate: what every test starts from."""

    treatment: Replicates
    control: Replicates
    selected: str | None = None  # the control arm that is best or worst on the real questions
    chosen_draws: Floats | None = None  # (R,) draws of the difference, the control chosen anew in each
    # by seeds, as far as they are borrowed; None: they are those of its own seeds, as where the control is chosen
    errors: SideErrors | None = None

    @property
    def labels(self) -> tuple[int | None, ...]:
        """The training seed of each replicate."""
        return self.treatment.labels

    @property
    def seeds(self) -> int:
        """How many training seeds are paired; 0 where no arm has one."""
        return sum(label is not None for label in self.labels)

    @property
    def seed_freedom(self) -> int | None:
        """Degrees of freedom that the spread between seeds is known with, at the least; None of one seed."""
        if self.seeds < 2:
            return None
        if self.errors is None:
            return self.seeds - 1
        return min(part.freedom for side in self.errors for part in side)

    @property
    def narrowest(self) -> float:
        """See `interval.joined`: what is chosen may be so by its seeds, and needs all of the width."""
        return NARROWEST if self.chosen_draws is None else 1.0

    @property
    def points(self) -> Floats:
        """Differences (S,) on the real questions."""
        found: Floats = self.treatment.points - self.control.points
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An A/A pair: first seed minus second seed of one arm."""

    arm: str
    pair: tuple[int | None, int | None]
    difference: float


def pair_up(contrast: Contrast, arms: Mapping[ArmKey, Arm], averages: Averages, languages: Sequence[str]) -> Paired:
    """Pair a contrast's arms. Raises Permanent when it names an arm or language that the study does not have."""
    on = _positions(contrast, languages)
    treatment = [_find(contrast, key, arms) for key in contrast.treatment]
    control = [_find(contrast, key, arms) for key in contrast.control]
    averages.expect((arm, on) for arm in (*treatment, *control))
    labels = _common(contrast, [*treatment, *control])
    ours = average([averages.replicates(arm, on).of(labels) for arm in treatment])
    theirs = [averages.replicates(arm, on).of(labels) for arm in control]
    if contrast.family.choice == "mean":
        errors = side_errors((treatment, control), averages, on, labels)
        return Paired(treatment=ours, control=average(theirs), errors=errors)
    sign = 1 if contrast.family.choice == "best" else -1
    means = [sign * sum(side.points.tolist()) for side in theirs]
    # where nothing is known of one of them, nothing is known of the best
    chosen = max(range(len(means)), key=lambda index: (isnan(means[index]), means[index], -index))
    each = np.stack([sign * side.draws.mean(axis=1) for side in theirs])  # (controls, R)
    return Paired(
        treatment=ours,
        control=theirs[chosen],
        selected=control[chosen].key.arm,
        chosen_draws=ours.draws.mean(axis=1) - sign * each.max(axis=0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference of two means on a `scale` over so many questions, whose limits can be had at any level."""

    whole: Spread
    sides: tuple[Replicates, Replicates]
    freedom: int | None
    questions: int
    scale: tuple[float, float]

    @classmethod
    def of(
        cls, paired: Paired, questions: int, scale: tuple[float, float], *, freedom: int | None = None
    ) -> "Difference":
        """Of a contrast. `freedom`: see over_seeds."""
        sides = (paired.treatment, paired.control)
        draws = sides[0].draws - sides[1].draws
        whole = Spread.of(
            paired.points,
            draws,
            paired.chosen_draws,
            freedom=freedom,
            seeds=None if paired.errors is None else [*paired.errors.treatment, *paired.errors.control],
            narrowest=paired.narrowest,
        )
        return cls(
            whole=whole,
            sides=sides,
            freedom=freedom,
            questions=questions,
            scale=scale,
        )

    def interval(self, level: float) -> Interval:
        """The difference with its limits."""
        own = [side.interval(level, self.freedom) for side in self.sides]
        return between(self.whole.interval(level), own, self.questions, level, self.scale)

    def detectable(self, level: float) -> float:
        """The smallest true difference that would be found, with what the ends of the scale add to the limits."""
        alone, found = self.whole.interval(level), self.interval(level)
        far = max(found.mean - found.low, found.high - found.mean)
        near = max(alone.mean - alone.low, alone.high - alone.mean)
        return sqrt(self.whole.detectable(level) ** 2 + max(0.0, far**2 - near**2))


def same_arm_pairs(
    contrast: Contrast, arms: Mapping[ArmKey, Arm], averages: Averages, languages: Sequence[str]
) -> list[Pair]:
    """Return every A/A pair of the contrast's arms, treatment first; none where arms have one seed."""
    on = _positions(contrast, languages)
    pairs = []
    for key in dict.fromkeys((*contrast.treatment, *contrast.control)):
        arm = _find(contrast, key, arms)
        points = averages.points(arm, on).tolist()
        for (one, first), (two, second) in combinations(zip(arm.units, points, strict=True), 2):
            pairs.append(Pair(arm=contrast.named(key), pair=(one, two), difference=first - second))
    return pairs


def average(sides: Sequence[Replicates]) -> Replicates:
    """The unweighted mean of several arms, seed by seed."""
    number = len(sides)
    if number == 1:
        return sides[0]
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


def _find(contrast: Contrast, key: ArmKey, arms: Mapping[ArmKey, Arm]) -> Arm:
    found = arms.get(key)
    if found is None:
        raise Permanent(f"contrast {contrast.name!r}: the study has no arm {key.arm!r} of {key.model}")
    return found


def _positions(contrast: Contrast, languages: Sequence[str]) -> list[int]:
    missing = [language for language in contrast.on if language not in languages]
    if missing or not contrast.on:
        raise Permanent(f"contrast {contrast.name!r}: the benchmark is not in {missing or 'any of its languages'}")
    return [languages.index(language) for language in contrast.on]
