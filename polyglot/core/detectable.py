"""The smallest true difference that a comparison finds, by what is known of its questions and seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist
from typing import NamedTuple

from polyglot.core.student import student_quantile

POWER = 0.8
DOUBT = 0.1  # an arm whose seeds vary more than others' by an F-test at this level borrows nothing from these
LEAST_ARMS = 3  # that can share a spread between seeds: two alone have no more than their difference has
NARROWEST = 0.5  # of the limits of a difference by questions alone: seeds that agree make them no narrower
_BOTH_BORROW = (1 - DOUBT) ** 2  # the chance that two arms do whose seeds vary as others' do
_STEPS = 12  # quantiles that a distribution is averaged over


class SeedError(NamedTuple):
    """A part of the standard error that the mean over seeds has, known with so many degrees of freedom."""

    error: float
    freedom: int


def reach_of(seeds: Sequence[SeedError], level: float) -> float:
    """How far limits by seeds alone are from the mean; parts are joined by MOVER, each with its own t."""
    return hypot(*(student_quantile((1 + level) / 2, part.freedom) * part.error for part in seeds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """What the limits of a difference are made of (docs/statistics.md): two sources, joined as MOVER joins them.

    `reach` is the distance of the limits by questions alone at the level that is tested at, `questions` their standard
    error, `kept` the share of both that is due to questions and not to seeds on them. `seeds` are the parts of the
    standard error of the mean over seeds, none of one seed. `alone` are the degrees of freedom where nothing is
    borrowed from other arms, as happens now and then to arms that borrow; 0 where it is so already.
    """

    reach: float
    questions: float
    kept: float
    seeds: tuple[SeedError, ...] = ()
    alone: int = 0
    narrowest: float = NARROWEST

    def detectable(self, level: float) -> float:
        """The true difference that is found with chance POWER, were the same compared again.

        Limits of few seeds are far apart in one study and close in the next, as the spread between seeds is hardly
        known; so the chance is averaged over that spread.
        """
        normal = NormalDist()
        if not self.seeds:
            return self.reach + normal.inv_cdf(POWER) * self.questions
        by_seeds = hypot(*(part.error for part in self.seeds))
        reaches = [
            max(self.narrowest * self.reach, hypot(self.kept * self.reach, by_seed)) for by_seed in self._reaches(level)
        ]
        error = hypot(self.kept * self.questions, by_seeds)
        if error == 0:
            return self.reach
        low, high = 0.0, max(reaches) + 3 * error
        for _ in range(20):
            middle = (low + high) / 2
            found = sum(normal.cdf((middle - reach) / error) for reach in reaches) / _STEPS
            low, high = (middle, high) if found < POWER else (low, middle)
        return high

    def _reaches(self, level: float) -> list[float]:
        """How far limits by seeds alone would be, at quantiles of the spread that is found.

        Arms that borrow are those whose own spread is found smaller; the others stand with their own.
        """
        share = _BOTH_BORROW if self.alone else 1.0
        alone = (SeedError(hypot(*(part.error for part in self.seeds)), self.alone),)
        found = []
        for step in range(_STEPS):
            at = (step + 0.5) / _STEPS
            parts, place = (self.seeds, at / share) if at < share else (alone, at)
            drawn = [SeedError(part.error * _ratio(place, part.freedom), part.freedom) for part in parts]
            found.append(reach_of(drawn, level))
        return found


def _ratio(place: float, freedom: int) -> float:
    """A quantile of the estimated to the true standard deviation (Wilson and Hilferty's of chi-squared)."""
    spread = 2 / (9 * freedom)
    return float(max(0.0, 1 - spread + NormalDist().inv_cdf(place) * sqrt(spread)) ** 1.5)
