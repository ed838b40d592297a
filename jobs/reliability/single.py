"""Single grading: how much was parsed, and what scores go with beside quality."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import nan

import numpy as np

from jobs.lib.judging.published import published_score
from jobs.lib.judging.structured import is_structured
from jobs.lib.stats.clusters import Clusters
from jobs.lib.stats.interval import Interval
from jobs.lib.stats.length import score_per_doubling
from jobs.reliability.figures import ALL, mean, measured, where_defined
from jobs.reliability.reading import Graded
from polyglot.kinds.reliability import RuleDifference, SingleReliability


def single_reliability(
    rows: Sequence[Graded],
    languages: Sequence[str],
    category: Mapping[str, str],
    wrong: Collection[str],
    differing: Mapping[str, int],
    level: float,
) -> Iterator[SingleReliability]:
    """One for all languages together, and one a language; `differing` are replies that are read otherwise."""
    by_language = {language: [row for row in rows if row.verdict.language == language] for language in languages}
    groups = {ALL: rows, **by_language} if len(languages) > 1 else by_language
    for language, own in groups.items():
        if own:
            yield _of_language(language, own, category, wrong, differing.get(language, 0), level)


def _of_language(
    language: str,
    rows: Sequence[Graded],
    category: Mapping[str, str],
    wrong: Collection[str],
    differing: int,
    level: float,
) -> SingleReliability:
    verdicts = [row.verdict for row in rows]
    scored = [(row, row.verdict.score) for row in rows if row.verdict.score is not None]
    stray = [score for row, score in scored if row.other_language]
    on_wrong = [score for row, score in scored if row.verdict.id in wrong]
    return SingleReliability(
        language=language,
        planned=len(verdicts),
        parsed=len(scored),
        reasons=dict(sorted(Counter(one.reason for one in verdicts if one.reason is not None).items())),
        conflicting=sum(one.conflicting for one in verdicts),
        published_differs=differing,
        per_doubling=measured(where_defined(lambda: _per_doubling(rows, category, level)), of=len(scored)),
        other_language=len(stray),
        other_language_mean=mean(stray),
        own_language_mean=mean([score for row, score in scored if not row.other_language]),
        wrong_references=len(on_wrong),
        wrong_references_mean=mean(on_wrong),
        mean=mean([score for _, score in scored]),
        mean_without_wrong=mean([score for row, score in scored if row.verdict.id not in wrong]),
    )


def _per_doubling(rows: Sequence[Graded], category: Mapping[str, str], level: float) -> Interval:
    """Among answers to the same question, turn and language that are not empty."""
    said = [row for row in rows if row.text]
    if not said:
        raise ValueError("no answers")
    return score_per_doubling(
        Clusters.by([row.verdict.id for row in said], category),
        np.array([len(row.text or "") for row in said]),
        np.array([nan if row.verdict.score is None else row.verdict.score for row in said]),
        [f"{row.verdict.language} {row.verdict.id} {row.verdict.turn}" for row in said],
        level,
    )


def differences(rows: Sequence[Graded]) -> Iterator[RuleDifference]:
    """The replies that the benchmark's own rule reads otherwise; it is not about JSON, nor about no reply."""
    for row in rows:
        verdict = row.verdict
        published = published_score(verdict.text)
        if verdict.text and published != verdict.score and not is_structured(verdict.text):
            yield RuleDifference(
                of=row.of,
                language=verdict.language,
                id=verdict.id,
                sample=verdict.sample,
                turn=verdict.turn,
                ours=None if verdict.score is None else f"{verdict.score:g}",
                published=None if published is None else f"{published:g}",
                text=verdict.text,
            )
