"""Speed of strengths with intervals: all resamples at once, against a loop over them, and against rows resampled.

    python -m tests.bench.strengths_speed

Ten models that all met in both orders on 80 two-turn questions in five languages: 72,000 verdicts, ties and a lean to
the first slot. Ours fits every language to 10,000 resamples of questions and compares every two models, in each
and over all. The plain loop makes the same fits one resample at a time by scipy's L-BFGS, for 20 resamples of one
language. Arena-hard's way (show_result.py, utils/math_utils.py of arena-hard-auto, 2.0) resamples rows 100 times and
fits each by torch's L-BFGS, ties as half a win and without a slot; one language. The sides alternate.
"""

import statistics
import time
from itertools import combinations, permutations

import numpy as np
import torch
from scipy.optimize import minimize

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.strengths.field import Field
from jobs.lib.stats.strengths.fit import strengths
from jobs.lib.stats.strengths.games import Games, Resampling
from jobs.lib.stats.strengths.length import adjusted
from jobs.lib.stats.strengths.standings import comparable, standings

MODELS, LANGUAGES, QUESTIONS, TURNS, CATEGORIES, RESAMPLES, LEVEL = 10, 5, 80, 2, 8, 10_000, 0.95
LOOPED, ROUNDS, TIMES = 20, 100, 3
EXACT = {"ftol": 1e-12, "gtol": 1e-6}


def make(resampling: Resampling) -> list[Games]:
    """Verdicts as a judge gives them, by language."""
    random = np.random.Generator(np.random.Philox(4))
    meetings = np.array([*permutations(range(MODELS), 2)])
    items = np.repeat(np.arange(QUESTIONS * TURNS), len(meetings))
    first, second = np.tile(meetings, (QUESTIONS * TURNS, 1)).T
    better = np.linspace(0, 1.5, MODELS) + random.normal(0, 0.8, (QUESTIONS, MODELS))
    found = []
    for _ in range(LANGUAGES):
        apart = better[items // TURNS, first] - better[items // TURNS, second] + 0.5
        up = np.exp(apart / 2)
        place = random.random(len(apart)) * (up + 1 / up + 0.7)
        found.append(
            Games(
                models=tuple(range(MODELS)),
                ids=resampling.ids,
                question=items // TURNS,
                first=first,
                second=second,
                outcome=np.where(place < up, 0, np.where(place < up + 1 / up, 1, 2)),
                weight=np.ones(len(apart)),
                doublings=random.normal(0, 1, len(apart)),
            )
        )
    return found


def all_at_once(games: list[Games], *, length: bool = False) -> Field:
    """Every language and resample, every gap; the resampling anew."""
    resampling = questions()
    raw = {(str(at), None): strengths(own, resampling, ties=True, slot=True) for at, own in enumerate(games)}
    field = Field(models=games[0].models, fits=raw, freedom=resampling.freedom)
    for on in ([name for name, _ in raw], *([name] for name, _ in raw)):
        standings(field, comparable(field), on, LEVEL)
    if length:
        for fit in raw.values():
            adjusted(fit, resampling)
    return field


def plain_loop(games: Games, weights: Floats) -> Floats:
    """The same model, one resample after the other: strengths less the first's (R, K)."""
    found = []
    for weight in weights:
        each = games.weight * weight[games.question]

        def loss(theta: Floats, each: Floats = each) -> tuple[float, Floats]:
            half = (theta[games.first] - theta[games.second] + theta[-2]) / 2
            table = np.stack([half, -half, np.full_like(half, theta[-1])])
            total = np.logaddexp.reduce(table)
            chance = np.exp(table - total)
            lean = ((games.outcome == 0) - 1.0 * (games.outcome == 1) - chance[0] + chance[1]) * each / 2
            slope = np.zeros_like(theta)
            np.add.at(slope, games.first, lean)
            np.add.at(slope, games.second, -lean)
            slope[-2], slope[-1] = lean.sum(), (((games.outcome == 2) - chance[2]) * each).sum()
            return float((each * (total - table[games.outcome, np.arange(len(half))])).sum()), -slope

        best = minimize(loss, np.zeros(MODELS + 2), jac=True, method="L-BFGS-B", options=EXACT).x
        found.append(best[:MODELS] - best[0])
    return np.array(found)


def rows_resampled(games: Games, rounds: int) -> Floats:
    """Arena-hard's way: strengths less the first's (R, K)."""
    signs = torch.zeros((len(games.first), MODELS))
    signs[torch.arange(len(signs)), torch.as_tensor(games.first)] = 1.0
    signs[torch.arange(len(signs)), torch.as_tensor(games.second)] = -1.0
    won = torch.as_tensor(np.array([1.0, 0.0, 0.5])[games.outcome], dtype=torch.float32)
    generator, found = torch.Generator().manual_seed(1), []
    for _ in range(rounds):
        rows = torch.randint(len(signs), (len(signs),), generator=generator)
        of, outcome = signs[rows], won[rows]
        logits = torch.nn.Parameter(torch.full((MODELS,), 0.5))
        search = torch.optim.LBFGS([logits], lr=0.1, max_iter=50, tolerance_grad=1e-9, tolerance_change=1e-9)

        def closure(of: torch.Tensor = of, outcome: torch.Tensor = outcome) -> torch.Tensor:
            search.zero_grad()  # noqa: B023
            loss = torch.nn.functional.binary_cross_entropy_with_logits(of @ logits, outcome, reduction="sum")  # noqa: B023
            loss.backward()
            return loss

        search.step(closure)
        found.append((logits - logits[0]).detach().double().numpy())
    return np.array(found)


def questions() -> Resampling:
    """80 questions of 8 categories."""
    ids = [f"{row:03d}" for row in range(QUESTIONS)]
    category = {name: str(row * CATEGORIES // QUESTIONS) for row, name in enumerate(ids)}
    return Resampling.of(ids, category, RESAMPLES)


def main() -> None:
    torch.set_num_threads(1)
    resampling = questions()
    games = make(resampling)
    times: dict[str, list[float]] = {}
    for _ in range(TIMES):
        for name, side in {
            f"ours, {LANGUAGES} languages x {RESAMPLES} resamples, all gaps": lambda: all_at_once(games),
            "ours, at equal lengths too": lambda: all_at_once(games, length=True),
            f"plain loop, one language x {LOOPED} resamples": lambda: plain_loop(games[0], resampling.weights[:LOOPED]),
            f"arena-hard's way, one language x {ROUNDS} resamples of rows": lambda: rows_resampled(games[0], ROUNDS),
        }.items():
            start = time.perf_counter()
            side()
            times.setdefault(name, []).append(time.perf_counter() - start)
    for name, found in times.items():
        print(f"{name}: median {statistics.median(found):.2f} s, {min(found):.2f} to {max(found):.2f} s")
    fit = strengths(games[0], resampling, ties=True, slot=True)
    ours = fit.draws.found[:LOOPED, :MODELS] - fit.draws.found[:LOOPED, :1]
    looped, by_row = plain_loop(games[0], resampling.weights[:LOOPED]), rows_resampled(games[0], ROUNDS)
    print(f"largest difference of a strength from the loop's: {np.abs(ours - looped).max():.1e}")
    pairs = [*combinations(range(MODELS), 2)]
    ratios = [fit.gap(*pair).draws.std() / (by_row[:, pair[0]] - by_row[:, pair[1]]).std() for pair in pairs]
    told = f"{np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"standard errors by question over those by row: {told}")


if __name__ == "__main__":
    main()
