"""The verdicts of a study as arrays, one entry per question, cell, language and turn.

Promises: a failed verdict is counted and never averaged; an expected verdict that is not there is a failed one; the
arrays do not depend on the order in which records come. Sums are kept in ten-thousandths of a point, that is in
whole numbers, so that every later sum of them is exact and equal on every machine.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from polyglot.core.errors import Permanent
from polyglot.kinds.judge import Verdict
from polyglot.kinds.rows import Question

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

UNIT = 10_000  # a score of 7.5 is stored as 75,000: exact in float64 sums up to 2^53
LOWEST, HIGHEST = 1.0, 10.0  # the scale of single grading
TURNS = 2
SCALES = {"score": (LOWEST, HIGHEST), "exact": (0.0, 1.0)}  # of the two metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """The questions of a benchmark, shared by its languages: ids in canonical order, category of each."""

    ids: tuple[str, ...]
    categories: tuple[str, ...]  # aligned with ids
    turns: tuple[int, ...]  # number of turns, aligned with ids

    @property
    def names(self) -> tuple[str, ...]:
        """The categories, in the order of their first question."""
        return tuple(dict.fromkeys(self.categories))

    def of(self, category: str) -> npt.NDArray[np.intp]:
        """Positions of one category's questions."""
        return np.flatnonzero(np.array([name == category for name in self.categories]))

    def only(self, rows: Sequence[int]) -> "Questions":
        """The questions at some positions."""
        return Questions(
            ids=tuple(self.ids[row] for row in rows),
            categories=tuple(self.categories[row] for row in rows),
            turns=tuple(self.turns[row] for row in rows),
        )

    @classmethod
    def read(cls, rows: Iterable[Question]) -> "Questions":
        """Collect the questions of all languages. Raises Permanent when languages disagree on one's category."""
        found: dict[str, tuple[str, int]] = {}
        for row in rows:
            identity, category, turns = row.id, row.category, len(row.turns)
            known = found.setdefault(identity, (category, turns))
            if known != (category, turns):
                raise Permanent(f"question {identity}: {known} in one language, {(category, turns)} in another")
            if not 1 <= turns <= TURNS:
                raise Permanent(f"question {identity}: got {turns} turns, expected 1 to {TURNS}")
        if not found:
            raise Permanent("the benchmark has no questions")
        ids = sorted(found, key=natural)
        return cls(
            ids=tuple(ids),
            categories=tuple(found[identity][0] for identity in ids),
            turns=tuple(found[identity][1] for identity in ids),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Sums over the samples of each (question, cell, language, turn); all arrays (Q, C, L, T)."""

    questions: Questions
    cells: tuple[str, ...]
    languages: tuple[str, ...]
    total: Floats  # sum of the valid scores, in 1 / UNIT of a point
    exact: Floats  # number of valid scores of 10
    valid: Floats  # number of valid scores
    failed: Floats  # number of verdicts without a score, missing ones included

    def numerator(self, metric: str) -> Floats:
        """The array whose ratio to `valid` is the metric: "score" (in 1 / UNIT points) or "exact" (a share)."""
        return self.total if metric == "score" else self.exact

    def without(self, ids: Collection[str]) -> "Grid":
        """The grid of the other questions; the same one where none of these is in it."""
        kept = [row for row, identity in enumerate(self.questions.ids) if identity not in ids]
        if len(kept) == len(self.questions.ids):
            return self
        return replace(
            self,
            questions=self.questions.only(kept),
            total=self.total[kept],
            exact=self.exact[kept],
            valid=self.valid[kept],
            failed=self.failed[kept],
        )


def natural(text: str) -> tuple[bool, int, str]:
    """Sort key under which "9" comes before "81" and both before "a"."""
    return (False, int(text), "") if text.isascii() and text.isdigit() else (True, 0, text)


def read_grid(
    questions: Questions,
    languages: Sequence[str],
    cells: Sequence[str],
    verdicts: Callable[[str, str], Iterable[Verdict] | None],
) -> Grid:
    """Fill a grid from `verdicts(cell, language)`; None where the cell was not asked in the language.

    Raises Permanent for a verdict on an unknown question, a repeated one, or a score off the scale.
    """
    shape = (len(questions.ids), len(cells), len(languages), TURNS)
    grid = Grid(
        questions=questions,
        cells=tuple(cells),
        languages=tuple(languages),
        total=np.zeros(shape),
        exact=np.zeros(shape),
        valid=np.zeros(shape),
        failed=np.zeros(shape),
    )
    for c, cell in enumerate(cells):
        for k, language in enumerate(languages):
            found = verdicts(cell, language)
            if found is not None:  # else nothing is expected of the cell
                _fill(grid, found, c, k)
    return grid


def _fill(grid: Grid, verdicts: Iterable[Verdict], c: int, k: int) -> None:
    """Add the verdicts on one cell in one language, at its places in the grid."""
    questions, found = grid.questions, list(verdicts)
    row_of = {identity: row for row, identity in enumerate(questions.ids)}
    rows = np.array([row_of.get(one.id, -1) for one in found], np.intp)
    turns = np.array([one.turn for one in found], np.intp)
    given = [one.score for one in found]
    failed = np.array([score is None for score in given], np.bool_)
    scores = np.array([LOWEST if score is None else score for score in given], np.float64)
    most = np.array([*questions.turns, 0])[rows]  # of what is not known: none
    well = (turns >= 1) & (turns <= most) & (scores >= LOWEST) & (scores <= HIGHEST)
    if not well.all() or len({(one.id, one.sample, one.turn) for one in found}) < len(found):
        raise _first_misplaced(grid, found, c, k)
    shape = (len(questions.ids), TURNS)
    places, valid = rows * TURNS + turns - 1, ~failed
    here = (slice(None), c, k)

    def counted(chosen: npt.NDArray[np.bool_], weights: Floats | None = None) -> Floats:
        """So many of these, or their sum, at each place; sums are of whole numbers, hence exact."""
        sums = np.bincount(places[chosen], None if weights is None else weights[chosen], shape[0] * shape[1])
        return sums.reshape(shape).astype(np.float64)

    grid.total[here] = counted(valid, np.rint(scores * UNIT))
    grid.exact[here] = counted(valid & (scores == HIGHEST))
    grid.valid[here] = counted(valid)
    expected = np.array([[turn < turns for turn in range(TURNS)] for turns in questions.turns])  # (Q, T)
    samples = len({0, *(one.sample for one in found)})
    grid.failed[here] = np.maximum(counted(failed), expected * samples - grid.valid[here])


def _first_misplaced(grid: Grid, verdicts: Iterable[Verdict], c: int, k: int) -> Permanent:
    """What is the matter with the first verdict, of several of which one does not fit, that does not."""
    turns_of = dict(zip(grid.questions.ids, grid.questions.turns, strict=True))
    seen: set[tuple[str, int, int]] = set()
    for one in verdicts:
        if not 1 <= one.turn <= turns_of.get(one.id, 0):
            return _misplaced(grid, one, c, k, "a verdict on a turn that the benchmark does not have")
        if (known := (one.id, one.sample, one.turn)) in seen:
            return _misplaced(grid, one, c, k, f"two verdicts on sample {one.sample}")
        seen.add(known)
        if one.score is not None and not LOWEST <= one.score <= HIGHEST:
            what = f"got score {one.score!r}, expected {LOWEST:g} to {HIGHEST:g} or null"
            return _misplaced(grid, one, c, k, what)
    raise AssertionError("every verdict fits")


def _misplaced(grid: Grid, verdict: Verdict, c: int, k: int, what: str) -> Permanent:
    where = f"cell {grid.cells[c]}, {grid.languages[k]}, question {verdict.id}, turn {verdict.turn}"
    return Permanent(f"{where}: {what}")
