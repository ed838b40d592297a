"""Judges whose verdicts on pairs were read from files: each by itself, with what there is to be known of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from jobs.reliability.figures import by_language
from jobs.reliability.pairs import Compared, pair_reliability, pair_results
from polyglot.kinds.imported import FROM_FILES
from polyglot.kinds.reliability import JudgeReliability, PairResult, RuleDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What one such judge said, and the replies among it that the benchmark's own rule reads otherwise."""

    judge: str
    rows: Sequence[Compared]
    differing: Sequence[RuleDifference]


def imported_judge(
    found: Imported, languages: Sequence[str], category: Mapping[str, str], level: float
) -> JudgeReliability:
    """The card of such a judge; of one that tells no orders there is nothing to be said."""
    ordered = any(row.in_orders for row in found.rows)
    differing = by_language(found.differing)
    return JudgeReliability(
        model=found.judge,
        endpoint=FROM_FILES,
        served_by=(),
        singles=(),
        pairs=tuple(pair_reliability(found.rows, languages, category, differing, level)) if ordered else (),
        retests=(),
        across_languages=(),
    )


def imported_results(
    found: Imported, languages: Sequence[str], category: Mapping[str, str], level: float
) -> Iterator[PairResult]:
    """Who wins by such a judge."""
    for row in pair_results(found.rows, languages, category, level):
        yield msgspec.structs.replace(row, judge=found.judge)
