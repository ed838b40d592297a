"""How few instructions suffice, for each mix at several sizes: gaps to the largest, and what the margin makes of them.

Reads the tables of a study; questions are resampled once for all, as everywhere. What is decided how:
docs/statistics.md.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from jobs.aggregate.arms import Arm, Averages
from jobs.aggregate.rounding import DIGITS, measured, rounded
from jobs.aggregate.tables import Part, Tables
from jobs.lib.stats.grid import SCALES
from jobs.lib.stats.interval import Interval, between, widened
from jobs.lib.stats.isotonic import isotonic, monotone_band
from jobs.lib.stats.noninferiority import Verdict, decide, resolved_margin
from jobs.lib.stats.pooling import Pooled, pool
from polyglot.kinds.cells import AGAIN, ArmKey, Cell
from polyglot.kinds.thresholds import BandPoint, SizeAnswer, SizeGap, Threshold, Thresholds


def thresholds(tables: Tables) -> Thresholds:
    """Return the document of thresholds.json. A mix without a language of the benchmark is not in it."""
    cells = {cell.arm_key: cell for cell in tables.cells}
    forms: dict[tuple[str, str, str], list[Arm]] = {}
    for arm in tables.arms:
        cell = cells[arm.key]
        asked = arm.group("in-mix", tables.params.languages)
        if cell.dataset is not None and asked and AGAIN not in cell.form:
            forms.setdefault((cell.model, cell.dataset, cell.form), []).append(arm)
    return Thresholds(
        margin=tables.params.findings.size_margin,
        found=tuple(_threshold(tables, arms, cells) for arms in forms.values() if len(arms) > 1),
    )


def _threshold(tables: Tables, arms: Sequence[Arm], cells: Mapping[ArmKey, Cell]) -> Threshold:
    """One mix at several sizes, the largest last."""
    params, whole = tables.params, tables.whole
    named = arms[-1].group("in-mix", params.languages)
    on = [params.languages.index(language) for language in named]
    pooled = pool_arms(whole.score, arms, on)
    gaps = [_gap(pooled, place, whole, params.level) for place in range(len(arms) - 1)]
    margin = params.findings.size_margin
    found = decide(gaps, margin) if margin is not None and pooled.freedom else Verdict(None, None)
    sizes = [cells[arm.key].size for arm in arms]
    return Threshold(
        model=arms[-1].key.model,
        dataset=arms[-1].key.dataset or "",
        mix=cells[arms[-1].key].form,
        on=tuple(named),
        largest=sizes[-1],
        seeds=min(arm.seeds for arm in arms),
        answer=_answer(found, margin, pooled.freedom),
        sufficient=None if found.sufficient is None else sizes[found.sufficient],
        short=None if found.short is None else sizes[found.short],
        resolves=rounded(resolved_margin(gaps)) if pooled.freedom else None,
        seed_sd=rounded(pooled.seed_sd) if pooled.freedom else None,
        freedom=pooled.freedom,
        gaps=tuple(
            SizeGap(arm=arm.key, size=cells[arm.key].size or 0, seeds=arm.seeds, gap=measured(gap, whole.questions))
            for arm, gap in zip(arms, gaps, strict=False)
        ),
        score_band=_band(pooled, sizes, whole, "score", params.level),
        exact_band=_band(pool_arms(whole.exact, arms, on), sizes, whole, "exact", params.level),
    )


def pool_arms(averages: Averages, arms: Sequence[Arm], on: Sequence[int]) -> Pooled:
    """The arms' means over the languages at positions `on`, with one seed variance."""
    return pool([(found.points, found.draws) for found in averages.each(arms, on)])


def _gap(pooled: Pooled, place: int, whole: Part, level: float) -> Interval:
    """By how much the largest size is better, widened as contrasts are where a side stands at an end of the scale.

    Rounded, so that what is decided is what is printed.
    """
    only = np.eye(len(pooled.means))
    scale = SCALES["score"]
    found = pooled.interval(only[-1] - only[place], level, whole.freedom)
    own = [pooled.interval(only[side], level, whole.freedom) for side in (-1, place)]
    gap = between(found, own, whole.questions, level, scale)
    return Interval(mean=round(gap.mean, DIGITS), low=round(gap.low, DIGITS), high=round(gap.high, DIGITS))


def _answer(found: Verdict, margin: float | None, freedom: int) -> SizeAnswer:
    if not freedom:
        return "one-seed"
    if margin is None:
        return "undeclared"
    if found.sufficient is not None:
        return "sufficient"
    return "unresolved" if found.short is None else "short"


def _band(pooled: Pooled, sizes: Sequence[int | None], whole: Part, metric: str, level: float) -> tuple[BandPoint, ...]:
    """The curve that does not fall and is nearest to the means, with limits for all sizes at once (Bonferroni)."""
    if np.isnan(pooled.means).any():
        return ()
    scale = SCALES[metric]
    each = 1 - (1 - level) / len(sizes)
    found = [pooled.interval(one, each, whole.freedom) for one in np.eye(len(sizes))]
    found = [widened(one, whole.questions, each, *scale).clipped(*scale) for one in found]
    band = monotone_band([one.low for one in found], [one.high for one in found])
    nothing = (float("nan"),) * len(sizes)
    low, high = band or (nothing, nothing)
    curve = isotonic(pooled.means.tolist(), pooled.seeds.tolist())
    return tuple(
        BandPoint(size=size, value=rounded(value), low=rounded(least), high=rounded(most))
        for size, value, least, most in zip(sizes, curve, low, high, strict=True)
    )
