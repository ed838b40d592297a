"""The tables of a study: rows of cells, of arms and of contrasts, rounded and ready to be written.

A row is a plain mapping; docs/design/formats.md names its fields. None stands for what could not be averaged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

from jobs.aggregate.arms import GROUPS, Arm, arm_name, find_arms, replicates
from jobs.aggregate.contrasts import compare, same_arm_pairs
from jobs.lib.stats.grid import SCALES, Floats, Grid
from jobs.lib.stats.interval import Interval, limits, widened
from jobs.lib.stats.resampling import Estimates, counts, draw_weights, estimate
from polyglot.kinds.aggregate import AggregateParams, Cell

DIGITS = 4
ALL = "all"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Everything that the tables are made of."""

    params: AggregateParams
    cells: tuple[Cell, ...]
    grid: Grid
    weights: Floats
    cut: Mapping[tuple[str, str], tuple[int, int]]  # (cell, language) -> turns cut at the length limit, turns
    score: Estimates
    exact: Estimates


def prepare(
    params: AggregateParams, cells: tuple[Cell, ...], grid: Grid, cut: Mapping[tuple[str, str], tuple[int, int]]
) -> Tables:
    """Draw the weights and work out what every table needs."""
    weights = draw_weights(grid.questions.categories, params.resamples)
    return Tables(
        params=params,
        cells=cells,
        grid=grid,
        weights=weights,
        cut=cut,
        score=estimate(grid, weights, "score"),
        exact=estimate(grid, weights, "exact"),
    )


def score_tables(tables: Tables) -> Row:
    """Return the document of scores.json."""
    params, questions = tables.params, tables.grid.questions
    arms = find_arms(tables.cells)
    slices: list[tuple[str | None, int | None]] = [(None, None), *((None, turn) for turn in _turns(tables))]
    slices += [(category, None) for category in questions.names]
    cells: list[Row] = []
    breakdown: list[Row] = []
    for category, turn in slices:
        score = estimate(tables.grid, tables.weights, "score", category=category, turn=turn)
        exact = estimate(tables.grid, tables.weights, "exact", category=category, turn=turn)
        cells += _cell_rows(tables, score, exact, category, turn)
        if category is not None or turn is not None:
            number = len(questions.of(category)) if category else len(questions.ids)
            for arm in arms:
                row = _arm_row(tables, arm, ALL, score, exact, number)
                breakdown += [row | {"category": category, "turn": turn}] if row else []
    rows = [
        row
        for arm in arms
        for language in (*params.languages, *GROUPS)
        if (row := _arm_row(tables, arm, language, tables.score, tables.exact, len(questions.ids)))
    ]
    order = {cell.cell: index for index, cell in enumerate(tables.cells)}
    place = {language: index for index, language in enumerate(params.languages)}
    cells.sort(key=lambda row: (order[row["cell"]], place[row["language"]]))  # stable: slices keep their order
    method = {
        "languages": list(params.languages),
        "categories": {name: len(questions.of(name)) for name in questions.names},
        "questions": len(questions.ids),
        "resamples": params.resamples,
        "level": params.level,
        "min_seeds": params.min_seeds,
        "digits": DIGITS,
    }
    roster = [cell.model_dump(mode="json") | {"arm": arm_name(cell)} for cell in tables.cells]
    return {"method": method, "roster": roster, "cells": cells, "arms": rows, "breakdown": breakdown}


def _turns(tables: Tables) -> range:
    return range(1, max(tables.grid.questions.turns) + 1)


def _cell_rows(
    tables: Tables, score: Estimates, exact: Estimates, category: str | None, turn: int | None
) -> Iterable[Row]:
    """One row per cell and language that the cell was asked in."""
    level = tables.params.level
    questions = len(tables.grid.questions.of(category)) if category else len(tables.grid.questions.ids)
    low, high = limits(score.draws, level)
    every, failed = counts(tables.grid, category=category, turn=turn)
    for c, cell in enumerate(tables.cells):
        for k, language in enumerate(tables.params.languages):
            if not every[c, k]:
                continue
            row: Row = {"cell": cell.cell, "language": language, "category": category, "turn": turn}
            mean = Interval(mean=score.point[c, k], low=low[c, k], high=high[c, k])
            row |= _limits(widened(mean, questions, level, *SCALES["score"]), "mean", "low", "high")
            row |= {"verdicts": int(every[c, k]), "failed": int(failed[c, k])}
            row |= {"exact_share": _round(exact.point[c, k])}
            if category is None and turn is None:
                cut, turns = tables.cut.get((cell.cell, language), (0, 0))
                row |= {"answer_turns": turns, "cut": cut, "cut_share": _round(cut / turns) if turns else None}
            yield row


def _arm_row(tables: Tables, arm: Arm, language: str, score: Estimates, exact: Estimates, questions: int) -> Row | None:
    """One row of an arm on a language or a group of languages; None where there are no such languages."""
    languages = tables.params.languages
    group = arm.group(language, languages) if language in GROUPS else (language,)
    if not group:
        return None
    on = [languages.index(name) for name in group]
    level = tables.params.level
    scores = replicates(arm, score, on)
    shares = replicates(arm, exact, on)
    mean = widened(scores.interval(level), questions, level, *SCALES["score"]).clipped(*SCALES["score"])
    share = widened(shares.interval(level), questions, level, *SCALES["exact"]).clipped(*SCALES["exact"])
    return {
        "arm": arm.name,
        "model": arm.model,
        "dataset": arm.dataset,
        "language": language,
        "languages": list(group),
        "seeds": arm.seeds,
        "seed_ids": list(scores.labels),
        **_limits(mean, "mean", "low", "high"),
        "per_seed": [_round(point) for point in scores.points.tolist()],
        "claim": arm.claim(tables.params.min_seeds),
        **_limits(share, "exact_share", "exact_low", "exact_high"),
        "exact_per_seed": [_round(point) for point in shares.points.tolist()],
    }


def contrast_rows(tables: Tables) -> list[Row]:
    """Return the rows of contrasts.json, in the study's order."""
    params = tables.params
    arms = {arm.key: arm for arm in find_arms(tables.cells)}
    rows = []
    for contrast in params.contrasts:
        questions = len(tables.grid.questions.ids)
        score = compare(contrast, arms, tables.score, params, questions, SCALES["score"])
        exact = compare(contrast, arms, tables.exact, params, questions, SCALES["exact"])
        pairs = same_arm_pairs(contrast, arms, tables.score, params.languages)
        shares = same_arm_pairs(contrast, arms, tables.exact, params.languages)
        rows.append(
            contrast.model_dump(mode="json")
            | {"selected": score.selected, "seeds": score.seeds, "seed_ids": list(score.labels)}
            | _limits(score.interval, "difference", "low", "high")
            | {"per_seed": [_round(point) for point in score.per_seed]}
            | {"claim": "mix" if score.seeds >= params.min_seeds else "this model"}
            | {"exact_selected": exact.selected}
            | _limits(exact.interval, "exact_difference", "exact_low", "exact_high")
            | {"exact_per_seed": [_round(point) for point in exact.per_seed]}
            | {
                "aa": [
                    {
                        "arm": one.arm,
                        "pair": list(one.pair),
                        "difference": _round(one.difference),
                        "exact_difference": _round(two.difference),
                    }
                    for one, two in zip(pairs, shares, strict=True)
                ]
            }
        )
    return rows


def _limits(interval: Interval, mean: str, low: str, high: str) -> Row:
    return {mean: _round(interval.mean), low: _round(interval.low), high: _round(interval.high)}


def _round(value: float) -> float | None:
    """Round for the tables; None for what could not be averaged. Adding zero turns -0.0 into 0.0."""
    return None if isnan(value) else round(float(value), DIGITS) + 0.0
