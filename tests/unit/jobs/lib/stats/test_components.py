"""Parts of the variance of a mean: found where they are planted, and what more of each would do."""

from math import sqrt

import numpy as np
import pytest

from jobs.lib.stats.components import Parts, parts, spread
from jobs.lib.stats.grid import Floats

CATEGORIES = tuple("abcd" * 20)
QUESTION, SHARED, SEED, ANSWER, JUDGE = 1.2, 0.9, 0.3, 0.8, 0.7  # standard deviations of a turn's mean score
TURNS, SEEDS, ARMS = 2, 3, 12


def study(random: np.random.Generator) -> list[Floats]:
    """Scores (seeds, questions) of arms: questions have a part that all arms share, categories differ by points."""
    category = np.arange(len(CATEGORIES)) % 4 * 1.5
    shared = random.normal(0, SHARED, len(CATEGORIES)) + category
    own = sqrt(QUESTION**2 - SHARED**2)
    found = []
    for _ in range(ARMS):
        question = shared + random.normal(0, own, len(CATEGORIES))
        seed = random.normal(0, SEED, (SEEDS, 1))
        answer = random.normal(0, ANSWER, (SEEDS, len(CATEGORIES)))
        judge = random.normal(0, JUDGE, (TURNS, SEEDS, len(CATEGORIES))).mean(axis=0)
        found.append(question + seed + answer + judge)
    return found


def found(arms: list[Floats], *, deviation: float | None = JUDGE, paired: bool = False) -> Parts:
    over = spread(arms, CATEGORIES)
    assert over is not None
    of = parts(over, verdicts=TURNS, deviation=deviation, paired=paired)
    assert of is not None
    return of


def test_planted_parts_are_found() -> None:
    random = np.random.default_rng(7)
    of = [found(study(random)) for _ in range(60)]
    means = [np.mean([getattr(one, name) for one in of]) for name in ("question", "seed", "answer", "judge")]
    cells = SEEDS * len(CATEGORIES)
    planted = [QUESTION**2 / len(CATEGORIES), SEED**2 / SEEDS, ANSWER**2 / cells, JUDGE**2 / TURNS / cells]
    assert means == pytest.approx(planted, rel=0.06)


def test_what_all_arms_share_is_in_no_difference() -> None:
    random = np.random.default_rng(8)
    of = [found(study(random), paired=True).question for _ in range(60)]
    assert np.mean(of) == pytest.approx((QUESTION**2 - SHARED**2) / len(CATEGORIES), rel=0.06)


def test_without_repeats_the_judge_is_in_the_answers_and_the_whole_is_the_same() -> None:
    arms = study(np.random.default_rng(9))
    known, unknown = found(arms), found(arms, deviation=None)
    assert unknown.judge is None
    assert known.answer is not None
    assert known.judge is not None
    assert unknown.answer == pytest.approx(known.answer + known.judge)
    assert unknown.whole == pytest.approx(known.whole)


def test_one_seed_parts_judge_from_questions_alone() -> None:
    arms = [scores[:1] for scores in study(np.random.default_rng(10))]
    of = found(arms)
    assert (of.seed, of.answer) == (None, None)
    assert of.judge == pytest.approx(JUDGE**2 / TURNS / len(CATEGORIES))


def test_questions_without_a_score_count_nowhere() -> None:
    arms = study(np.random.default_rng(11))
    fewer = [scores[:, :40] for scores in arms]
    for scores in arms:
        scores[0, 40:] = np.nan
    over, expected = spread(arms, CATEGORIES), spread(fewer, CATEGORIES[:40])
    assert over == expected
    assert spread([np.full((3, 4), np.nan)], tuple("abcd")) is None


def test_errors_if_there_were_more() -> None:
    of = Parts(question=0.04, seed=0.02, answer=0.008, judge=0.016)
    assert of.error() ** 2 == pytest.approx(0.084)
    assert of.error(questions=2) ** 2 == pytest.approx(0.02 + 0.02 + 0.004 + 0.008)
    assert of.error(seeds=2) ** 2 == pytest.approx(0.04 + 0.01 + 0.004 + 0.008)
    assert of.error(repeats=4) ** 2 == pytest.approx(0.072)
