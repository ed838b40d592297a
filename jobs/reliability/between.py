"""How far the judges of a panel agree on the same answers, and the same pairs of them."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from jobs.lib.stats.agreement import SCORES, THREE, Coefficient, Ratings
from jobs.lib.stats.clusters import Clusters
from jobs.reliability.figures import ALL, agreed
from jobs.reliability.pairs import Compared
from jobs.reliability.reading import Graded
from polyglot.kinds.compare import AS_SHOWN
from polyglot.kinds.reliability import JudgeAgreement

Said = dict[tuple[str, str, Hashable], float]  # by language, question and the rest of what tells one item
_OUTCOMES = {outcome: THREE[slot] for slot, outcome in AS_SHOWN.items()}  # in which ties of all kinds are one


def between_judges(
    graded: Mapping[str, Sequence[Graded]],
    compared: Mapping[str, Sequence[Compared]],
    languages: Sequence[str],
    category: Mapping[str, str],
    level: float,
    resamples: int,
) -> Iterator[JudgeAgreement]:
    """Every two judges, and all of them where there are more; by judge, what each gave."""
    scores = {judge: _scores(rows) for judge, rows in graded.items()}
    outcomes = {judge: _outcomes(rows) for judge, rows in compared.items()}
    kinds: tuple[tuple[Literal["scores", "pairs"], dict[str, Said], tuple[float, ...], Coefficient], ...] = (
        ("scores", scores, SCORES, "kappa quadratic"),
        ("pairs", outcomes, tuple(sorted(set(_OUTCOMES.values()))), "kappa"),
    )
    for what, said, values, kappa in kinds:
        for judges in _groups([judge for judge, found in said.items() if found]):
            for language in (ALL, *languages) if len(languages) > 1 else languages:
                items = [
                    item
                    for item in said[judges[0]]
                    if language in (ALL, item[0]) and all(item in said[judge] for judge in judges[1:])
                ]
                if not items:
                    continue
                table = np.array([[said[judge][item] for item in items] for judge in judges])
                clusters = Clusters.by([item[1] for item in items], category)
                ratings = Ratings(clusters=clusters, table=table, values=values)
                found = agreed(ratings, kappa, level, resamples)
                yield JudgeAgreement(what=what, judges=judges, language=language, **found._asdict())


def _groups(judges: Sequence[str]) -> Iterator[tuple[str, ...]]:
    yield from combinations(judges, 2)
    if len(judges) > 2:
        yield tuple(judges)


def _scores(rows: Sequence[Graded]) -> Said:
    """Whole points: scales have few others."""
    found: Said = {}
    for row in rows:
        one = row.verdict
        if one.score is not None:
            found[one.language, one.id, (row.cell, one.sample, one.turn)] = float(round(one.score))
    return found


def _outcomes(rows: Sequence[Compared]) -> Said:
    """Ties of all kinds are one."""
    found: Said = {}
    for row in rows:
        one = row.verdict
        if one.outcome is not None:
            found[one.language, one.id, (row.cells, one.sample, one.turn)] = _OUTCOMES[one.outcome]
    return found
