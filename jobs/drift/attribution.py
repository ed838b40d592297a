"""Who is to blame, by the evidence of two kinds of bets: on old answers judged anew, and on new answers.

Old answers tell of the judge alone. New answers tell of the models only while the old ones give no reason to doubt the
judge where the new ones moved: a change of the judge moves both in the same categories and languages in the same way,
and no cell has more verdicts than the anchors, so the anchors see some of it by the time that a cell sees enough.
Each kind has half of the error; the cells share theirs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.exchangeable import SAME_WAY
from jobs.lib.stats.grid import Floats

Flags = npt.NDArray[np.bool_]
_DOUBT = 0.0  # log evidence against the judge from which on nothing is said of the models
_DOUBT_THERE = 2.0  # the same of a single bet's best run: one in e^2 quiet nights has as much


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """Of streams (…): whether the judge changed; cells (…, C) that changed; and those of which nobody can tell."""

    judge: Flags
    cells: Flags
    unclear: Flags


def limit(error: float, shares: int = 1) -> float:
    """The log evidence at which one of so many shares of half of the error is spent."""
    return float(np.log(2 * shares / error))


def blame(judge: Floats, cells: Floats, there: Floats, *, error: float, watched: int) -> Blame:
    """Decide by log evidence: `judge` (…), `cells` (…, C) of `watched` cells in all.

    `there` (…, C) is the anchors' best run where each cell's strongest bet is, as `run_there` has it.
    """
    changed = judge >= limit(error)
    moved = (cells >= limit(error, max(watched, 1))) & ~changed[..., None]
    doubtful = (judge >= _DOUBT)[..., None] | (there >= _DOUBT_THERE)
    return Blame(judge=changed, cells=moved & ~doubtful, unclear=moved & doubtful)


def run_there(run: Floats, strongest: npt.NDArray[np.intp]) -> Floats:
    """Of the anchors' bets' runs (…, J) the best one that bets as a cell's `strongest` (…), in whatever strength."""
    ways = run.reshape(*run.shape[:-1], -1, SAME_WAY).max(axis=-1)
    found: Floats = np.take_along_axis(ways, (strongest // SAME_WAY)[..., None], axis=-1)[..., 0]
    return found
