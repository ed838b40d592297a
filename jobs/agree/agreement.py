"""Agreement of raters (Krippendorff's alpha) and of automatic metrics with them (Kendall's tau-b, Spearman's rho).

A unit is one turn of one translation. Alpha is over units that two raters or more have rated: of penalties and scores
on an interval scale, of each category as "a fault or none". A metric is correlated with the mean over raters of minus
the penalty, so that a positive figure says that the metric sees what people see.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import isnan
from statistics import fmean
from typing import Literal

import krippendorff
import numpy as np
from scipy import stats

from polyglot.kinds.agree import Agreement, Alpha, Correlation, RatedCheck, Rating
from polyglot.kinds.quality import QUALITY_METRICS, TurnQuality

FEWEST = 4  # turns below which no correlation is told
Level = Literal["nominal", "interval"]
Unit = tuple[str, str, int]  # check, id, turn


def agreement(ratings: Sequence[Rating], records: Mapping[Unit, TurnQuality], categories: Sequence[str]) -> Agreement:
    """Return agreement.json: alphas, correlations, faults by category and severity, mean penalties by check."""
    by_unit: dict[Unit, list[Rating]] = {}
    for rating in ratings:
        by_unit.setdefault((rating.check, rating.id, rating.turn), []).append(rating)
    penalties = {unit: fmean(r.penalty for r in rows) for unit, rows in by_unit.items()}
    faults = [(name, severity) for r in ratings for name, given in r.faults.items() for severity in given]
    by_check: dict[str, list[float]] = {}
    for (check, _, _), penalty in penalties.items():
        by_check.setdefault(check, []).append(penalty)
    return Agreement(
        raters=len({r.rater for r in ratings}),
        ratings=len(ratings),
        turns=len(by_unit),
        alpha={
            "penalty": alpha(by_unit, lambda r: r.penalty, "interval"),
            "score 0 to 100": alpha(by_unit, lambda r: r.score, "interval"),
            **{name: alpha(by_unit, partial(_has_fault, name), "nominal") for name in categories},
        },
        correlations=tuple(
            row for metric in QUALITY_METRICS if (row := _correlation(metric, penalties, records)) is not None
        ),
        categories=dict(sorted(Counter(name for name, _ in faults).items())),
        severities=dict(sorted(Counter(severity for _, severity in faults).items())),
        checks=tuple(
            RatedCheck(check=check, turns=len(mine), mqm_mean=round(fmean(mine), 4)) for check, mine in by_check.items()
        ),
    )


def alpha(by_unit: Mapping[Unit, Iterable[Rating]], value: Callable[[Rating], float | None], level: Level) -> Alpha:
    """Alpha is None without two ratings of a unit, or where all ratings are the same."""
    raters = sorted({r.rater for rows in by_unit.values() for r in rows})
    place = {rater: number for number, rater in enumerate(raters)}
    matrix = np.full((len(raters), len(by_unit)), np.nan)
    for column, rows in enumerate(by_unit.values()):
        for rating in rows:
            found = value(rating)
            matrix[place[rating.rater], column] = np.nan if found is None else float(found)
    shared = matrix[:, (~np.isnan(matrix)).sum(axis=0) > 1]
    known = shared[~np.isnan(shared)]
    if not known.size or len(np.unique(known)) < 2:
        return Alpha(alpha=None, units=int(shared.shape[1]))
    result = float(krippendorff.alpha(reliability_data=shared, level_of_measurement=level))
    return Alpha(alpha=round(result, 4), units=int(shared.shape[1]))


def _correlation(
    metric: str, penalties: Mapping[Unit, float], records: Mapping[Unit, TurnQuality]
) -> Correlation | None:
    known = [
        (float(value), -penalty)
        for unit, penalty in penalties.items()
        if unit in records and (value := records[unit].metric(metric)) is not None
    ]
    if len(known) < FEWEST:
        return None
    ours, theirs = zip(*known, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of figures that are all the same; they come out as NaN
        kendall, spearman = stats.kendalltau(ours, theirs).statistic, stats.spearmanr(ours, theirs).statistic
    return Correlation(
        metric=metric, turns=len(known), kendall=_known(float(kendall)), spearman=_known(float(spearman))
    )


def _has_fault(category: str, rating: Rating) -> bool:
    return category in rating.faults


def _known(value: float) -> float | None:
    return None if isnan(value) else round(value, 4)
