"""The spread between seeds that arms share: what three seeds of two arms know little of, all arms know well.

A seed's mean scatters by what seeds do on given questions (right in one, wrong in the next), which the resampling of
questions knows well, and by more where one seed is better than another. The *dispersion* is the variance between an
arm's seeds over that scatter: 1 where seeds differ by nothing else. It, and not the variance, is shared, as arms near
the end of the scale, and shares of exact answers, vary less in both alike.

What a seed does to every arm alike is taken out first, as in a difference that is paired by seed: the residuals of
A arms x S seeds after means of arms and of seeds, weighted by one over the scatter, have (A - 1)(S - 1) degrees of
freedom (three seeds of nine arms: 16, where t is 2.12 in place of 4.30).

Not every arm shares. Each is held against the others by an F-test of its seeds (its residuals against all that is left
without it, which is independent of them where all vary alike). An arm that varies more
- at `DOUBT` (10 %) borrows nothing: it stands with its own dispersion and S - 1 degrees of freedom;
- at `LEFT_OUT` (2 %) the others borrow nothing from it either; the one that varies most goes first, and the rest are
  held against each other anew.
An arm that seems to vary less borrows: that few seeds agree is no sign. docs/statistics.md says what such tests can do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.grid import Floats
from polyglot.core.detectable import DOUBT, LEAST_ARMS, SeedError

LEFT_OUT = 0.02
ROUNDING = 1e-12  # of the largest scatter: what is less came of adding equal numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What A arms of S seeds each know of their spread between seeds."""

    scatter: Floats  # (A,) variance of one seed's mean on given questions
    dispersion: float  # of all that share
    freedom: int  # its degrees of freedom
    own: Floats  # (A,) dispersion of each against the others
    borrows: tuple[bool, ...]  # (A,)
    seeds: int

    def errors(self, weights: Mapping[int, float]) -> tuple[SeedError, ...]:
        """The parts of the standard error that a weighted sum of arms' means, by their places, has by seeds."""
        each = {place: weight**2 * float(self.scatter[place]) / self.seeds for place, weight in weights.items()}
        together = sum(part for place, part in each.items() if self.borrows[place])
        found = [SeedError(float(np.sqrt(self.dispersion * together)), self.freedom)] if together else []
        found += [
            SeedError(float(np.sqrt(self.own[place] * part)), self.seeds - 1)
            for place, part in each.items()
            if not self.borrows[place]
        ]
        return tuple(found)


def share(points: Floats, scatter: Floats) -> Shared | None:
    """Find what arms share, from `points` (A, S) of their seeds and the `scatter` (A,) of one seed's mean.

    None where fewer than three arms can share: of two there is no more than their difference. An arm with nothing to
    average, or whose seeds answer alike (no scatter), is none of them, and has no dispersion of its own either.
    """
    seeds = points.shape[1]
    known = np.isfinite(points).all(axis=1) & np.isfinite(scatter)
    known &= scatter > ROUNDING * np.max(scatter, initial=0.0, where=known)
    inside = known.copy()
    weights = np.where(known, 1 / np.where(known, scatter, 1.0), 0.0)
    apart: Floats = np.where(known[:, None], points - points.mean(axis=1, keepdims=True), 0.0)
    while inside.sum() >= LEAST_ARMS and seeds > 1:
        residuals = _residuals(apart, weights * inside)
        chances = _chances(residuals[inside], weights[inside])
        if chances.min() >= LEFT_OUT:
            freedom = (int(inside.sum()) - 1) * (seeds - 1)
            sharing = inside.copy()
            sharing[inside] = chances >= DOUBT
            return Shared(
                scatter=scatter,
                dispersion=float((weights * inside) @ (residuals**2).sum(axis=1)) / freedom,
                freedom=freedom,
                own=np.where(known, weights * _against_others(residuals, weights, inside) / (seeds - 1), np.nan),
                borrows=tuple(sharing.tolist()),
                seeds=seeds,
            )
        inside[np.flatnonzero(inside)[chances.argmin()]] = False
    return None


def _residuals(apart: Floats, weights: Floats) -> Floats:
    """What is left (A, S) of arms' deviations from their means after those of the seeds, by weight."""
    found: Floats = apart - (weights[:, None] * apart).sum(axis=0) / weights.sum()
    return found


def _against_others(residuals: Floats, weights: Floats, inside: npt.NDArray[np.bool_]) -> Floats:
    """The sum of squares (A,) of an arm's deviations from the mean of those inside, itself left out."""
    within = np.where(inside, weights, 0.0)
    found: Floats = (residuals**2).sum(axis=1) / (1 - within / within.sum()) ** 2
    return found


def _chances(residuals: Floats, weights: Floats) -> Floats:
    """The chances (A,) that an arm would vary as much more than the others if all varied alike."""
    from scipy.special import fdtrc

    arms, seeds = residuals.shape
    squares = weights * (residuals**2).sum(axis=1)
    one = squares / (1 - weights / weights.sum())
    others = np.maximum(0.0, squares.sum() - one) / (arms - 2)  # deleting an arm takes just that away
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = fdtrc(seeds - 1, (arms - 2) * (seeds - 1), one / others)
    return np.where(one > 0, np.where(others > 0, found, 0.0), 1.0)
