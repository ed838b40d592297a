"""Which mixes may be the best: a blending model over arms' means, and the set of mixes not shown to be worse.

The model is linear in its terms (polyglot.core.blending), fitted by least squares to the means of arms. The error of
the means has three parts: questions (their covariance over the shared resamples, so that what is hard for all mixes
cancels), training seeds (pooled over arms), and departures of the arms from the model, where these are larger than the
other two explain (by the method of moments; each mix has one of its own, and that of a tried mix is seen).

Limits of the difference between two mixes are `reach` apart. The multiplier of its standard error is the smaller of
Scheffe's, which holds for all pairs on the fitted surface at once, and Bonferroni's over the other tried mixes that one
is compared with, whose hold on mixes in between is simulated (tests/bench/mixture_ratio.py). Without a model the
candidates are the tried arms, and it is Bonferroni's. What it must cover: the true best mix is left out only if another
one is wrongly shown to be better (Gupta 1965, On some multiple decision rules; Hsu 1984, Constrained simultaneous
confidence intervals for multiple comparisons with the best, Annals of Statistics 12:1136).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import student_quantile
from jobs.lib.stats.pooling import Pooled


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What a mix reaches by the model, fitted to the `means` (A,) of tried mixes, and how sure one can be.

    A tried mix is its fitted value and so much of its own residual as is departure rather than error (`kept`, as in the
    best linear prediction): where the model fits, it is the model's; where it does not, it is as it was measured.
    """

    means: Floats
    solve: Floats  # (p, A): from means to coefficients
    residual: Floats  # (A, A): from means to what the model leaves
    error: Floats  # (A, A): covariance of the means
    departure: float  # variance of a mix's own departure from the model
    kept: float
    multiplier: float  # of the standard error of a difference
    freedom: int  # degrees of freedom behind the multiplier

    @property
    def coefficients(self) -> Floats:
        """Of the model (p,)."""
        found: Floats = self.solve @ self.means
        return found

    def locate(self, terms: Floats, tried: Sequence[int | None]) -> tuple[Floats, Floats, Floats]:
        """Where mixes with these terms (C, p) lie; `tried` is the place of each among the tried ones.

        Returns values (C,), places whose distances are standard errors of differences, and the variances (C,) that a
        mix adds to each of its differences.
        """
        weights = terms @ self.solve  # (C, A): what of each mean is in a mix's value
        own = np.zeros_like(weights)
        for row, place in enumerate(tried):
            if place is not None:
                weights[row] += self.kept * self.residual[place]
                own[row, place] = 1.0
        scales, axes = np.linalg.eigh(self.error)
        noise = (weights - weights.mean(axis=0)) @ (axes * np.sqrt(np.maximum(scales, 0.0)))  # what all share cancels
        places = np.hstack([noise, sqrt(self.departure) * (weights - own)])
        return weights @ self.means, places, self.departure * np.array([float(place is None) for place in tried])

    def compare(self, terms: Floats, tried: Sequence[int | None]) -> "Compared":
        """Compare mixes with each other, as `locate` takes them."""
        values, places, more = self.locate(terms, tried)
        squares = np.sum(places**2, axis=1)
        variance = np.maximum(squares[:, None] + squares - 2 * (places @ places.T), 0.0) + more[:, None] + more
        np.fill_diagonal(variance, 0.0)
        return Compared(values=values, reach=self.multiplier * np.sqrt(variance))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """C mixes: what each reaches (C,), and how far the limits of two mixes' difference are from it (C, C)."""

    values: Floats
    reach: Floats

    @property
    def behind(self) -> Floats:
        """By how much each is behind the best."""
        found: Floats = self.values.max() - self.values
        return found

    @property
    def at_least(self) -> Floats:
        """By how much each is at least behind another: 0 where it is not shown to be behind any."""
        apart: Floats = self.values[None, :] - self.values[:, None] - self.reach
        found: Floats = np.maximum(apart.max(axis=1), 0.0)
        return found

    @property
    def at_most(self) -> Floats:
        """By how much each is at most behind the best, whichever may be it. Holds for all mixes at once."""
        may = np.flatnonzero(self.at_least <= 0)
        apart: Floats = self.values[None, may] - self.values[:, None] + self.reach[:, may]
        apart[may, np.arange(len(may))] = 0.0  # of a mix behind itself
        found: Floats = np.maximum(apart.max(axis=1), 0.0)
        return found


def fit(pooled: Pooled, terms: Floats, level: float, questions: int) -> Surface:
    """Fit the model with terms (A, p) to the arms' means; raises ValueError where they do not tell every coefficient.

    `questions` are the degrees of freedom of the questions.
    """
    arms, number = terms.shape
    if np.linalg.matrix_rank(terms, tol=1e-6) < number:
        raise ValueError(f"{arms} mixes do not tell {number} coefficients")
    solve = np.linalg.pinv(terms).astype(np.float64)  # (p, A)
    error = _error(pooled)
    residual: Floats = np.eye(arms) - terms @ solve
    departure, kept, freedom = 0.0, 0.0, min(pooled.freedom, questions)
    if arms > number:
        left = residual @ pooled.means
        explained = float(np.trace(residual @ error)) / (arms - number)
        departure = max(0.0, float(left @ left) / (arms - number) - explained)
        if departure > 0:
            kept = departure / (departure + explained)
            freedom = _satterthwaite((departure, arms - number), (explained, freedom))
    scheffe = sqrt((number - 1) * fisher_quantile(level, number - 1, freedom))
    return Surface(
        means=pooled.means,
        solve=solve,
        residual=residual,
        error=error,
        departure=departure,
        kept=kept,
        multiplier=min(scheffe, _bonferroni(arms, level, freedom)),
        freedom=freedom,
    )


def _satterthwaite(*parts: tuple[float, int]) -> int:
    """The degrees of freedom of a sum of variances, of each of which its value and its degrees of freedom are given."""
    whole = sum(variance for variance, _ in parts)
    return max(1, int(whole**2 / sum(variance**2 / freedom for variance, freedom in parts)))


def _bonferroni(arms: int, level: float, freedom: int) -> float:
    """One-sided, over the other tried mixes that one of them is compared with."""
    return student_quantile(1 - (1 - level) / max(arms - 1, 1), freedom)


def tried_alone(pooled: Pooled, level: float, questions: int) -> Surface:
    """The arms as they are, without a model: their terms are the rows of the identity."""
    arms, freedom = len(pooled.means), min(pooled.freedom, questions)
    return Surface(
        means=pooled.means,
        solve=np.eye(arms),
        residual=np.zeros((arms, arms)),
        error=_error(pooled),
        departure=0.0,
        kept=0.0,
        multiplier=_bonferroni(arms, level, freedom),
        freedom=freedom,
    )


def _error(pooled: Pooled) -> Floats:
    """The covariance (A, A) of the arms' means. Resamples without any valid verdict of an arm are left out."""
    draws = pooled.draws[~np.isnan(pooled.draws).any(axis=1)]
    apart: Floats = draws - draws.mean(axis=0)
    questions: Floats = np.einsum("ra,rb->ab", apart, apart) / len(
        draws
    )  # not by BLAS, whose sums depend on its threads
    return questions + np.diag(max(0.0, pooled.variance - pooled.crossed) / pooled.seeds)


def fisher_quantile(probability: float, numerator: int, denominator: int) -> float:
    """Return the quantile of Fisher's F with these degrees of freedom."""
    from scipy.special import fdtri

    found = float(fdtri(numerator, denominator, probability))
    return found if found == found else inf
