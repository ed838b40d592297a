"""How often the intervals of strengths hold the truth, on simulated judges of pairs. docs/statistics.md quotes it.

    python -m tests.bench.strengths_coverage [STUDIES [SCENARIO …]]

A study is a round robin of four models: 80 questions of 8 categories x 2 turns x both orders, judged with ties and a
lean to the first slot. How good a model is has a part of the question (shared by its turns and languages), of the item,
and of the lengths of answers. The truth is the fit of very many questions of the same categories. The Monte-Carlo error
of each share is printed: one standard deviation.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import sqrt
from statistics import NormalDist

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import level_of_draws, limits
from jobs.lib.stats.strengths.davidson import Design, Tally, fit, moments
from jobs.lib.stats.strengths.field import Field
from jobs.lib.stats.strengths.fit import Strengths, design_rows, strengths
from jobs.lib.stats.strengths.games import Games, Resampling
from jobs.lib.stats.strengths.length import adjusted

TURNS, CATEGORIES = 2, 8
STUDIES, RESAMPLES, LEVEL = 10_000, 1000, 0.95
VERY_MANY, MANY_SEEDS = 60_000, 300  # questions, and seeds, whose fits are taken for the truth
NORMAL = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Four models and a judge, in log-odds."""

    strengths: tuple[float, ...] = (0.5, 0.4, 0.0, -0.6)
    question_sd: float = 0.8  # of a model, by question
    item_sd: float = 0.5
    slot: float = 0.5
    ties: float = -0.4
    per_doubling: float = 0.0
    questions: int = 80
    languages: int = 1
    star: bool = False  # all meet the last one alone
    seeds: int = 1
    seed_sd: float = 0.0  # of a model, by training seed

    @property
    def names(self) -> list[str]:
        """Of its languages."""
        return [str(number) for number in range(self.languages)]


SCENARIOS = {
    "usual": Scenario(),
    "questions all alike": Scenario(question_sd=0.0, item_sd=0.0),
    "questions very unlike": Scenario(question_sd=2.0),
    "16 questions": Scenario(questions=16),
    "against one, far apart": Scenario(strengths=(1.0, 0.8, 2.0, -1.5), star=True),
    "one hardly ever wins": Scenario(strengths=(0.5, 0.4, 0.0, -4.5), questions=40),
    "three languages": Scenario(languages=3),
    "length counts": Scenario(per_doubling=0.5),
    "three seeds": Scenario(seeds=3, seed_sd=0.2),
    "three seeds alike": Scenario(seeds=3),
}


class Round:
    """Who meets whom on what: the games of every study of a scenario, and what is the same in all of them."""

    def __init__(self, scenario: Scenario, questions: int, resamples: int) -> None:
        self.scenario, size = scenario, len(scenario.strengths)
        last = size - 1
        pairs = [pair for pair in combinations(range(size), 2) if not scenario.star or last in pair]
        meetings = np.array([*pairs, *((two, one) for one, two in pairs)])
        items = np.repeat(np.arange(questions * TURNS), len(meetings))
        self.item, self.first, self.second = items, *np.tile(meetings, (questions * TURNS, 1)).T
        self.categories = np.arange(questions) * CATEGORIES // questions
        ids = [f"{row:06d}" for row in range(questions)]
        category = {name: str(one) for name, one in zip(ids, self.categories, strict=True)}
        self.resampling = Resampling.of(ids, category, resamples)
        # what a category adds to a model is the same in all studies
        self.hardness = np.random.Generator(np.random.Philox(5)).normal(0, 0.4, (CATEGORIES, size))

    def draw(self, random: np.random.Generator) -> dict[tuple[str, int | None], Games]:
        """The games of one study, by language and seed."""
        scenario, questions, size = self.scenario, len(self.categories), len(self.scenario.strengths)
        shared = np.array(scenario.strengths) + self.hardness[self.categories]
        shared = shared + random.normal(0, scenario.question_sd, (questions, size))
        found: dict[tuple[str, int | None], Games] = {}
        for language, seed in product(scenario.names, range(scenario.seeds)):
            own = np.repeat(shared, TURNS, axis=0) + random.normal(0, scenario.item_sd, (questions * TURNS, size))
            own += random.normal(0, scenario.seed_sd, size)
            lengths = random.normal(0, 1, own.shape) + 0.5 * np.arange(size)
            doublings = lengths[self.item, self.first] - lengths[self.item, self.second]
            apart = own[self.item, self.first] - own[self.item, self.second] + scenario.slot
            apart = apart + scenario.per_doubling * doublings
            up, tie = np.exp(apart / 2), np.exp(scenario.ties)
            place = random.random(len(apart)) * (up + 1 / up + tie)
            found[language, seed] = Games(
                models=tuple(range(size)),
                ids=self.resampling.ids,
                question=self.item // TURNS,
                first=self.first,
                second=self.second,
                outcome=np.where(place < up, 0, np.where(place < up + 1 / up, 1, 2)),
                weight=np.ones(len(apart)),
                doublings=doublings,
            )
        return found

    def fitted(self, games: Mapping[tuple[str, int | None], Games]) -> Field:
        """The fits of one study, at equal lengths where they count."""
        fits: dict[tuple[str, int | None], Strengths] = {}
        for where, own in games.items():
            raw = strengths(own, self.resampling, ties=True, slot=True)
            found = adjusted(raw, self.resampling) if self.scenario.per_doubling else raw
            assert found is not None
            fits[where] = found
        models = tuple(range(len(self.scenario.strengths)))
        return Field(models=models, fits=fits, freedom=self.resampling.freedom)


def figures(field: Field, languages: list[str]) -> dict[str, tuple[float, float, float]]:
    """Estimate and limits of every figure of a study."""
    size = len(field.models)
    joint = field.jointly(LEVEL)
    found = {
        "gap of two close ones": field.gap(0, 1, languages, LEVEL),
        "gap of the farthest": field.gap(0, size - 1, languages, LEVEL),
        "strength less the mean": field.strength(0, range(size), languages, LEVEL),
        "first slot": field.other("first_slot", languages, LEVEL),
    }
    found |= {f"{one} {two}": field.gap(one, two, languages, joint) for one, two in combinations(range(size), 2)}
    return {name: (one.mean, one.low, one.high) for name, one in found.items()}


def row_level(games: Games) -> tuple[float, float]:
    """A gap of two close ones and its standard error, were all verdicts independent: the inverse of the information."""
    rows, kind = design_rows(games, slot=True)
    counts = np.zeros((3, 1, len(rows)))
    np.add.at(counts, (games.outcome, 0, kind), games.weight)
    design = Design(rows=rows, together=np.ones((len(games.models), len(games.models))), ties=True)
    found = fit(Tally.of(counts), design).found
    information = moments(found, Tally.of(counts), design).information[0]
    information[: len(games.models), : len(games.models)] += design.together
    covariance = np.linalg.inv(information)
    return float(found[0, 0] - found[0, 1]), sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])


def truth(scenario: Scenario) -> dict[str, float]:
    """The figures of very many questions, or of many seeds."""
    questions = VERY_MANY if scenario.seeds == 1 else VERY_MANY // 20
    many = Round(replace(scenario, seeds=1 if scenario.seeds == 1 else MANY_SEEDS), questions, 2)
    found = figures(many.fitted(many.draw(np.random.Generator(np.random.Philox(7)))), scenario.names)
    return {name: mean for name, (mean, _, _) in found.items()}


def other_ways(games: Games, field: Field) -> dict[str, tuple[float, float]]:
    """Limits of two gaps as they are not found: from rows, and by percentiles of the draws."""
    point, error = row_level(games)
    gap = field.fits["0", 0].gap(0, len(field.models) - 1)
    low, high = limits(gap.draws, level_of_draws(LEVEL, field.freedom))
    return {
        "gap of two close ones, by row": (point - NORMAL * error, point + NORMAL * error),
        "gap of the farthest, percentiles": (float(low), float(high)),
    }


def coverage(scenario: Scenario, studies: int, seed: int = 11, resamples: int = RESAMPLES) -> dict[str, Floats]:
    """For each figure: the truth, how often its interval held it, was below and above it, and its mean width."""
    real = truth(scenario)
    made, random = Round(scenario, scenario.questions, resamples), np.random.Generator(np.random.Philox(seed))
    seen: dict[str, list[tuple[float, ...]]] = {}
    for _ in range(studies):
        games = made.draw(random)
        field = made.fitted(games)
        found = figures(field, scenario.names)
        shown = {name: (low, high) for name, (_, low, high) in found.items()}
        if len(games) == 1 and not scenario.per_doubling:
            shown |= other_ways(games["0", 0], field)
        rows = {name: _row(*ends, real[name.partition(",")[0]]) for name, ends in shown.items()}
        pairs = [name for name in rows if name[0].isdigit()]
        told = [name for name in pairs if found[name][1] > 0 or found[name][2] < 0]
        wrong = any((found[name][0] > 0) != (real[name] > 0) for name in told)
        all_of_them = (all(rows[name][0] for name in pairs), 0, 0, float(np.mean([rows[name][3] for name in pairs])))
        rows |= {"all gaps at once": all_of_them, "any told apart wrongly": (wrong, 0, 0, 0)}
        for name in rows.keys() - set(pairs):
            seen.setdefault(name, []).append(rows[name])
    names = sorted(seen, key=lambda name: (name not in real, name))
    return {name: np.array([real.get(name.partition(",")[0], np.nan), *np.mean(seen[name], axis=0)]) for name in names}


def _row(low: float, high: float, real: float) -> tuple[float, ...]:
    return low <= real <= high, high < real, low > real, high - low


def main(studies: int, names: list[str]) -> None:
    for name in names or SCENARIOS:
        start = time.perf_counter()
        found = coverage(SCENARIOS[name], studies)
        print(f"{name}: {studies} studies, {RESAMPLES} resamples each, {time.perf_counter() - start:.0f} s")
        print(f"  {'':34s}{'truth':>8s}{'covers':>9s}{'MC error':>10s}{'below':>8s}{'above':>8s}{'width':>8s}")
        for figure, (real, held, below, above, width) in found.items():
            error = sqrt(held * (1 - held) / studies)
            print(
                f"  {figure:34s}{real:8.3f}{100 * held:8.2f}%{100 * error:9.2f}%{100 * below:7.1f}%{100 * above:7.1f}%"
                f"{width:8.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES, sys.argv[2:])
