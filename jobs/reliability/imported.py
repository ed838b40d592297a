"""Judges whose verdicts on pairs were read from files: each by itself, with what there is to be known of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from jobs.reliability.figures import ALL
from jobs.reliability.pairs import Compared, differences, pair_reliability, pair_results
from polyglot.kinds.imported import FROM_FILES
from polyglot.kinds.reliability import JudgeReliability, PairResult


def imported_judge(
    name: str, rows: Sequence[Compared], languages: Sequence[str], category: Mapping[str, str], level: float
) -> JudgeReliability:
    """The card of such a judge; of one that tells no orders there is nothing to be said."""
    otherwise = list(differences(rows))
    differing = Counter({ALL: len(otherwise)}) + Counter(one.language for one in otherwise)
    ordered = any(row.in_orders for row in rows)
    return JudgeReliability(
        model=name,
        endpoint=FROM_FILES,
        served_by=(),
        singles=(),
        pairs=tuple(pair_reliability(rows, languages, category, differing, level)) if ordered else (),
        retests=(),
        across_languages=(),
    )


def imported_results(
    name: str, rows: Sequence[Compared], languages: Sequence[str], category: Mapping[str, str], level: float
) -> Iterator[PairResult]:
    """Who wins by such a judge."""
    for row in pair_results(rows, languages, category, level):
        yield msgspec.structs.replace(row, judge=name)
