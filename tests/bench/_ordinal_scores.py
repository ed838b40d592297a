"""Scores as a judge gives them, with known truth: whole numbers from 1 to 10, cut at the ends, as noisy as measured.

A latent value is the arm's level + category + question (alike for all arms) + the question in that language + the
question for that arm + training seed + the answer and its judge; it is rounded and clipped. The defaults give scores
with the spread of the 23 models x 160 answers that two judges scored (shared/judging/ja-judge-swap.csv: SD between
questions 1.1 to 1.3, within question and model 1.8 to 2.0, of which the two turns of a question share nothing; two
judges of one answer 1.6 apart, 57 % tens). `true_mean` is exact, so truths can be set in points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from statistics import NormalDist

import numpy as np

from jobs.lib.stats.grid import HIGHEST, LOWEST, Floats

CATEGORIES = tuple(f"c{number // 10}" for number in range(80))
TURNS = 2
_STEPS = np.arange(LOWEST + 0.5, HIGHEST)  # a latent value above each gives a point more


@dataclass(frozen=True, slots=False, kw_only=True)
class Scores:
    """Standard deviations of the latent value, but for `seed_sd`, which is in points of an arm's mean."""

    seed_sd: float
    languages: int = 5
    category_sd: float = 1.0
    question_sd: float = 1.5
    language_sd: float = 0.7
    arm_sd: float = 0.3  # of a question for one arm, shared by its turns and languages
    answer_sd: float = 2.4
    judge_sd: float = 1.5

    @cached_property
    def categories(self) -> Floats:
        """The levels (80,) of the questions' categories, as spread as a normal distribution's quantiles."""
        each = [self.category_sd * NormalDist().inv_cdf((place + 0.5) / 8) for place in (3, 6, 0, 5, 1, 7, 2, 4)]
        return np.array([each[int(name[1:])] for name in CATEGORIES])

    @cached_property
    def spread(self) -> float:
        """Of one score's latent value within its category, without the seed."""
        parts = (self.question_sd, self.language_sd, self.arm_sd, self.answer_sd, self.judge_sd)
        return sqrt(sum(part**2 for part in parts))

    def true_mean(self, level: float, seed: float = 0.0) -> float:
        """The mean score of very many questions at a latent level; `seed`: the deviation of the seed's latent part."""
        normal = NormalDist(0, sqrt(self.spread**2 + seed**2))
        kinds = self.categories[::10]
        return LOWEST + sum(1 - normal.cdf(step - level - kind) for kind in kinds for step in _STEPS) / len(kinds)

    def level_of(self, mean: float, seed: float = 0.0) -> float:
        """The latent level of a true mean."""
        low, high = -40.0, 60.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.true_mean(middle, seed) < mean else (low, middle)
        return (low + high) / 2

    def draw(
        self, random: np.random.Generator, means: Sequence[float], seeds: int, seed_factors: Sequence[float] = ()
    ) -> Floats:
        """The mean score (A, S, Q) of every question, over languages and turns, of arms with these true means."""
        arms, questions = len(means), len(CATEGORIES)
        levels, between = self._levels(tuple(means), tuple(seed_factors) or (1.0,) * arms)
        shape = (arms, seeds, questions, self.languages, TURNS)
        value = random.standard_normal(shape, dtype=np.float32)
        value *= sqrt(self.answer_sd**2 + self.judge_sd**2)
        hard = self.categories + random.normal(0, self.question_sd, questions)
        value += (hard[:, None] + random.normal(0, self.language_sd, (questions, self.languages)))[..., None]
        value += random.normal(0, self.arm_sd, (arms, 1, questions, 1, 1))
        shock = random.standard_normal((arms, seeds)) * np.array(between)[:, None]
        value += (np.array(levels)[:, None] + shock)[..., None, None, None]
        scores: Floats = np.clip(np.rint(value, out=value), LOWEST, HIGHEST, out=value).mean(
            axis=(3, 4), dtype=np.float64
        )
        return scores

    def _levels(self, means: tuple[float, ...], factors: tuple[float, ...]) -> tuple[list[float], list[float]]:
        """Latent levels, and standard deviations of the seed's latent part that give `seed_sd` in points."""
        key = (means, factors)
        if key not in self._known:
            levels, between = [], []
            for mean, factor in zip(means, factors, strict=True):
                level = self.level_of(mean)
                slope = (self.true_mean(level + 0.05) - self.true_mean(level - 0.05)) / 0.1
                between.append(self.seed_sd * factor / slope)
                levels.append(self.level_of(mean, between[-1]))
            self._known[key] = (levels, between)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[object, tuple[list[float], list[float]]]:
        return {}


def share(hits: int, of: int) -> str:
    """A share in per cent with its Monte-Carlo error."""
    part = hits / of
    return f"{100 * part:5.1f} ({100 * sqrt(max(part * (1 - part), 1e-9) / of):.2f})"
