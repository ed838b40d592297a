"""Linear and logistic regression whose errors hold when the observations of a question depend on each other.

The covariance is the jackknife over questions (CR3; Bell and McCaffrey 2002), each fit without a question being had by
one Newton step; limits by Student's t, of questions less one or of fewer degrees of freedom where a few questions
decide. Logistic fits are Firth's (1993): the estimate stays finite where the regressors tell the outcome perfectly, and
is less biased elsewhere.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from jobs.lib.stats.clusters import LEVEL, MANY, Clusters, freedom_of_variance
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval, student_quantile

STEPS, CLOSE, LARGEST_STEP = 100, 1e-10, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Coefficients (P,) and their covariance (P, P) over questions."""

    coefficients: Floats
    covariance: Floats
    freedom: tuple[int, ...]  # of Student's t, for each coefficient
    separated: bool = False  # the regressors tell every outcome: the covariance is that of independent observations

    def interval(self, column: int, level: float = LEVEL) -> Interval:
        """The limits of one coefficient."""
        point = float(self.coefficients[column])
        reach = student_quantile((1 + level) / 2, self.freedom[column]) * sqrt(float(self.covariance[column, column]))
        return Interval(mean=point, low=point - reach, high=point + reach)


def linear(clusters: Clusters, design: Floats, outcome: Floats) -> Fit:
    """Fit `outcome` (N,) on `design` (N, P) by least squares. Raises ValueError where columns depend on each other."""
    _full_rank(clusters, design)
    whole = design.T @ design
    found = np.linalg.solve(whole, design.T @ outcome).astype(np.float64)
    slopes = design * (outcome - design @ found)[:, None]
    return _fit(found, _moved(clusters, slopes, design[:, :, None] * design[:, None, :]))


def logistic(clusters: Clusters, design: Floats, outcome: Floats) -> Fit:
    """Fit the log-odds of `outcome` (N,), 0 or 1, on `design` (N, P). Raises ValueError as `linear` does."""
    _full_rank(clusters, design)
    found = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance = (1 + np.tanh(design @ found / 2)) / 2  # of a win; exp would overflow
        weight = chance * (1 - chance)
        inverse = np.linalg.inv(design.T @ (design * weight[:, None])).astype(np.float64)
        leverage = weight * ((design @ inverse) * design).sum(axis=1)
        step = inverse @ (design.T @ (outcome - chance + leverage * (0.5 - chance)))
        found = found + step * min(1.0, LARGEST_STEP / max(float(np.abs(step).max()), CLOSE))
        if float(np.abs(step).max()) < CLOSE:
            break
    told = design @ found
    if (told[outcome == 1] > 0).all() and (told[outcome == 0] < 0).all():
        freedom = (len(clusters.ids) - 1,) * len(found)
        return Fit(coefficients=found, covariance=inverse, freedom=freedom, separated=True)
    slopes = design * (outcome - chance)[:, None]
    information = design[:, :, None] * design[:, None, :] * weight[:, None, None]
    return _fit(found, _moved(clusters, slopes, information))


def _full_rank(clusters: Clusters, design: Floats) -> None:
    rank, columns = int(np.linalg.matrix_rank(design)) if design.size else 0, design.shape[1]
    if rank < columns or len(clusters.ids) < 2:
        raise ValueError(
            f"regression: got {columns} columns of rank {rank} over {len(clusters.ids)} questions, expected "
            "independent columns and two questions or more"
        )


def _moved(clusters: Clusters, slopes: Floats, information: Floats) -> Floats:
    """What leaving out each question would change (Q, P), from slopes (N, P) and information (N, P, P)."""
    by_question = clusters.sums(information)
    rest = by_question.sum(axis=0) - by_question
    found: Floats = np.einsum("qij,qj->qi", np.linalg.pinv(rest, hermitian=True), clusters.sums(slopes))
    return found


def _fit(found: Floats, moved: Floats) -> Fit:
    size = len(moved)
    return Fit(
        coefficients=found,
        covariance=(size - 1) / size * moved.T @ moved,
        freedom=tuple(min(size - 1, MANY, freedom_of_variance(column)) for column in moved.T),
    )
