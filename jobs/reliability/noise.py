"""How much of a mean score's variance is the judge's, beside that of questions, seeds and answers."""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

import numpy as np

from jobs.lib.stats.components import Parts, Spread, parts, spread
from jobs.lib.stats.grid import Floats, natural
from jobs.reliability.figures import ALL, number
from jobs.reliability.reading import Graded
from polyglot.kinds.cells import ArmKey, Cell
from polyglot.kinds.measured import Measured
from polyglot.kinds.reliability import ErrorIf, JudgeNoise, NoiseParts, RetestReliability

REPEATS = 3  # verdicts on each answer, of what more of them would do
Arms = Mapping[ArmKey, Floats]  # (seeds, languages, questions), NaN where nothing was scored


def judge_noise(
    rows: Sequence[Graded],
    cells: Sequence[Cell],
    languages: Sequence[str],
    category: Mapping[str, str],
    retests: Sequence[RetestReliability],
) -> Iterator[JudgeNoise]:
    """Of means and of differences: for all languages together, and for each; `retests` by language."""
    identities = sorted({row.verdict.id for row in rows}, key=natural)
    arms, verdicts = _table(rows, cells, languages, identities)
    repeated = {one.language: one.deviation for one in retests}
    categories = [category[identity] for identity in identities]
    for language in (ALL, *languages) if len(languages) > 1 else languages:
        at = [place for place, one in enumerate(languages) if language in (ALL, one)]
        found = spread([scores[:, at].mean(axis=1) for scores in arms.values()], categories)
        if found is None:
            continue
        each = sum(verdicts[languages[place]] for place in at)
        for paired in (False, True):
            told = _told(language, found, each, repeated.get(language), paired=paired)
            if told is not None:
                yield told


def _table(
    rows: Sequence[Graded], cells: Sequence[Cell], languages: Sequence[str], identities: Sequence[str]
) -> tuple[Arms, Mapping[str, float]]:
    """Mean scores of arms, those with several seeds if there are any; verdicts on a seed's answers to a question."""
    of = {cell.cell: (cell.arm_key, cell.seed or 0) for cell in cells}
    seeds: dict[ArmKey, list[int]] = {}
    for key, seed in (of[name] for name in dict.fromkeys(row.of for row in rows)):
        own = seeds.setdefault(key, [])
        own += [seed] if seed not in own else []
    several = {key: own for key, own in seeds.items() if len(own) > 1} or seeds
    place = {identity: number for number, identity in enumerate(identities)}
    number_of = {language: number for number, language in enumerate(languages)}
    sums = {key: np.zeros((2, len(own), len(languages), len(place))) for key, own in several.items()}
    for row in rows:
        key, seed = of[row.of]
        if row.verdict.score is not None and key in several:
            at = (several[key].index(seed), number_of[row.verdict.language], place[row.verdict.id])
            sums[key][(0, *at)] += row.verdict.score
            sums[key][(1, *at)] += 1
    counts = np.concatenate([found[1] for found in sums.values()]) if sums else np.zeros((0, len(languages), 0))
    each = {
        language: float(of_one[of_one > 0].mean()) if (of_one := counts[:, at]).any() else 0.0
        for at, language in enumerate(languages)
    }
    with np.errstate(invalid="ignore"):
        return {key: found[0] / found[1] for key, found in sums.items()}, each


def _told(
    language: str, found: Spread, verdicts: float, repeated: Measured | None, *, paired: bool
) -> JudgeNoise | None:
    """What the parts come to; of a difference they are those of both arms."""
    deviation = None if repeated is None else repeated.value
    own = parts(found, verdicts=verdicts, deviation=deviation, paired=paired)
    if own is None or not own.whole:
        return None
    return JudgeNoise(
        language=language,
        of="difference" if paired else "mean",
        arms=found.arms,
        seeds=round(found.seeds, 2),
        questions=round(found.questions, 2),
        verdicts=round(verdicts, 2),
        parts=_parts(own, 2 if paired else 1),
        share=_share(found, verdicts, repeated, own, paired=paired),
        at_most=number((own.answer or 0.0) / own.whole) if own.judge is None and own.answer is not None else None,
        error=_errors(own, sqrt(2) if paired else 1.0),
    )


def _parts(own: Parts, arms: int) -> NoiseParts:
    """In the document's digits; variances of means are small numbers."""
    found = (own.question, own.seed, own.answer, own.judge)
    question, seed, answer, judge = (None if value is None else round(arms * value, 6) for value in found)
    return NoiseParts(questions=question or 0.0, seeds=seed, answers=answer, judge=judge)


def _share(found: Spread, verdicts: float, repeated: Measured | None, own: Parts, *, paired: bool) -> Measured:
    """The judge's share of the whole, with the retest's limits."""
    if repeated is None or own.judge is None:
        return Measured(value=None, low=None, high=None, of=0)
    ends = []
    for deviation in (repeated.low, repeated.high):
        at = parts(found, verdicts=verdicts, deviation=deviation, paired=paired)
        ends.append(None if at is None or at.judge is None or not at.whole else number(at.judge / at.whole))
    return Measured(value=number(own.judge / own.whole), low=ends[0], high=ends[1], of=repeated.of)


def _errors(own: Parts, factor: float) -> ErrorIf:
    seeds = None if own.seed is None else round(factor * own.error(seeds=2), 4)
    verdicts = None if own.judge is None else round(factor * own.error(repeats=REPEATS), 4)
    return ErrorIf(
        now=round(factor * own.error(), 4),
        three_verdicts=verdicts,
        twice_questions=round(factor * own.error(questions=2), 4),
        twice_seeds=seeds,
    )
