"""Several arms that share one seed variance: what three seeds of each know little of, all of them together know well.

`pool` keeps of each arm the mean over its seeds, on the real questions and in every resample. The variance between
seeds is that within arms, pooled: sum over arms of squared deviations by sum of seeds less one, which are its degrees
of freedom (3 seeds of 5 arms: 10, where t is 2.23 in place of 4.30). What is assumed: seeds of all arms vary alike, and
are about normal. An effect that a seed has on every arm alike is taken for noise, which makes differences wider than
they need be.

The scatter of seeds on given questions (right in one, wrong in the next) is in the resampling of questions and in the
spread between seeds; `crossed` is its share, and is taken out of the former, as `interval.over_seeds` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval, level_of_draws, limits, student_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A arms with their seeds' spread in common: `means` (A,), `draws` of them (R, A), `seeds` (A,) of each."""

    means: Floats
    draws: Floats
    seeds: Floats
    variance: float  # between the seeds of an arm; 0 where no arm has two
    freedom: int  # its degrees of freedom; 0: it is not known
    crossed: float  # the part of it that is the scatter of seeds on given questions

    @property
    def seed_sd(self) -> float:
        """The standard deviation between seeds of an arm."""
        return sqrt(self.variance)

    def interval(self, weights: Floats, level: float, questions: int) -> Interval:
        """The interval of a weighted sum (A,) of arms' means; `questions` are the degrees of freedom of questions.

        Both sources are joined by MOVER, and never make it narrower than questions alone would (`interval.over_seeds`).
        Without a seed variance it is over questions alone.
        """
        mean = float(weights @ self.means)
        if np.isnan(mean):
            return Interval(mean=nan, low=nan, high=nan)
        draws: Floats = np.einsum("ra,a->r", self.draws, weights)  # not by BLAS, whose sums depend on its threads
        low, high = (float(limit) for limit in limits(draws, level_of_draws(level, questions)))
        below, above = max(0.0, mean - low), max(0.0, high - mean)
        if not self.freedom:
            return Interval(mean=mean, low=mean - below, high=mean + above)
        spread = float(np.nanvar(draws))
        each = float(np.sum(weights**2 / self.seeds))
        kept = max(0.0, 1 - self.crossed * each / spread) if spread > 0 else 0.0
        reach = student_quantile((1 + level) / 2, self.freedom) ** 2 * self.variance * each
        return Interval(
            mean=mean,
            low=mean - max(below, sqrt(kept * below**2 + reach)),
            high=mean + max(above, sqrt(kept * above**2 + reach)),
        )


def pool(arms: Sequence[tuple[Floats, Floats]]) -> Pooled:
    """Pool arms of which each has the values (S,) of its seeds on the real questions, and their draws (R, S)."""
    freedom = sum(len(points) - 1 for points, _ in arms)
    squares = sum(float(np.sum((points - points.mean()) ** 2)) for points, _ in arms)
    crossed = 0.0
    for _, draws in arms:
        if draws.shape[1] > 1:
            apart: Floats = draws - draws.mean(axis=1, keepdims=True)
            crossed += float(np.sum(np.nanvar(apart, axis=0)))
    return Pooled(
        means=np.array([points.mean() for points, _ in arms]),
        draws=np.stack([draws.mean(axis=1) for _, draws in arms], axis=1),
        seeds=np.array([float(len(points)) for points, _ in arms]),
        variance=squares / freedom if freedom else 0.0,
        freedom=freedom,
        crossed=crossed / freedom if freedom else 0.0,
    )
