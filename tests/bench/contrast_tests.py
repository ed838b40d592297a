"""Tests of contrasts by simulation, with the real resampling, intervals, p-values and Holm's adjustment.

    python -m tests.bench.contrast_tests [STUDIES]

A score is a whole number from 1 to 10: a latent one (level + category + question + question in a language + seed +
seed in a question + answer and judge), rounded and cut off at both ends of the scale; 8 categories of 10 questions, two
turns, five languages. Arms share the questions. The true mean of an arm is exact, by the normal distribution of the
latent score. Prints, with Monte-Carlo errors:

1. the primary contrast: how often a difference is shown where there is none, what 95 % intervals cover, how often a
   true difference is shown, and that and the smallest one that the study says it would find;
2. families: how often anything false is shown in one, before and after the adjustment, with all true and with half of
   them false.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from jobs.aggregate.arms import Replicates
from jobs.aggregate.contrasts import Difference, Paired
from jobs.lib.stats.grid import SCALES, Floats
from jobs.lib.stats.inversion import holm, p_value, smallest_p
from jobs.lib.stats.resampling import draw_weights

CATEGORIES = tuple(f"c{number // 10}" for number in range(80))
OFFSETS = np.repeat(np.linspace(-1.5, 1.5, 8), 10)  # of the categories, by question
LANGUAGES, TURNS = 5, 2
FREEDOM = 72
RESAMPLES, FAMILY_RESAMPLES = 1000, 4000  # p-values of families are small, and need more
LEVEL = 0.95
BLOCK = 50  # studies that are drawn at once


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Standard deviations of a latent score. `answer`: of an answer and its verdict, `crossed`: of seed in question."""

    seeds: int = 3
    seed: float = 0.1
    question: float = 1.4
    language: float = 0.7
    crossed: float = 0.8
    answer: float = 1.2

    def mean(self, level: float) -> float:
        """The expected score of an arm at a level."""
        spread = sqrt(sum(value**2 for value in (self.seed, self.question, self.language, self.crossed, self.answer)))
        above = [
            0.5 * (1 - erf((score + 0.5 - level - offset) / spread / sqrt(2)))
            for offset in OFFSETS
            for score in range(1, 10)
        ]
        return 1 + sum(above) / len(OFFSETS)

    def scores(self, random: np.random.Generator, levels: Sequence[float], studies: int) -> Floats:
        """Means over languages and turns, (studies, arms, S, questions), of arms at some levels."""
        arms, questions = len(levels), len(CATEGORIES)
        latent = np.array(levels)[:, None, None] + OFFSETS + random.normal(0, self.question, (studies, 1, 1, questions))
        latent = latent + random.normal(0, self.seed, (studies, arms, self.seeds, 1))
        latent = latent + random.normal(0, self.crossed, (studies, arms, self.seeds, questions))
        total = np.zeros(latent.shape)
        for _ in range(LANGUAGES):
            here = latent + random.normal(0, self.language, (studies, 1, 1, questions))
            for _ in range(TURNS):
                drawn = here + random.normal(0, self.answer, latent.shape)
                total += np.clip(np.rint(drawn), 1, 10)
        found: Floats = total / (LANGUAGES * TURNS)
        return found


WEIGHTS = draw_weights(CATEGORIES, FAMILY_RESAMPLES)
WEIGHTS = WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True)


def studies_of(world: World, levels: Sequence[float], studies: int, resamples: int) -> Iterator[list[Replicates]]:
    """The arms of each study, with their draws."""
    random = np.random.Generator(np.random.Philox(7))
    labels = tuple(range(world.seeds))
    for start in range(0, studies, BLOCK):
        for study in world.scores(random, levels, min(BLOCK, studies - start)):
            draws = np.moveaxis(study @ WEIGHTS[:resamples].T, 2, 0)  # (R, arms, S)
            points = study.mean(axis=2)
            yield [
                Replicates(labels=labels, points=points[arm], draws=np.ascontiguousarray(draws[:, arm]))
                for arm in range(len(study))
            ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary:
    """How one contrast fared."""

    shown: float
    covers: float
    detectable: float  # the median of what its studies say they would find
    truth: float


def primary(world: World, levels: tuple[float, float], studies: int, *, planned: bool = False) -> Primary:
    """One treatment and one control, at two levels."""
    truth = world.mean(levels[0]) - world.mean(levels[1])
    shown, covers, detectable = 0, 0, []
    for ours, theirs in studies_of(world, levels, studies, RESAMPLES):
        paired = Paired(treatment=ours, control=theirs)
        found = Difference.of(paired, len(CATEGORIES), SCALES["score"], freedom=FREEDOM)
        interval = found.interval(LEVEL)
        shown += interval.low > 0 or interval.high < 0
        covers += interval.low <= truth <= interval.high
        detectable.append(found.whole.detectable(LEVEL) if planned else 0.0)
    return Primary(shown=shown / studies, covers=covers / studies, detectable=float(np.median(detectable)), truth=truth)


def shifted(world: World, level: float, difference: float) -> float:
    """The level whose expected score is higher by a difference."""
    low, high = level, level + 8.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if world.mean(middle) - world.mean(level) < difference else (low, middle)
    return low


def families(world: World, levels: Sequence[float], studies: int) -> tuple[float, float, float]:
    """Every arm minus the last: shares of studies with anything false shown, before and after; of true ones shown."""
    truth = [world.mean(level) - world.mean(levels[-1]) for level in levels[:-1]]
    nothing = [place for place, value in enumerate(truth) if value == 0]
    something = [place for place, value in enumerate(truth) if value != 0]
    before, after, found = 0, 0, 0
    for arms in studies_of(world, levels, studies, FAMILY_RESAMPLES):
        values = [_p_value(Paired(treatment=arm, control=arms[-1])) for arm in arms[:-1]]
        adjusted = holm(values)
        before += any(values[place] < 1 - LEVEL for place in nothing)
        after += any(adjusted[place] < 1 - LEVEL for place in nothing)
        found += sum(adjusted[place] < 1 - LEVEL for place in something)
    return before / studies, after / studies, found / studies / max(1, len(something))


def _p_value(paired: Paired) -> float:
    found = Difference.of(paired, len(CATEGORIES), SCALES["score"], freedom=FREEDOM)
    at = found.interval(LEVEL)
    floor = smallest_p(FAMILY_RESAMPLES, FREEDOM)
    return p_value(found.interval, LEVEL, floor, apart=at.low > 0 or at.high < 0)


def _share(value: float, studies: int) -> str:
    return f"{100 * value:5.2f} +- {100 * sqrt(max(value * (1 - value), 1e-9) / studies):.2f}"


def main(studies: int) -> None:
    """Print both tables."""
    print(f"{studies} studies a line, a quarter where something differs; per cent +- Monte-Carlo error")
    print("seeds seed-sd crossed level mean | nothing: shown   covers | 0.5 points: covers   shown | detectable, shown")
    for seeds, seed, crossed, level in SETTINGS:
        world = World(seeds=seeds, seed=seed, crossed=crossed)
        null = primary(world, (level, level), studies, planned=True)
        quarter = max(1, studies // 4)
        half = primary(world, (shifted(world, level, 0.5), level), quarter)
        there = primary(world, (shifted(world, level, null.detectable), level), quarter)
        print(
            f"{seeds:5d} {seed:7.2f} {crossed:7.2f} {level:5.1f} {world.mean(level):4.2f} | "
            f"{_share(null.shown, studies)}  {_share(null.covers, studies)}  | "
            f"{_share(half.covers, quarter)}  {_share(half.shown, quarter)} | "
            f"{null.detectable:.2f}  {_share(there.shown, quarter)}",
            flush=True,
        )
    print("family of, seeds, seed-sd, half different | any false shown: unadjusted, Holm | true ones shown")
    for contrasts, seeds, seed, half in FAMILIES:
        world = World(seeds=seeds, seed=seed)
        better = shifted(world, 6.0, 0.8) if half else 6.0
        levels = [better if place < contrasts // 2 else 6.0 for place in range(contrasts)]
        before, after, found = families(world, [*levels, 6.0], studies)
        print(
            f"{contrasts:4d} {seeds:5d} {seed:7.2f} {half!s:>6} | "
            f"{_share(before, studies)}  {_share(after, studies)} | " + (f"{100 * found:5.1f}" if half else ""),
            flush=True,
        )


SETTINGS = (  # seeds, their SD, SD of a seed in a question, level
    (1, 0.0, 0.8, 6.0),
    (1, 0.0, 0.8, 9.0),
    (3, 0.0, 0.0, 6.0),
    (3, 0.0, 0.8, 6.0),
    (3, 0.05, 0.8, 6.0),
    (3, 0.1, 0.8, 6.0),
    (3, 0.1, 0.8, 9.0),
    (3, 0.3, 0.8, 6.0),
    (5, 0.1, 0.8, 6.0),
    (5, 0.3, 0.8, 6.0),
)
FAMILIES = (  # contrasts, seeds, their SD, whether half of them differ
    (9, 1, 0.0, False),
    (9, 3, 0.1, False),
    (9, 3, 0.3, False),
    (9, 1, 0.0, True),
    (9, 3, 0.1, True),
)

if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
