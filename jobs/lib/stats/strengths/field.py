"""Models that met in several languages and under several training seeds: gaps, their limits, and who is told apart.

A gap is the unweighted mean over languages, and then over seeds. Questions are resampled once for all of them. Limits
are as many standard deviations of the draws away as Student's t has: estimates run away from zero in small samples,
and percentiles of draws do so twice (docs/statistics.md). Seeds come on top by MOVER, as in `interval`. Where some
resample has no finite gap, limits are percentiles. Where no resample can vary what all questions agree on, they are
those of the share of questions that may have been missed (`unseen`): of a model that never lost, it may be losses.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, inf, isfinite, isnan, log, nan, sqrt

import numpy as np

from jobs.lib.stats.clusters import share_of_sums
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval, between_seeds, level_of_draws, limits, student_quantile, unseen
from jobs.lib.stats.strengths.fit import Gap, Strengths

FLAT = 1e-9  # draws closer than this differ by rounding alone
Fits = Mapping[tuple[str, int | None], Strengths]  # by language and training seed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replicate:
    """One seed's estimate, with its draws (R,) for a lower and for an upper limit."""

    point: float
    low: Floats
    high: Floats

    @classmethod
    def of(cls, gap: Gap) -> "_Replicate":
        """One array for both limits where all draws are finite."""
        if isfinite(gap.point) and np.isfinite(gap.draws).all():
            return cls(point=gap.point, low=gap.draws, high=gap.draws)
        return cls(point=gap.point, low=gap.low, high=gap.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """K models, and their fits; positions are those of `models`."""

    models: tuple[Hashable, ...]
    fits: Fits
    freedom: int

    def jointly(self, level: float) -> float:
        """The level that each gap needs so that all of them hold at once, at `level` (Bonferroni)."""
        return 1 - (1 - level) / max(len(self.models) * (len(self.models) - 1) // 2, 1)

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """The training seeds."""
        return tuple(dict.fromkeys(seed for _, seed in self.fits))

    def gap(self, one: int, other: int, languages: Sequence[str], level: float) -> Interval:
        """One model's strength less another's, in log-odds. Infinite limits are none; NaN: nothing is known."""
        return self.strength(one, (other,), languages, level)

    def strength(self, one: int, zero: Sequence[int], languages: Sequence[str], level: float) -> Interval:
        """A model's strength less the mean of those that stand for zero."""
        if tuple(zero) == (one,):
            return Interval(mean=0.0, low=0.0, high=0.0)
        found = self._replicates(one, zero, languages, level)
        if not found:
            return Interval(mean=nan, low=nan, high=nan)
        interval = self._joined(found, level)
        if interval.high - interval.low < FLAT:
            low, high = self._blind(
                one, zero, [fit for (name, _), fit in self.fits.items() if name in languages], level
            )
            return Interval(mean=interval.mean, low=min(low, interval.mean), high=max(high, interval.mean))
        return interval

    def other(self, name: str, languages: Sequence[str], level: float) -> Interval:
        """Of "first_slot" or "per_doubling", the mean over languages and seeds: it is the judge's, and no seed's."""
        parts = []
        for seed in self.seeds:
            gaps = [getattr(self.fits[key], name) for language in languages if (key := (language, seed)) in self.fits]
            if len(gaps) == len(languages):
                parts.append(_mean([_Replicate.of(gap) for gap in gaps]))
        known = [part for part in parts if isfinite(part.point)]
        return self._joined([_mean(known)], level) if known else Interval(mean=nan, low=nan, high=nan)

    def _replicates(self, one: int, zero: Sequence[int], languages: Sequence[str], level: float) -> list[_Replicate]:
        """Those seeds under which it has an estimate in every language, infinite ones too."""
        found = []
        for seed in self.seeds:
            fits = [self.fits[key] for language in languages if (key := (language, seed)) in self.fits]
            if len(fits) == len(languages):
                parts = [self._of(fit, one, other, level) for other in zero for fit in fits]
                found.append(_mean(parts) if len(parts) > 1 else parts[0])
        return [part for part in found if not isnan(part.point)]

    def _of(self, fit: Strengths, one: int, other: int, level: float) -> _Replicate:
        if one == other:
            nothing = np.zeros(len(fit.draws.found))
            return _Replicate(point=0.0, low=nothing, high=nothing)
        gap: Gap = fit.gap(one, other)
        if isfinite(gap.point) or isnan(gap.point):
            return _Replicate.of(gap)
        low, high = self._blind(one, (other,), [fit], level)
        return _Replicate(point=gap.point, low=np.full(len(gap.draws), low), high=np.full(len(gap.draws), high))

    def _joined(self, found: Sequence[_Replicate], level: float) -> Interval:
        points = np.array([part.point for part in found])
        if np.isfinite(points).all() and all(part.low is part.high for part in found):
            return self._around(points, np.stack([part.low for part in found], axis=1), level)
        middle = _mean(found)
        if isnan(middle.point):  # above under one seed, below under another
            return Interval(mean=nan, low=nan, high=nan)
        of_draws = level_of_draws(level, self.freedom)
        low, high = float(limits(middle.low, of_draws)[0]), float(limits(middle.high, of_draws)[1])
        mean, size = middle.point, len(found)
        if size > 1 and isfinite(mean):  # seeds on top; what both sources hold is not taken out
            reach = student_quantile((1 + level) / 2, size - 1) * sqrt(float(points.var(ddof=1)) / size)
            low, high = mean - hypot(max(mean - low, 0.0), reach), mean + hypot(max(high - mean, 0.0), reach)
        return Interval(mean=mean, low=min(low, mean), high=max(high, mean))

    def _around(self, points: Floats, draws: Floats, level: float) -> Interval:
        """The mean of seeds (S,) and as much on both sides, from draws (R, S) that are all finite."""
        mean, middle, size = float(points.mean()), draws.mean(axis=1), len(points)
        reach = student_quantile((1 + level) / 2, self.freedom) * float(middle.std())
        if size > 1:
            kept, error = between_seeds(points, draws, middle)
            reach = max(reach, hypot(kept * reach, student_quantile((1 + level) / 2, size - 1) * error))
        return Interval(mean=mean, low=mean - reach, high=mean + reach)

    def _blind(self, one: int, others: Sequence[int], fits: Sequence[Strengths], level: float) -> tuple[float, float]:
        """Limits of a gap that no resample varies, from the games between the two sides: wins and losses by question.

        A share of all questions, `unseen`, may be all losses (or wins); of wins there are as few as their limit has.
        """
        rivals = [other for other in others if other != one]
        won, lost, played = (
            np.sum(parts, axis=0) for parts in zip(*(fit.games.between((one,), rivals) for fit in fits), strict=True)
        )
        questions = int((played > 0).sum())
        if not questions:
            return -inf, inf
        missed = unseen(questions, level)
        wins, losses = (share_of_sums(part, played, ("",) * len(played), level).interval for part in (won, lost))
        low = wins.low / (losses.mean * (1 - missed) + missed)
        high = losses.low / (wins.mean * (1 - missed) + missed)
        return log(low) if low > 0 else -inf, -log(high) if high > 0 else inf


def _mean(parts: Sequence[_Replicate]) -> _Replicate:
    """Infinities of both signs leave nothing known; as elsewhere that counts at both ends."""
    with np.errstate(invalid="ignore"):
        point = float(np.mean([part.point for part in parts]))
        low, high = (np.mean([getattr(part, side) for part in parts], axis=0) for side in ("low", "high"))
    if all(part.low is part.high for part in parts):
        return _Replicate(point=point, low=low, high=low)
    return _Replicate(
        point=point, low=np.where(np.isnan(low), -np.inf, low), high=np.where(np.isnan(high), np.inf, high)
    )
