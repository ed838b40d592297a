"""Agreement of raters (Krippendorff's alpha) and of automatic metrics with them (Kendall's tau-b, Spearman's rho).

A unit is one turn of one translation. Alpha is over units that two raters or more have rated: of penalties and scores
on an interval scale, of each category as "a fault or none". A metric is correlated with the mean over raters of minus
the penalty, so that a positive figure says that the metric sees what people see.
"""

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from statistics import fmean
from typing import Any, Literal

import krippendorff
import numpy as np
from scipy import stats

from polyglot.kinds.quality import QUALITY_METRICS

FEWEST = 4  # turns below which no correlation is told
Level = Literal["nominal", "interval"]
Rating = Mapping[str, Any]
Unit = tuple[str, str, int]  # check, id, turn


def agreement(
    ratings: Sequence[Rating], records: Mapping[Unit, Mapping[str, Any]], categories: Sequence[str]
) -> dict[str, Any]:
    """Return agreement.json: alphas, correlations, faults by category and severity, mean penalties by check."""
    by_unit: dict[Unit, list[Rating]] = {}
    for rating in ratings:
        by_unit.setdefault((rating["check"], rating["id"], rating["turn"]), []).append(rating)
    penalties = {unit: fmean(r["penalty"] for r in rows) for unit, rows in by_unit.items()}
    faults = [(name, severity) for r in ratings for name, given in r["faults"].items() for severity in given]
    checks = list(dict.fromkeys(unit[0] for unit in by_unit))
    return {
        "raters": len({r["rater"] for r in ratings}),
        "ratings": len(ratings),
        "turns": len(by_unit),
        "alpha": {
            "penalty": alpha(by_unit, lambda r: float(r["penalty"]), "interval"),
            "score 0 to 100": alpha(by_unit, lambda r: None if r["score"] is None else float(r["score"]), "interval"),
            **{name: alpha(by_unit, lambda r, n=name: float(n in r["faults"]), "nominal") for name in categories},
        },
        "correlations": [
            row for metric in QUALITY_METRICS if (row := _correlation(metric, penalties, records)) is not None
        ],
        "categories": dict(sorted(Counter(name for name, _ in faults).items())),
        "severities": dict(sorted(Counter(severity for _, severity in faults).items())),
        "checks": [
            {"check": check, "turns": len(mine), "mqm_mean": round(fmean(mine), 4)}
            for check in checks
            if (mine := [value for unit, value in penalties.items() if unit[0] == check])
        ],
    }


def alpha(by_unit: Mapping[Unit, Iterable[Rating]], value: Any, level: Level) -> dict[str, Any]:
    """{"alpha", "units"}: alpha is None without two ratings of a unit, or where all ratings are the same."""
    raters = sorted({r["rater"] for rows in by_unit.values() for r in rows})
    place = {rater: number for number, rater in enumerate(raters)}
    matrix = np.full((len(raters), len(by_unit)), np.nan)
    for column, rows in enumerate(by_unit.values()):
        for rating in rows:
            found = value(rating)
            matrix[place[rating["rater"]], column] = np.nan if found is None else found
    shared = matrix[:, (~np.isnan(matrix)).sum(axis=0) > 1]
    known = shared[~np.isnan(shared)]
    if not known.size or len(np.unique(known)) < 2:
        return {"alpha": None, "units": int(shared.shape[1])}
    result = float(krippendorff.alpha(reliability_data=shared, level_of_measurement=level))
    return {"alpha": round(result, 4), "units": int(shared.shape[1])}


def _correlation(
    metric: str, penalties: Mapping[Unit, float], records: Mapping[Unit, Mapping[str, Any]]
) -> dict[str, Any] | None:
    known = [
        (float(record[metric]), -penalty)
        for unit, penalty in penalties.items()
        if (record := records.get(unit)) is not None and record[metric] is not None
    ]
    if len(known) < FEWEST:
        return None
    ours, theirs = zip(*known, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of figures that are all the same; they come out as NaN
        kendall, spearman = stats.kendalltau(ours, theirs).statistic, stats.spearmanr(ours, theirs).statistic
    named = {"kendall": float(kendall), "spearman": float(spearman)}
    return {"metric": metric, "turns": len(known)} | {
        name: None if isnan(value) else round(value, 4) for name, value in named.items()
    }
