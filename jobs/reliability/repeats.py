"""What the same judge says of the same answers again, and of answers to the same question in other languages."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import nan

import numpy as np

from jobs.lib.stats.agreement import SCORES, Ratings
from jobs.lib.stats.clusters import Clusters
from jobs.lib.stats.grid import Floats
from jobs.lib.stats.retest import flips, scatter
from jobs.reliability.figures import ALL, agreed, measured
from jobs.reliability.reading import Graded
from polyglot.kinds.judge import Verdict
from polyglot.kinds.reliability import LanguageAgreement, RetestReliability

Item = tuple[str, str, int, int]  # language, question, sample, turn


def retests(
    verdicts: Sequence[Verdict],
    languages: Sequence[str],
    category: Mapping[str, str],
    level: float,
    resamples: int,
) -> Iterator[RetestReliability]:
    """One for all languages together, and one a language."""
    table: dict[Item, dict[int, float]] = {}
    for one in verdicts:
        score = nan if one.score is None else one.score
        table.setdefault((one.language, one.id, one.sample, one.turn), {})[one.repeat or 0] = score
    times = 1 + max((repeat for scores in table.values() for repeat in scores), default=0)
    for language in (ALL, *languages) if len(languages) > 1 else languages:
        items = [item for item in table if language in (ALL, item[0])]
        if not items:
            continue
        scores = np.array([[table[item].get(repeat, nan) for item in items] for repeat in range(times)])
        clusters = Clusters.by([item[1] for item in items], category)
        yield RetestReliability(
            language=language,
            items=len(items),
            times=times,
            flips=measured(flips(clusters, scores, level)),
            deviation=measured(scatter(clusters, scores, level, resamples), of=len(items)),
        )


def across_languages(
    rows: Sequence[Graded], languages: Sequence[str], category: Mapping[str, str], level: float, resamples: int
) -> Iterator[LanguageAgreement]:
    """Every two languages. Answers differ, too: it is an upper limit of what the language of a verdict changes."""
    by_language: dict[str, dict[tuple[str, str, int, int], float]] = {language: {} for language in languages}
    for row in rows:
        one = row.verdict
        if one.score is not None:
            by_language[one.language][row.cell, one.id, one.sample, one.turn] = float(round(one.score))
    for first, second in combinations(languages, 2):
        shared = [item for item in by_language[first] if item in by_language[second]]
        if not shared:
            continue
        table: Floats = np.array([[by_language[language][item] for item in shared] for language in (first, second)])
        ratings = Ratings(clusters=Clusters.by([item[1] for item in shared], category), table=table, values=SCORES)
        found = agreed(ratings, "kappa quadratic", level, resamples)
        yield LanguageAgreement(first=first, second=second, **found._asdict())
