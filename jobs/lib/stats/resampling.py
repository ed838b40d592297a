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
from jobs.lib.stats.interval import limits, skipped

SEED = 0x706F6C79  # "poly"; fixed, so that two runs of one study give equal bytes
EXACT = 2**24  # whole numbers below are exact in float32
COUNTED = 4  # times as many different sums as resamples, at most, are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What draws are quotients of, for n cells: sums over resampled questions, as whole numbers.

    `under` has a row for each pattern of valid verdicts that there is (U, R), as most cells share one; `pattern` (n, L)
    says which one is whose.
    """

    over: Floats | npt.NDArray[np.float32]  # (n, L, R)
    under: Floats
    pattern: npt.NDArray[np.intp]
    whole: bool  # whether all are known to be whole numbers

    def mean(self, parts: Sequence[tuple[int, int]], out: Floats) -> None:
        """Write the draws (R,) of the mean over some cells and languages, added one after another."""
        one = np.empty_like(out)
        with np.errstate(invalid="ignore", divide="ignore"):
            for number, (cell, language) in enumerate(parts):
                into, under = one if number else out, self.under[self.pattern[cell, language]]
                np.divide(self.over[cell, language], under, out=into, dtype=np.float64)
                if number:
                    out += one
        if len(parts) > 1:
            out /= len(parts)

    def draws(self) -> Floats:
        """All draws (n, L, R), those of a number beside each other."""
        found = np.empty(self.over.shape)
        for place in np.ndindex(self.pattern.shape):
            self.mean([place], found[place])
        return found

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """The limits (n, L) of the draws that `interval.limits` gives.

        Where all resamples divide by the same, quotients lie as their numerators do, and whole numbers are counted in a
        third of the time that putting draws into order takes.
        """
        resamples = self.over.shape[-1]
        most = float(np.max(self.over, initial=0.0))
        steady = (self.under.min(axis=1) == self.under.max(axis=1)) & (self.under[:, 0] > 0)
        if self.whole and steady.all() and most < COUNTED * resamples:
            skip = skipped(resamples, (1 - level) / 2)
            ends = np.empty((*self.pattern.shape, 2))
            for place in np.ndindex(self.pattern.shape):
                found = np.bincount(self.over[place].astype(np.intp)).cumsum()  # draws that are this or less
                ends[place] = found.searchsorted([skip, resamples - 1 - skip], side="right")
            ends /= self.under[self.pattern, 0][..., None]
            return ends[..., 0], ends[..., 1]
        return limits(np.moveaxis(self.draws(), -1, 0), level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """One number per cell and language: `point` (C, L) on the real questions, and draws of it on resampled ones.

    NaN where no valid verdict is there to average. Draws are made for the cells that are asked for: those of all cells
    of a large study at once would take gigabytes.
    """

    point: Floats
    sums_of: Callable[[Sequence[int]], Sums]  # of cells, by their positions

    @property
    def draws(self) -> Floats:
        """Those of all cells, (R, C, L)."""
        return np.moveaxis(self.sums_of(range(len(self.point))).draws(), -1, 0)


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
    else. All sums are of whole numbers, hence exact: any BLAS, any number of threads, the same bits. What scores and
    weights have as a common factor is left out of them, which leaves quotients as they are, to the bit: so the sums are
    small enough for float32, where a product takes half of the time.
    """
    turns = slice(None) if turn is None else slice(turn - 1, turn)
    rows: npt.NDArray[np.intp] | slice = slice(None) if category is None else grid.questions.of(category)
    above: Floats = grid.numerator(metric)[rows, :, :, turns].sum(axis=3)  # (Q, C, L)
    below: Floats = grid.valid[rows, :, :, turns].sum(axis=3)
    scale = UNIT if metric == "score" else 1
    with np.errstate(invalid="ignore", divide="ignore"):
        point = above.sum(axis=0) / (below.sum(axis=0) * scale)
    chosen = np.array(weights[:, rows].T, order="C")  # (Q, R), a copy: the draws of a number lie beside each other
    factor, common = _factor(above, scale), _factor(chosen)
    over = above / (factor or 1)
    chosen /= common or 1
    if factor and common and max(over.max(), below.max()) * chosen.sum(axis=0).max() < EXACT:
        chosen = chosen.astype(np.float32)

    def sums_of(cells: Sequence[int]) -> Sums:
        parts = (part[:, list(cells)].reshape(len(part), -1).T for part in (over, below))
        numbers, valid = (part.astype(chosen.dtype) for part in parts)
        patterns, pattern = valid[:1], np.zeros(len(valid), np.intp)
        if not (valid == valid[:1]).all():
            patterns, pattern = np.unique(valid, axis=0, return_inverse=True)
        shape = (len(cells), -1)
        return Sums(
            over=(numbers @ chosen).reshape(*shape, len(weights)),
            under=(patterns @ chosen) * np.float64(scale / (factor or 1)),
            pattern=pattern.reshape(shape),
            whole=factor > 0 and common > 0,
        )

    return Estimates(point=point, sums_of=sums_of)


def _factor(numbers: Floats, other: int = 0) -> int:
    """The greatest number that all of these, and one `other`, are multiples of; 0 of what is not whole, or large."""
    if not numbers.size or numbers.max() >= EXACT or not (numbers == np.rint(numbers)).all():
        return 0
    return int(np.gcd(np.gcd.reduce(np.flatnonzero(np.bincount(numbers.astype(np.intp).ravel()))), other))


def counts(grid: Grid, *, turn: int | None = None, category: str | None = None) -> tuple[Integers, Integers]:
    """Return the numbers (C, L) of all verdicts and of failed ones."""
    turns = slice(None) if turn is None else slice(turn - 1, turn)
    rows: npt.NDArray[np.intp] | slice = slice(None) if category is None else grid.questions.of(category)
    failed = grid.failed[rows, :, :, turns].sum(axis=(0, 3))
    valid = grid.valid[rows, :, :, turns].sum(axis=(0, 3))
    return (valid + failed).astype(np.int64), failed.astype(np.int64)
