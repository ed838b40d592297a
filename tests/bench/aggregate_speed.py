"""Speed of the score table with intervals: one matrix product against a loop over models and languages.

    python -m tests.bench.aggregate_speed

15 models, 5 languages, 80 two-turn questions, 10,000 resamples within category; both sides in one process, alternating,
five times. The loop resamples each category of each model and language by index, as one would write it down first.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from jobs.lib.stats.grid import TURNS, UNIT, Floats, Grid, Questions
from jobs.lib.stats.interval import limits
from jobs.lib.stats.resampling import draw_weights, estimate

MODELS, LANGUAGES, CATEGORIES, PER_CATEGORY, RESAMPLES = 15, 5, 8, 10, 10_000


def make_grid() -> Grid:
    """Scores as a judge gives them."""
    random = np.random.Generator(np.random.Philox(4))
    count = CATEGORIES * PER_CATEGORY
    shape = (count, MODELS, LANGUAGES, TURNS)
    hardness = random.normal(0, 1.5, (count, 1, 1, 1))
    scores = np.clip(np.rint(6 + hardness + random.normal(0, 1.5, shape)), 1, 10)
    return Grid(
        questions=Questions(
            ids=tuple(str(81 + number) for number in range(count)),
            categories=tuple(f"c{number // PER_CATEGORY}" for number in range(count)),
            turns=(TURNS,) * count,
        ),
        cells=tuple(f"m{number}" for number in range(MODELS)),
        languages=("EN", "DE", "FR", "IT", "ES"),
        total=scores * UNIT,
        exact=(scores == 10).astype(float),
        valid=np.ones(shape),
        failed=np.zeros(shape),
    )


def one_product(grid: Grid) -> tuple[Floats, Floats]:
    """The product's way, drawing the weights included."""
    weights = draw_weights(grid.questions.categories, RESAMPLES)
    return limits(estimate(grid, weights, "score").draws, 0.95)


def plain_loop(grid: Grid) -> tuple[Floats, Floats]:
    """Index, take, average: for every model and language."""
    random = np.random.Generator(np.random.Philox(5))
    picks = np.concatenate(
        [
            random.integers(0, PER_CATEGORY, (RESAMPLES, PER_CATEGORY)) + PER_CATEGORY * category
            for category in range(CATEGORIES)
        ],
        axis=1,
    )
    low, high = np.empty((MODELS, LANGUAGES)), np.empty((MODELS, LANGUAGES))
    means = grid.total.mean(axis=3) / UNIT
    for model in range(MODELS):
        for language in range(LANGUAGES):
            draws = means[:, model, language][picks].mean(axis=1)
            low[model, language], high[model, language] = np.quantile(draws, (0.025, 0.975))
    return low, high


def scipy_loop(grid: Grid) -> None:
    """`scipy.stats.bootstrap` per model and language, paired turns; categories are not kept apart (it cannot)."""
    from scipy.stats import bootstrap  # type: ignore[import-not-found,import-untyped,unused-ignore]

    means = grid.total.mean(axis=3) / UNIT
    for model in range(MODELS):
        for language in range(LANGUAGES):
            bootstrap(
                (means[:, model, language],), np.mean, n_resamples=RESAMPLES, method="percentile", vectorized=True
            )


def main() -> None:
    grid = make_grid()
    sides: dict[str, Callable[[Grid], object]] = {"one product": one_product, "loop": plain_loop}
    try:
        import scipy  # noqa: F401

        sides["scipy.stats.bootstrap"] = scipy_loop
    except ImportError:
        print("scipy is not installed: its side is left out")
    times: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side(grid)
    for _ in range(5):
        for name, side in sides.items():
            start = time.perf_counter()
            side(grid)
            times[name].append(time.perf_counter() - start)
    for name, found in times.items():
        print(f"{name}: median {statistics.median(found):.3f} s, {min(found):.3f} to {max(found):.3f} s")
    ours, theirs = one_product(grid), plain_loop(grid)
    print(f"largest difference of a limit: {max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)):.3f}")


if __name__ == "__main__":
    main()
