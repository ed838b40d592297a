"""The likelihood of Davidson's model with an order effect, maximised for many resamples at once by Newton's method.

The chances of first, second and tie are as exp(d/2), exp(-d/2) and exp(t); d is the strength of the first less that of
the second, plus the slot, plus what else a row of the design has (Davidson and Beaver 1977). The log-likelihood is
concave, so Newton's steps need no line search but a limit. Nothing is penalised: where there is no maximum, the
estimates run away, and `Fitted` tells what has.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.grid import Floats

STEPS, CLOSE, FLAT, LARGEST_STEP = 40, 1e-5, 1e-9, 2.0  # what is left after a step of 1e-5 is its square
FAR = 8.0  # log-odds: an estimate beyond it is looked at
UNKNOWN = 1e3  # a variance beyond it, in squared log-odds, is that of an estimate that has none
STEADY = 1e-10  # added to the information, so that a resample that lost a model's games can be solved


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """M kinds of games among K models: `rows` (M, P) hold the models' signs, the slot and what else there is.

    `together` (K, K) is 1 for models that are compared with each other, whose level is free and held at zero.
    """

    rows: Floats
    together: Floats
    ties: bool

    @property
    def used(self) -> npt.NDArray[np.bool_]:
        """Which of the P + 1 parameters there are: those with a coefficient, and that of ties."""
        return np.append((self.rows != 0).any(axis=0), self.ties)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """B tables of outcomes: `games` (B, M), `lead` (B, M) wins of the first less those of the second, `tied` (B,)."""

    games: Floats
    lead: Floats
    tied: Floats

    @classmethod
    def of(cls, counts: Floats) -> "Tally":
        """Read counts (3, B, M) of first, second and tie."""
        first, second, tie = counts
        return cls(games=first + second + tie, lead=first - second, tied=tie.sum(axis=1))

    def only(self, rows: npt.NDArray[np.intp]) -> "Tally":
        """Those tables alone."""
        if len(rows) == len(self.tied):
            return self
        return Tally(games=self.games[rows], lead=self.lead[rows], tied=self.tied[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Parameters (B, P + 1), that of ties last, of B tables of counts.

    `odd` (O,) are those in which something has no finite estimate; of these `gaps` (O, K, K) between models and
    `others` (O, P + 1 - K): infinite where all goes one way, NaN where nothing is known.
    """

    found: Floats
    odd: npt.NDArray[np.intp]
    gaps: Floats
    others: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Slopes (B, P + 1) of the log-likelihood, its information (B, P + 1, P + 1), the largest |d|."""

    slopes: Floats
    information: Floats
    farthest: Floats


def fit(tally: Tally, design: Design, start: Floats | None = None, *, examined: bool = False) -> Fitted:
    """Maximise the likelihood of each table. `examined`: look at all for what has no estimate."""
    batch, size = len(tally.games), design.rows.shape[1] + 1
    found = np.zeros((batch, size)) if start is None else np.repeat(start[None], batch, axis=0)
    far = np.zeros(batch, dtype=bool)
    active = np.arange(batch)
    squares = _squares(design.rows) if batch > 1 else None
    for _ in range(STEPS):
        now = moments(found[active], own := tally.only(active), design, squares)
        step = np.linalg.solve(now.information + held(design, own), now.slopes[:, :, None])[:, :, 0]
        largest = np.abs(step).max(axis=1)
        found[active] += step * np.minimum(1.0, LARGEST_STEP / np.maximum(largest, CLOSE))[:, None]
        far[active] = now.farthest > FAR
        flat = np.abs(now.slopes).max(axis=1) < FLAT * own.games.sum(axis=1)
        active = active[(largest >= CLOSE) & ~flat]
        if not len(active):
            break
    lost = (tally.games == 0).any(axis=1)
    far[active] = True
    odd = np.arange(batch) if examined else np.flatnonzero(far | lost)
    return _looked_at(found, odd, tally, design, squares)


def moments(found: Floats, tally: Tally, design: Design, squares: Floats | None = None) -> Moments:
    """Slopes and information at `found` (B, P + 1)."""
    games, rows = tally.games, design.rows
    apart = found[:, :-1] @ rows.T
    up = np.exp(apart / 2)
    down = 1 / up
    level = np.exp(found[:, -1:]) if design.ties else np.zeros((len(found), 1))
    total = up + down + level
    lean, tied = (up - down) / total, level / total
    slopes = np.empty_like(found)
    slopes[:, :-1] = ((tally.lead - games * lean) / 2) @ rows
    expected = games * tied
    slopes[:, -1] = tally.tied - expected.sum(axis=1) if design.ties else 0.0
    curve = games * (1 - tied - lean**2) / 4
    size = rows.shape[1]
    information = np.zeros((len(found), size + 1, size + 1))
    if squares is None:
        information[:, :-1, :-1] = [rows.T @ (rows * one[:, None]) for one in curve]
    else:
        information[:, :-1, :-1] = (curve @ squares).reshape(-1, size, size)
    information[:, :-1, -1] = information[:, -1, :-1] = (-expected * lean / 2) @ rows
    information[:, -1, -1] = (expected * (1 - tied)).sum(axis=1)
    return Moments(slopes=slopes, information=information, farthest=np.abs(apart).max(axis=1, initial=0.0))


def _squares(rows: Floats) -> Floats:
    return (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), rows.shape[1] ** 2)


def held(design: Design, tally: Tally) -> Floats:
    """What makes the information invertible (B, P + 1, P + 1) and moves no estimate: levels, and what is not there."""
    models, size = len(design.together), design.rows.shape[1] + 1
    fixed = np.diag(np.where(design.used, 0.0, 1.0))
    fixed[:models, :models] = design.together
    found: Floats = fixed + STEADY * np.eye(size) * (1 + tally.games.sum(axis=1))[:, None, None]
    return found


def _looked_at(
    found: Floats, odd: npt.NDArray[np.intp], tally: Tally, design: Design, squares: Floats | None
) -> Fitted:
    """Tell what has run away: what the data say nothing of at the place where the search ended."""
    models, size = len(design.together), found.shape[1]
    if not len(odd):
        return Fitted(found=found, odd=odd, gaps=np.empty((0, models, models)), others=np.empty((0, size - models)))
    where, table = found[odd], tally.only(odd)
    now = moments(where, table, design, squares)
    covariance = np.linalg.inv(now.information + held(design, table))
    spread = np.diagonal(covariance, axis1=1, axis2=2)
    own = spread[:, :models]
    gaps = where[:, :models, None] - where[:, None, :models]
    variance = own[:, :, None] + own[:, None, :] - 2 * covariance[:, :models, :models]
    others = np.where(design.used[models:], where[:, models:], np.nan)
    return Fitted(
        found=found,
        odd=odd,
        gaps=_known(gaps, variance),
        others=_known(others, spread[:, models:]),
    )


def _known(values: Floats, variance: Floats) -> Floats:
    endless = np.where(np.abs(values) > FAR, np.copysign(np.inf, values), np.nan)
    return np.where(variance < UNKNOWN, values, endless)
