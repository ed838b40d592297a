"""How often the intervals of strengths hold the truth, on simulated judges of pairs. docs/statistics.md quotes it.

    python -m tests.bench.strengths_coverage [STUDIES [SCENARIO …]]

A study is a round robin of four models: 80 questions of 8 categories x 2 turns x both orders, judged with ties and a
lean to the first slot. How good a model is has a part of the question (shared by its turns and languages), of the item,
and of the lengths of answers. The truth is the fit of very many questions of the same categories. The Monte-Carlo error
of each share is printed: one standard deviation.
"""

import sys
import time
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import NormalDist

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.strengths.davidson import Design, Tally, fit, moments
from jobs.lib.stats.strengths.field import Field
from jobs.lib.stats.strengths.fit import Strengths, design_rows, strengths
from jobs.lib.stats.strengths.games import Games, Resampling
from jobs.lib.stats.strengths.length import adjusted

TURNS, CATEGORIES = 2, 8
STUDIES, RESAMPLES, LEVEL = 10_000, 1000, 0.95
VERY_MANY = 60_000  # questions whose fit is taken for the truth
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


SCENARIOS = {
    "usual": Scenario(),
    "questions all alike": Scenario(question_sd=0.0, item_sd=0.0),
    "questions very unlike": Scenario(question_sd=2.0),
    "all equal": Scenario(strengths=(0.0, 0.0, 0.0, 0.0)),
    "16 questions": Scenario(questions=16),
    "against one, far apart": Scenario(strengths=(1.0, 0.8, 2.0, -1.5), star=True),
    "one hardly ever wins": Scenario(strengths=(0.5, 0.4, 0.0, -4.5), questions=40),
    "three languages": Scenario(languages=3),
    "length counts": Scenario(per_doubling=0.5),
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

    def draw(self, random: np.random.Generator) -> list[Games]:
        """The games of one study, by language."""
        scenario, questions, size = self.scenario, len(self.categories), len(self.scenario.strengths)
        shared = np.array(scenario.strengths) + self.hardness[self.categories]
        shared = shared + random.normal(0, scenario.question_sd, (questions, size))
        found = []
        for _ in range(scenario.languages):
            own = np.repeat(shared, TURNS, axis=0) + random.normal(0, scenario.item_sd, (questions * TURNS, size))
            lengths = random.normal(0, 1, own.shape) + 0.5 * np.arange(size)
            doublings = lengths[self.item, self.first] - lengths[self.item, self.second]
            apart = own[self.item, self.first] - own[self.item, self.second] + scenario.slot
            apart = apart + scenario.per_doubling * doublings
            up, tie = np.exp(apart / 2), np.exp(scenario.ties)
            place = random.random(len(apart)) * (up + 1 / up + tie)
            found.append(
                Games(
                    models=tuple(range(size)),
                    ids=self.resampling.ids,
                    question=self.item // TURNS,
                    first=self.first,
                    second=self.second,
                    outcome=np.where(place < up, 0, np.where(place < up + 1 / up, 1, 2)),
                    weight=np.ones(len(apart)),
                    doublings=doublings,
                )
            )
        return found

    def fitted(self, games: list[Games], *, length: bool = False) -> Field:
        """The fits of one study."""
        fits: dict[tuple[str, int | None], Strengths] = {}
        for number, own in enumerate(games):
            raw = strengths(own, self.resampling, ties=True, slot=True)
            found = adjusted(raw, self.resampling) if length else raw
            assert found is not None
            fits[str(number), None] = found
        return Field(models=games[0].models, fits=fits, freedom=self.resampling.freedom)


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


def row_level(games: Games, resampling: Resampling) -> tuple[float, float]:
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


def coverage(scenario: Scenario, studies: int, seed: int = 11, resamples: int = RESAMPLES) -> dict[str, Floats]:
    """For each figure, how often its interval held the truth, was below and above it, and its mean width."""
    length = scenario.per_doubling != 0
    truth = Round(scenario, VERY_MANY, 2)
    languages = [str(number) for number in range(scenario.languages)]
    many = truth.fitted(truth.draw(np.random.Generator(np.random.Philox(7))), length=length)
    real = {name: one[0] for name, one in figures(many, languages).items()}
    made, random = Round(scenario, scenario.questions, resamples), np.random.Generator(np.random.Philox(seed))
    seen: dict[str, list[tuple[float, ...]]] = {}
    for _ in range(studies):
        games = made.draw(random)
        found = figures(made.fitted(games, length=length), languages)
        held = {name: (low <= real[name] <= high, high < real[name], low > real[name], high - low)
                for name, (_, low, high) in found.items()}  # fmt: skip
        joint = [name for name in held if name[0].isdigit()]
        told = [found[name][1] > 0 or found[name][2] < 0 for name in joint]
        wrong = any(tell and (found[name][0] > 0) != (real[name] > 0) for tell, name in zip(told, joint, strict=True))
        for name, row in held.items():
            if name not in joint:
                seen.setdefault(name, []).append(row)
        everything = all(held[name][0] for name in joint)
        seen.setdefault("all gaps at once", []).append((everything, 0, 0, np.mean([held[one][3] for one in joint])))
        seen.setdefault("any two told apart", []).append((any(told), 0, 0, 0))
        seen.setdefault("any told apart wrongly", []).append((wrong, 0, 0, 0))
        if scenario.languages == 1 and not length:
            point, error = row_level(games[0], made.resampling)
            close = real["gap of two close ones"]
            seen.setdefault("close ones, by row", []).append(
                (abs(point - close) < NORMAL * error, point + NORMAL * error < close, point - NORMAL * error > close,
                 2 * NORMAL * error)
            )  # fmt: skip
    return {name: np.array([real.get(name, np.nan), *np.mean(rows, axis=0)]) for name, rows in seen.items()}


def main(studies: int, names: list[str]) -> None:
    for name in names or SCENARIOS:
        start = time.perf_counter()
        found = coverage(SCENARIOS[name], studies)
        print(f"{name}: {studies} studies, {RESAMPLES} resamples each, {time.perf_counter() - start:.0f} s")
        print(f"  {'':26s}{'truth':>8s}{'covers':>9s}{'MC error':>10s}{'below':>8s}{'above':>8s}{'width':>8s}")
        for figure, (real, held, below, above, width) in found.items():
            error = sqrt(held * (1 - held) / studies)
            print(
                f"  {figure:26s}{real:8.3f}{100 * held:8.2f}%{100 * error:9.2f}%{100 * below:7.1f}%{100 * above:7.1f}%"
                f"{width:8.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES, sys.argv[2:])
