"""Coverage of the intervals by simulation, with the real resampling and the real intervals.

    python -m tests.bench.aggregate_coverage [STUDIES]

A score is question + seed + (seed x question), all normal, eight categories of ten questions; the truth is zero. Prints
one line a setting: what 95 % intervals really cover, and their width over that of the best possible interval (known
variances). Columns: the interval in use, questions alone, a bootstrap over the seeds, languages resampled apart.
"""

import sys
from collections.abc import Callable

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import limits, over_questions, over_seeds
from jobs.lib.stats.resampling import draw_weights

CATEGORIES = tuple(f"c{number // 10}" for number in range(80))
RESAMPLES = 1000
LEVEL = 0.95


def scores(random: np.random.Generator, seeds: int, seed_sd: float, question_sd: float, crossed_sd: float) -> Floats:
    """One study's scores (S, Q)."""
    return (
        random.normal(0, seed_sd, (seeds, 1))
        + random.normal(0, question_sd, (1, len(CATEGORIES)))
        + random.normal(0, crossed_sd, (seeds, len(CATEGORIES)))
    )


def seed_coverage(
    studies: int, seeds: int, seed_sd: float, question_sd: float, crossed_sd: float
) -> dict[str, tuple[float, float]]:
    """Coverage and mean half-width of three intervals of a mix's mean, by name."""
    random = np.random.Generator(np.random.Philox(1))
    weights = draw_weights(CATEGORIES, RESAMPLES)
    weights = weights / weights.sum(axis=1, keepdims=True)
    picks = random.integers(0, seeds, (RESAMPLES, seeds))
    hits: dict[str, list[tuple[bool, float]]] = {}
    for _ in range(studies):
        drawn = scores(random, seeds, seed_sd, question_sd, crossed_sd)
        draws = weights @ drawn.T  # (R, S)
        points = drawn.mean(axis=1)
        both = over_seeds(points, draws, LEVEL)
        alone = over_questions(points.mean(), draws.mean(axis=1), LEVEL)
        low, high = limits(np.take_along_axis(draws, picks, axis=1).mean(axis=1), LEVEL)
        for name, limit in (
            ("both", (both.low, both.high)),
            ("questions", (alone.low, alone.high)),
            ("bootstrap", (float(low), float(high))),
        ):
            hits.setdefault(name, []).append((limit[0] <= 0 <= limit[1], (limit[1] - limit[0]) / 2))
    return {
        name: (float(np.mean([hit for hit, _ in found])), float(np.mean([half for _, half in found])))
        for name, found in hits.items()
    }


def language_coverage(studies: int, languages: int = 5) -> tuple[float, float]:
    """Coverage of one model's mean over languages: shared resamples, and each language resampled apart."""
    random = np.random.Generator(np.random.Philox(2))
    weights = draw_weights(CATEGORIES, RESAMPLES)
    weights = weights / weights.sum(axis=1, keepdims=True)
    apart = [weights[random.permutation(RESAMPLES)] for _ in range(languages)]
    shared_hits, apart_hits = 0, 0
    for _ in range(studies):
        hardness = random.normal(0, 1, len(CATEGORIES))
        each = hardness + random.normal(0, 0.6, (languages, len(CATEGORIES)))
        low, high = limits((weights @ each.T).mean(axis=1), LEVEL)
        shared_hits += bool(low <= 0 <= high)
        low, high = limits(np.mean([matrix @ one for matrix, one in zip(apart, each, strict=True)], axis=0), LEVEL)
        apart_hits += bool(low <= 0 <= high)
    return shared_hits / studies, apart_hits / studies


def best_coverage(studies: int, gaps: tuple[float, ...], seed_sd: float) -> tuple[float, float]:
    """Coverage of treatment minus the best of several controls, chosen inside the resample, and chosen beforehand."""
    random = np.random.Generator(np.random.Philox(3))
    weights = draw_weights(CATEGORIES, RESAMPLES)
    weights = weights / weights.sum(axis=1, keepdims=True)
    truth = -max(gaps)
    inside, fixed = 0, 0
    for _ in range(studies):
        shared = random.normal(0, 1, len(CATEGORIES))
        arms = [gap + shared + scores(random, 3, seed_sd, 0.5, 0.7) for gap in (0.0, *gaps)]
        draws = [weights @ arm.T for arm in arms]
        chosen = max(range(1, len(arms)), key=lambda index: arms[index].mean())
        middle = draws[0].mean(axis=1) - np.max([draw.mean(axis=1) for draw in draws[1:]], axis=0)
        points = arms[0].mean(axis=1) - arms[chosen].mean(axis=1)
        one = over_seeds(points, draws[0] - draws[chosen], LEVEL, middle)
        two = over_seeds(points, draws[0] - draws[chosen], LEVEL)
        inside += one.low <= truth <= one.high
        fixed += two.low <= truth <= two.high
    return inside / studies, fixed / studies


def main(studies: int) -> None:
    say: Callable[[str], None] = print
    say("seeds  seed-sd question-sd crossed-sd | both (width)   questions   bootstrap over seeds")
    best_of = 1.96 / np.sqrt(1)
    for seeds in (2, 3, 5):
        for seed_sd, question_sd, crossed_sd in (
            (0.0, 1.0, 0.0),
            (0.0, 1.0, 1.0),
            (0.0, 0.3, 1.0),
            (0.05, 0.3, 1.0),
            (0.1, 0.3, 1.0),
            (0.1, 1.0, 1.0),
            (0.2, 1.0, 1.0),
            (0.5, 1.0, 1.0),
            (1.0, 1.0, 1.0),
        ):
            found = seed_coverage(studies, seeds, seed_sd, question_sd, crossed_sd)
            questions = len(CATEGORIES)
            true = np.sqrt(seed_sd**2 / seeds + question_sd**2 / questions + crossed_sd**2 / seeds / questions)
            cover, half = found["both"]
            say(
                f"{seeds:5d}  {seed_sd:7.2f} {question_sd:11.2f} {crossed_sd:10.2f} | {cover:.3f} "
                f"({half / best_of / true:.2f})   {found['questions'][0]:.3f}       {found['bootstrap'][0]:.3f}"
            )
    shared, apart = language_coverage(studies)
    say(f"mean over five languages: questions resampled once for all {shared:.3f}, each language apart {apart:.3f}")
    for gaps in ((0.0,) * 5, (0.0, -0.2, -0.2, -0.2, -0.2), (0.0, -1.0, -1.0, -1.0, -1.0)):
        for seed_sd in (0.0, 0.2):
            inside, fixed = best_coverage(studies, gaps, seed_sd)
            say(f"minus the best of {gaps}, seed-sd {seed_sd}: chosen inside {inside:.3f}, beforehand {fixed:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
