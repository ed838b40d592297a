"""One resampling of questions, drawn within category, shared by all languages, mixes, seeds and metrics.

Promises: the weights depend on the questions' categories and the constant seed alone. Sharing them is what keeps a
comparison paired: translations of one question are about equally hard in every language, so languages resampled
apart would look more certain than they are (docs/statistics.md has the figures). A category of n questions gets n - 1
draws, each counting n / (n - 1): with n draws the variance would come out (n - 1) / n too small, 10 % at MT-Bench's
ten a category (Rao and Wu 1988, resampling inference with complex survey data, section 2).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lcm

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.grid import UNIT, Floats, Grid, Integers

SEED = 0x706F6C79  # "poly"; fixed, so that two runs of one study give equal bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """One number per cell and language: `point` (C, L) on the real questions, and draws of it on resampled ones.

    NaN where no valid verdict is there to average. Draws are made for the cells that are asked for: those of all cells
    of a large study at once would take gigabytes.
    """

    point: Floats
    draws_of: Callable[[Sequence[int]], Floats]  # (R, n, L) of cells, by their positions

    @property
    def draws(self) -> Floats:
        """Those of all cells, (R, C, L)."""
        return self.draws_of(range(len(self.point)))


def strata(categories: Sequence[str]) -> list[npt.NDArray[np.intp]]:
    """Return the positions drawn within each other: one array a category, single-question categories joined.

    Nothing can be learnt about the spread within a category of one question; joined, their spread is overstated
    rather than called zero. A lone one joins the smallest other category.
    """
    names = np.array(categories)
    groups = [np.flatnonzero(names == name) for name in dict.fromkeys(categories)]
    single = [group for group in groups if len(group) == 1]
    several = [group for group in groups if len(group) > 1]
    if single and (len(single) > 1 or not several):
        several.append(np.sort(np.concatenate(single)))
    elif single:
        smallest = min(range(len(several)), key=lambda index: (len(several[index]), index))
        several[smallest] = np.sort(np.concatenate([several[smallest], single[0]]))
    return several


def draw_weights(categories: Sequence[str], resamples: int, seed: int = SEED) -> Floats:
    """Return the weights (R, Q) of each question in each resample: whole numbers, up to a common factor.

    Made from the raw Philox stream, which numpy keeps stable between versions, as it does not its distributions.
    """
    stream = np.random.Philox(seed)
    groups = strata(categories)
    common = lcm(*(max(len(group) - 1, 1) for group in groups))
    weights = np.zeros((resamples, len(categories)))
    for group in groups:
        size = len(group)
        if size == 1:  # a benchmark of one question: nothing to resample
            weights[:, group] = common
            continue
        bits = stream.random_raw(resamples * (size - 1)).reshape(resamples, size - 1) >> np.uint64(32)
        draws = ((bits * np.uint64(size)) >> np.uint64(32)).astype(np.int64)  # 0 to size - 1, bias below 2^-32 size
        draws += np.arange(resamples)[:, None] * size
        counts = np.bincount(draws.ravel(), minlength=resamples * size).reshape(resamples, size)
        weights[:, group] = counts * (size * (common // (size - 1)))
    return weights


def estimate(
    grid: Grid, weights: Floats, metric: str, *, turn: int | None = None, category: str | None = None
) -> Estimates:
    """Return the mean of a metric per cell and language, over all turns and questions or those named.

    A mean is a ratio of sums over valid verdicts, in each resample too: unequally many failed verdicts need nothing
    else. All sums are of whole numbers, hence exact: any BLAS, any number of threads, the same bits.
    """
    turns = slice(None) if turn is None else slice(turn - 1, turn)
    rows: npt.NDArray[np.intp] | slice = slice(None) if category is None else grid.questions.of(category)
    above: Floats = grid.numerator(metric)[rows, :, :, turns].sum(axis=3)  # (Q, C, L)
    below: Floats = grid.valid[rows, :, :, turns].sum(axis=3)
    scale = UNIT if metric == "score" else 1
    chosen = np.ascontiguousarray(weights[:, rows].T)  # (Q, R): the draws of a number lie beside each other
    with np.errstate(invalid="ignore", divide="ignore"):
        point = above.sum(axis=0) / (below.sum(axis=0) * scale)

    def draws_of(cells: Sequence[int]) -> Floats:
        over, under = (part[:, list(cells)].reshape(len(part), -1).T for part in (above, below))
        if (under == under[:1]).all():  # nothing failed: one row of counts stands for all
            under = under[:1]
        with np.errstate(invalid="ignore", divide="ignore"):
            draws: Floats = (over @ chosen) / ((under @ chosen) * scale)
        return np.moveaxis(draws.reshape(len(cells), -1, len(weights)), -1, 0)

    return Estimates(point=point, draws_of=draws_of)


def counts(grid: Grid, *, turn: int | None = None, category: str | None = None) -> tuple[Integers, Integers]:
    """Return the numbers (C, L) of all verdicts and of failed ones."""
    turns = slice(None) if turn is None else slice(turn - 1, turn)
    rows: npt.NDArray[np.intp] | slice = slice(None) if category is None else grid.questions.of(category)
    failed = grid.failed[rows, :, :, turns].sum(axis=(0, 3))
    valid = grid.valid[rows, :, :, turns].sum(axis=(0, 3))
    return (valid + failed).astype(np.int64), failed.astype(np.int64)
