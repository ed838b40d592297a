"""Where the variance of a mean score comes from: questions, training seeds, answers and the judge.

Scores of an arm are laid out by seed and question, each the mean of the verdicts on that seed's answers to that
question. Model: score = question + seed + answer + judge, of which the answer is what one seed says to one question
beyond both (the interaction; what sampling an answer again would change is in it), and the judge what it would say
otherwise of the very same answer. Questions lie within categories, which are fixed. Estimates are those of a two-way
analysis of variance (Searle, Casella and McCulloch 1992, chapter 4), a mean over arms, and zero where they are below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from jobs.lib.stats.grid import Floats

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Variances of an arm's mean, in squared points; of one seed an arm `seed` and `answer` are None.

    `answer` has the judge's variance in it where that is not known (`judge` is None); without `answer` the questions'.
    """

    question: float
    seed: float | None
    answer: float | None
    judge: float | None

    @property
    def whole(self) -> float:
        """The variance of the mean."""
        return self.question + (self.seed or 0.0) + (self.answer or 0.0) + (self.judge or 0.0)

    def error(self, *, questions: float = 1.0, seeds: float = 1.0, repeats: float = 1.0) -> float:
        """The standard error in points, with so many times the questions, seeds and verdicts on each answer."""
        both = questions * seeds
        return sqrt(
            self.question / questions
            + (self.seed or 0.0) / seeds
            + (self.answer or 0.0) / both
            + (self.judge or 0.0) / (both * repeats)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean squares over arms: of one arm's questions, of two arms' difference by question, of seeds, of what is left.

    `paired` is half of the variance of the difference of two arms; None with one arm. `left` and `between` (seeds) are
    None with one seed.
    """

    alone: float
    paired: float | None
    between: float | None
    left: float | None
    questions: float  # that an arm has scores of, the mean over arms
    seeds: float
    arms: int


def spread(arms: Sequence[Floats], categories: Sequence[str]) -> Spread | None:
    """Return the mean squares of `arms`, each (seeds, Q), NaN where a question has no score; Q go with `categories`.

    None where no category has two questions. Of each arm those questions count that all of its seeds have scores of.
    """
    names = np.unique(np.asarray(categories), return_inverse=True)[1]
    rows = [_of_arm(scores, names) for scores in arms]
    known = [row for row in rows if row is not None]
    if not known:
        return None
    several = [row for row in known if row.left is not None and row.between is not None]
    return Spread(
        alone=float(np.mean([row.variance for row in known])),
        paired=_paired([row.centred for row in known], names),
        between=float(np.mean([row.between for row in several])) if several else None,
        left=float(np.mean([row.left for row in several])) if several else None,
        questions=float(np.mean([row.questions for row in known])),
        seeds=float(np.mean([row.seeds for row in known])),
        arms=len(known),
    )


def parts(found: Spread, *, verdicts: float, deviation: float | None, paired: bool = False) -> Parts | None:
    """Return the parts of the variance of an arm's mean, or (`paired`) of half of that of two arms' difference.

    `verdicts` are those on one seed's answers to one question, `deviation` the standard deviation of the judge's
    repeats, None where nothing was asked again. None where nothing is paired.
    """
    over = found.paired if paired else found.alone
    if over is None:
        return None
    cells = found.questions * found.seeds
    judge = None if deviation is None else deviation**2 / verdicts
    if found.left is None or found.between is None:
        return Parts(
            question=max(over - (judge or 0.0), 0.0) / found.questions,
            seed=None,
            answer=None,
            judge=None if judge is None else judge / cells,
        )
    return Parts(
        question=max(over - found.left / found.seeds, 0.0) / found.questions,
        seed=max(found.between - found.left / found.questions, 0.0) / found.seeds,
        answer=max(found.left - (judge or 0.0), 0.0) / cells,
        judge=None if judge is None else judge / cells,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """One arm's mean squares; `centred` (Q,) are its means by question less those of their category."""

    variance: float
    between: float | None
    left: float | None
    centred: Floats
    questions: int
    seeds: int


def _of_arm(scores: Floats, names: Places) -> _Arm | None:
    whole = ~np.isnan(scores).any(axis=0)
    kept, of = scores[:, whole], names[whole]
    freedom = kept.shape[1] - len(np.unique(of))
    if freedom < 1:
        return None
    seeds = len(kept)
    inside = kept - _by_category(kept, of)
    middle = inside.mean(axis=0)
    centred = np.full(scores.shape[1], np.nan)
    centred[whole] = middle
    return _Arm(
        variance=float(np.square(middle).sum() / freedom),
        between=float(np.var(kept.mean(axis=1), ddof=1)) if seeds > 1 else None,
        left=float(np.square(inside - middle).sum() / ((seeds - 1) * freedom)) if seeds > 1 else None,
        centred=centred,
        questions=kept.shape[1],
        seeds=seeds,
    )


def _by_category(scores: Floats, of: Places) -> Floats:
    """Each score's mean over the questions of its category and seed."""
    found = np.empty_like(scores)
    for category in np.unique(of):
        found[:, of == category] = scores[:, of == category].mean(axis=1, keepdims=True)
    return found


def _paired(centred: Sequence[Floats], names: Places) -> float | None:
    """Half the variance over questions of the difference of two arms, the mean over all pairs of arms."""
    table = np.array(centred)  # (arms, Q)
    there = ~np.isnan(table)
    count = there.sum(axis=0)
    shared = count > 1
    freedom = int(shared.sum()) - len(np.unique(names[shared]))
    if freedom < 1:
        return None
    filled = np.where(there, table, 0.0)[:, shared]
    number = count[shared]
    squares = np.square(filled).sum(axis=0) - np.square(filled.sum(axis=0)) / number
    return float((squares / (number - 1)).sum() / freedom)
