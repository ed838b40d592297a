"""The tables of a study: rows of cells, of arms and of contrasts, rounded and ready to be written.

None stands for what could not be averaged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from jobs.aggregate.arms import AT_ONCE, GROUPS, ROOM, Arm, Averages, find_arms, scope
from jobs.aggregate.contrasts import pair_up, same_arm_pairs
from jobs.aggregate.defects import TurnCounts
from jobs.aggregate.rounding import DIGITS, rounded
from jobs.aggregate.significance import adjusted, tested
from jobs.aggregate.unscored import Unscored
from jobs.lib.stats.grid import SCALES, Floats, Grid
from jobs.lib.stats.interval import Interval, level_of_draws, widened
from jobs.lib.stats.inversion import smallest_p
from jobs.lib.stats.resampling import counts, draw_weights, estimate, strata
from polyglot.core.records import UNSET
from polyglot.kinds.aggregate import (
    AggregateParams,
    ArmScore,
    CellScore,
    ContrastResult,
    Method,
    OtherQuestions,
    PartScore,
    RosterCell,
    SameArmPair,
    Scores,
)
from polyglot.kinds.cells import ArmKey, Cell, Contrast


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is measured: everything, or one category or turn; in both metrics."""

    category: str | None = None
    turn: int | None = None
    questions: int
    freedom: int  # degrees of freedom of the questions: less the groups that they are drawn within
    score: Averages
    exact: Averages


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Everything that the tables are made of."""

    params: AggregateParams
    cells: tuple[Cell, ...]
    grid: Grid
    weights: Floats
    turns: Mapping[tuple[str, str], TurnCounts]  # of answers, by cell and language
    whole: Part
    arms: tuple[Arm, ...]  # of the cells, in their order
    unscored: Unscored

    def part(self, category: str | None, turn: int | None) -> Part:
        """Both metrics over one category or turn."""
        return _measure(self.grid, self.weights, self.arms, category, turn, room=0)


def prepare(
    params: AggregateParams, cells: tuple[Cell, ...], grid: Grid, turns: Mapping[tuple[str, str], TurnCounts]
) -> Tables:
    """Draw the weights and work out what every table needs."""
    weights = draw_weights(grid.questions.categories, params.resamples)
    arms = tuple(find_arms(cells))
    return Tables(
        params=params,
        cells=cells,
        grid=grid,
        weights=weights,
        turns=turns,
        whole=_measure(grid, weights, arms, None, None),
        arms=arms,
        unscored=Unscored(grid),
    )


def _measure(
    grid: Grid, weights: Floats, arms: Sequence[Arm], category: str | None, turn: int | None, room: int = ROOM
) -> Part:
    questions = len(grid.questions.ids) if category is None else len(grid.questions.of(category))
    groups = len(strata(grid.questions.categories)) if category is None else 1
    return Part(
        category=category,
        turn=turn,
        questions=questions,
        freedom=max(1, questions - groups),
        score=Averages(estimate(grid, weights, "score", category=category, turn=turn), arms, room),
        exact=Averages(estimate(grid, weights, "exact", category=category, turn=turn), arms, room),
    )


def score_tables(tables: Tables) -> Scores:
    """Return the document of scores.json."""
    params, questions = tables.params, tables.grid.questions
    cells, arms = _slice_scores(tables, tables.whole, (*params.languages, *GROUPS))
    breakdown: list[PartScore] = []
    slices: list[tuple[str | None, int | None]] = [(None, turn) for turn in range(1, max(questions.turns) + 1)]
    slices += [(category, None) for category in questions.names]
    for category, turn in slices:
        of_cells, of_arms = _slice_scores(tables, tables.part(category, turn), ("all",))
        cells += of_cells
        breakdown += (PartScore(**msgspec.structs.asdict(row), category=category, turn=turn) for row in of_arms)
    order = {cell.cell: index for index, cell in enumerate(tables.cells)}
    place = {language: index for index, language in enumerate(params.languages)}
    cells.sort(key=lambda row: (order[row.cell], place[row.language]))  # stable: slices keep their order
    return Scores(
        method=Method(
            languages=params.languages,
            categories={name: len(questions.of(name)) for name in questions.names},
            questions=len(questions.ids),
            resamples=params.resamples,
            level=params.level,
            min_seeds=params.min_seeds,
            digits=DIGITS,
            smallest_p=smallest_p(params.resamples, tables.whole.freedom),
            most_failed=params.most_failed,
        ),
        roster=tuple(RosterCell(**msgspec.structs.asdict(cell), arm=cell.arm_key.arm) for cell in tables.cells),
        cells=tuple(cells),
        arms=tuple(arms),
        breakdown=tuple(breakdown),
    )


def other_questions(wrong: tuple[str, ...], tables: Tables) -> OtherQuestions:
    """Return the main results over other questions than those of the document; `wrong` tells the two sets apart."""
    params = tables.params
    return OtherQuestions(
        wrong=wrong,
        questions=len(tables.grid.questions.ids),
        arms=tuple(_arm_score(params, arm, "all", params.languages, tables.whole) for arm in tables.arms),
        contrasts=tuple(contrast_results(tables)),
    )


def _slice_scores(tables: Tables, part: Part, names: Sequence[str]) -> tuple[list[CellScore], list[ArmScore]]:
    """The rows of cells, and those of arms on languages and groups of these names, from draws that are made once."""
    params = tables.params
    shape = (len(tables.cells), len(params.languages))
    low, high = np.empty(shape), np.empty(shape)
    rows: list[ArmScore] = []
    for at in range(0, len(tables.arms), AT_ONCE):
        arms = tables.arms[at : at + AT_ONCE]
        cells = [cell for arm in arms for cell in arm.cells]
        low[cells], high[cells] = part.score.load(arms).limits(level_of_draws(params.level, part.freedom))
        part.exact.load(arms)
        for arm in arms:
            for name in names:
                group = arm.group(name, params.languages) if name in GROUPS else (name,)
                if group:
                    row = _arm_score(params, arm, name, group, part)
                    rows.append(_with_bounds(row, tables, arm) if part is tables.whole else row)
    return list(_cell_scores(tables, part, low, high)), rows


def _cell_scores(tables: Tables, part: Part, low: Floats, high: Floats) -> Iterator[CellScore]:
    """One row per cell and language that the cell was asked in, from their limits (C, L)."""
    level = tables.params.level
    score, exact = part.score.estimates, part.exact.estimates
    every, failed = counts(tables.grid, category=part.category, turn=part.turn)
    for c, cell in enumerate(tables.cells):
        for k, language in enumerate(tables.params.languages):
            if not every[c, k]:
                continue
            mean = Interval(mean=score.point[c, k], low=low[c, k], high=high[c, k])
            mean = widened(mean, part.questions, level, *SCALES["score"])
            row = CellScore(
                cell=cell.cell,
                language=language,
                category=part.category,
                turn=part.turn,
                mean=rounded(mean.mean),
                low=rounded(mean.low),
                high=rounded(mean.high),
                verdicts=int(every[c, k]),
                failed=int(failed[c, k]),
                exact_share=rounded(exact.point[c, k]),
            )
            if part is tables.whole:
                row = _with_turns(row, tables.turns.get((cell.cell, language), TurnCounts()))
            yield row


def _with_turns(row: CellScore, turns: TurnCounts) -> CellScore:
    """The row with what is the matter with its answers."""
    return msgspec.structs.replace(
        row,
        answer_turns=turns.turns,
        cut=turns.cut,
        cut_share=rounded(turns.cut / turns.turns) if turns.turns else None,
        stopped=turns.stopped or UNSET,
        other_language=turns.other_language,
        repeated=turns.repeated,
        empty=turns.empty,
        unknown_language=turns.unknown_language,
    )


def _arm_score(params: AggregateParams, arm: Arm, language: str, group: Sequence[str], part: Part) -> ArmScore:
    """One row of an arm on a language, or on a group of languages."""
    on = [params.languages.index(name) for name in group]
    scores, shares = (averages.replicates(arm, on) for averages in (part.score, part.exact))
    mean, share = (
        widened(found.interval(params.level, part.freedom), part.questions, params.level, *scale).clipped(*scale)
        for found, scale in ((scores, SCALES["score"]), (shares, SCALES["exact"]))
    )
    return ArmScore(
        arm=arm.key.arm,
        model=arm.key.model,
        dataset=arm.key.dataset,
        language=language,
        languages=tuple(group),
        seeds=arm.seeds,
        seed_ids=scores.labels,
        mean=rounded(mean.mean),
        low=rounded(mean.low),
        high=rounded(mean.high),
        per_seed=_all_rounded(scores.points),
        scope=scope(arm.seeds, params.min_seeds),
        exact_share=rounded(share.mean),
        exact_low=rounded(share.low),
        exact_high=rounded(share.high),
        exact_per_seed=_all_rounded(shares.points),
    )


def _with_bounds(row: ArmScore, tables: Tables, arm: Arm) -> ArmScore:
    """The row with what its failed verdicts could hide, where there are any."""
    found = tables.unscored.bounds(arm, [tables.params.languages.index(name) for name in row.languages])
    share, lowest, highest = (rounded(value) for value in found)
    if not share or lowest is None or highest is None:
        return row
    return msgspec.structs.replace(row, failed_share=share, lowest=lowest, highest=highest)


def contrast_results(tables: Tables) -> list[ContrastResult]:
    """Return the rows of contrasts.json, in the study's order.

    Another test of a contrast is a function over `Paired`, a field of ContrastResult and a line here.
    """
    params, whole = tables.params, tables.whole
    arms = {arm.key: arm for arm in tables.arms}
    rows: list[ContrastResult] = []
    for at, contrast in enumerate(params.contrasts):
        if at % (AT_ONCE // 2) == 0:
            _expect(tables, params.contrasts[at : at + AT_ONCE // 2])
        score = pair_up(contrast, arms, whole.score, params.languages)
        exact = pair_up(contrast, arms, whole.exact, params.languages)
        points = tested(score, "score", whole.questions, whole.freedom, params.level)
        share = tested(exact, "exact", whole.questions, whole.freedom, params.level)
        on = [params.languages.index(language) for language in contrast.on]
        failed = (tables.unscored.share(arms[key], on) for key in (*contrast.treatment, *contrast.control))
        rows.append(
            ContrastResult(
                **msgspec.structs.asdict(contrast),
                selected=score.selected,
                seeds=score.seeds,
                seed_ids=score.labels,
                difference=points.value,
                low=points.low,
                high=points.high,
                per_seed=_all_rounded(score.points),
                scope=scope(score.seeds, params.min_seeds),
                exact_selected=exact.selected,
                exact_difference=share.value,
                exact_low=share.low,
                exact_high=share.high,
                exact_per_seed=_all_rounded(exact.points),
                p=points.p,
                p_holm=None,
                shown=None,
                detectable=points.detectable,
                exact_p=share.p,
                exact_p_holm=None,
                exact_shown=None,
                exact_detectable=share.detectable,
                family_size=1,
                failed_share=max(rounded(one) or 0.0 for one in failed),
                seed_freedom=score.seed_freedom,
                same_arm_pairs=tuple(_same_arm_pairs(tables, contrast, arms)),
            )
        )
    return adjusted(rows, 1 - params.level, params.most_failed)


def _expect(tables: Tables, contrasts: Sequence[Contrast]) -> None:
    """Draw at once for the arms of contrasts that come next, and for those whose seeds they are held against."""
    params, arms = tables.params, {arm.key: arm for arm in tables.arms}
    wanted: list[tuple[Arm, Sequence[int]]] = []
    for contrast in contrasts:
        on = [params.languages.index(language) for language in contrast.on if language in params.languages]
        sides = [arms[key] for key in (*contrast.treatment, *contrast.control) if key in arms]
        peers = {arm.peers for arm in sides}
        wanted += [(arm, on) for arm in sides]
        if len(peers) == 1:
            wanted += [(arm, on) for arm in tables.arms if arm.peers is not None and arm.peers in peers]
    tables.whole.score.expect(wanted)
    tables.whole.exact.expect(wanted)


def _same_arm_pairs(tables: Tables, contrast: Contrast, arms: Mapping[ArmKey, Arm]) -> Iterator[SameArmPair]:
    """The A/A pairs of a contrast's arms in both metrics."""
    score, exact = (
        same_arm_pairs(contrast, arms, averages, tables.params.languages)
        for averages in (tables.whole.score, tables.whole.exact)
    )
    for one, two in zip(score, exact, strict=True):
        yield SameArmPair(
            arm=one.arm,
            pair=one.pair,
            difference=rounded(one.difference),
            exact_difference=rounded(two.difference),
        )


def _all_rounded(points: Floats) -> tuple[float | None, ...]:
    return tuple(rounded(point) for point in points.tolist())
