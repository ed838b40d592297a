"""p-values of differences by inverting their intervals, and Holm's adjustment of several.

The p-value of "no difference" is the smallest alpha whose interval of level 1 - alpha leaves zero out. So a test and an
interval never contradict each other, and whatever makes the interval cover makes the test keep its level.

A p-value is a whole number of ten-thousandths, rounded up, and never smaller than `smallest_p`: R draws have nothing
beyond their first and last, so levels at which the interval would need more than these cannot be told apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, isnan
from statistics import NormalDist

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval, SeedDraws, joined, level_of_draws, skipped, student_inner
from polyglot.core.detectable import Precision, SeedError

PARTS = 10_000  # p-values are whole numbers of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What `over_seeds` reads an interval from, kept so that it can be had at any level at no cost.

    `draws` (R,) of the mean over seeds and `selected` (R,) are in ascending order, without those that are no numbers.
    """

    mean: float
    draws: Floats
    selected: Floats | None
    kept: float
    seeds: tuple[SeedError, ...]
    alone: int  # degrees of freedom of its own seeds
    freedom: int | None
    narrowest: float

    @classmethod
    def of(
        cls,
        points: Floats,
        draws: Floats,
        selected: Floats | None = None,
        *,
        freedom: int | None = None,
        seeds: Sequence[SeedError] | None = None,
        narrowest: float = 1.0,
    ) -> "Spread":
        """From `points` (S,), their `draws` (R, S), `selected` (R,) and the rest, as `over_seeds` has them."""
        number, found = len(points), SeedDraws.of(points, draws)
        return cls(
            mean=sum(float(point) for point in points) / number,
            draws=_ascending(found.middle),
            selected=None if selected is None else _ascending(selected),
            kept=found.kept,
            seeds=found.errors if seeds is None else tuple(seeds),
            alone=number - 1,
            freedom=freedom,
            narrowest=narrowest,
        )

    def interval(self, level: float) -> Interval:
        """The interval that `over_seeds` gives at this level."""
        if isnan(self.mean):
            return Interval(mean=self.mean, low=self.mean, high=self.mean)
        low, high = self._limits(self.draws, level)
        if self.selected is not None:
            other = self._limits(self.selected, level)
            low, high = min(low, other[0]), max(high, other[1])
        return joined(Interval(mean=self.mean, low=low, high=high), self.kept, self.seeds, level, self.narrowest)

    def detectable(self, level: float) -> float:
        """The smallest true difference that would be found at a level; infinite where there is nothing to tell from."""
        if not len(self.draws):
            return float("inf")
        low, high = self._limits(self.draws, level)
        return Precision(
            reach=max(self.mean - low, high - self.mean),
            questions=float(np.std(self.draws)),
            kept=self.kept,
            seeds=self.seeds,
            alone=self.alone if min((part.freedom for part in self.seeds), default=0) > self.alone else 0,
            narrowest=self.narrowest,
        ).detectable(level)

    def _limits(self, ascending: Floats, level: float) -> tuple[float, float]:
        """The order statistics that `interval.limits` takes."""
        if not len(ascending):
            return float("nan"), float("nan")
        of_draws = level if self.freedom is None else level_of_draws(level, self.freedom)
        skip = skipped(len(ascending), (1 - of_draws) / 2)
        return float(ascending[skip]), float(ascending[len(ascending) - 1 - skip])


def _ascending(draws: Floats) -> Floats:
    found: Floats = np.sort(draws)  # what is no number comes last
    return found[: -np.isnan(found).sum()] if len(found) and isnan(found[-1]) else found


def smallest_p(resamples: int, freedom: int | None) -> float:
    """The smallest p-value that so many draws can give: below it an interval needs draws beyond the outermost."""
    if freedom is None:
        return min(1.0, ceil(2 / resamples * PARTS - 1e-9) / PARTS)
    outermost = NormalDist().inv_cdf(1 - 1 / resamples) if resamples > 1 else 0.0
    return min(1.0, max(1, ceil((1 - student_inner(outermost, freedom)) * PARTS)) / PARTS)


def p_value(interval: Callable[[float], Interval], level: float, floor: float, *, apart: bool) -> float:
    """Return the p-value of an interval that can be had at any level; `floor` is the smallest that there may be.

    `apart` says whether the interval of `level`, as it is shown, leaves zero out. The p-value is below 1 - level if and
    only if it does, to the last place that is shown.
    """
    alpha = round((1 - level) * PARTS)
    if not apart:
        return _first(interval, alpha, PARTS) / PARTS
    least = min(round(floor * PARTS), alpha - 1)
    return min(_first(interval, least, alpha), alpha - 1) / PARTS


def _first(interval: Callable[[float], Interval], least: int, most: int) -> int:
    """The smallest number of parts, from `least` on, at which the interval leaves zero out; `most` at the latest."""
    while least < most:
        middle = (least + most) // 2
        found = interval(1 - middle / PARTS)
        if found.low > 0 or found.high < 0:
            most = middle
        else:
            least = middle + 1
    return most


def holm(values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted by Holm (1979, Scandinavian Journal of Statistics 6:65), in their order.

    Each is multiplied by the number of those that are not smaller than it, and is no smaller than a smaller one's. The
    chance that any true "no difference" among them has one below alpha is at most alpha, however they depend on each
    other.
    """
    order = sorted(range(len(values)), key=lambda index: values[index])
    found = [1.0] * len(values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, values[index] * (len(values) - rank)))
        found[index] = largest
    return found
