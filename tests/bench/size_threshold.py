"""How often a size is wrongly called sufficient, and how often the right one is found. docs/statistics.md quotes it.

    python -m tests.bench.size_threshold [STUDIES [SCENARIO …]]

Five sizes, three seeds, 80 questions x 2 turns x 5 languages, scores as in `_ordinal_scores`, 1,000 resamples, margin
0.5. A curve says by how many points each size is truly behind the largest. In brackets stands the Monte-Carlo error:
one standard deviation.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jobs.lib.stats.interval import Interval, over_seeds
from jobs.lib.stats.isotonic import monotone_band
from jobs.lib.stats.noninferiority import decide, resolved_margin
from jobs.lib.stats.pooling import Pooled, pool
from jobs.lib.stats.resampling import draw_weights, strata
from tests.bench._ordinal_scores import CATEGORIES, Scores, share

LEVEL, MARGIN, RESAMPLES, SEEDS, TOP = 0.95, 0.5, 1000, 3, 8.0
OTHERS = 5  # every so manieth study is decided in other ways too
FREEDOM = len(CATEGORIES) - len(strata(CATEGORIES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """True gaps to the largest size, smallest first; how much more each size's seeds vary."""

    gaps: tuple[float, ...]
    factors: tuple[float, ...] = ()
    languages: int = 5
    seeds: int = SEEDS
    arm_sd: float = 0.3
    seed_sds: tuple[float, ...] = (0.05, 0.1, 0.2)

    @property
    def right(self) -> int | None:
        """The smallest size that suffices, as do all larger ones; None: only the largest does."""
        short = [place for place, gap in enumerate(self.gaps) if gap >= MARGIN]
        first = max(short) + 1 if short else 0
        return first if first < len(self.gaps) else None


SCENARIOS = {
    "usual": Scenario(gaps=(2.0, 0.8, 0.2, 0.1)),
    "the step is at the margin": Scenario(gaps=(2.0, 0.5, 0.2, 0.1)),
    "none suffices, just": Scenario(gaps=(2.0, 1.5, 1.0, 0.5)),
    "all alike": Scenario(gaps=(0.0, 0.0, 0.0, 0.0), seed_sds=(0.1,)),
    "small sizes vary twice as much": Scenario(
        gaps=(2.0, 0.5, 0.2, 0.1), factors=(2.0, 2.0, 1.0, 1.0, 1.0), seed_sds=(0.1,)
    ),
    "sizes differ by question": Scenario(gaps=(2.0, 0.8, 0.2, 0.1), arm_sd=0.7, seed_sds=(0.05,)),
    "sizes differ by question, at the margin": Scenario(gaps=(2.0, 0.5, 0.2, 0.1), arm_sd=0.7, seed_sds=(0.05,)),
    "one language": Scenario(gaps=(2.0, 0.8, 0.2, 0.1), languages=1, seed_sds=(0.05,)),
    "one language, at the margin": Scenario(gaps=(2.0, 0.5, 0.2, 0.1), languages=1, seed_sds=(0.05,)),
    "two seeds, at the margin": Scenario(gaps=(2.0, 0.5, 0.2, 0.1), seeds=2, seed_sds=(0.1,)),
}


@dataclass(slots=True)
class Tally:
    """Of so many studies."""

    studies: int = 0
    false: int = 0  # a size was called sufficient that is not
    right: int = 0
    unresolved: int = 0
    false_short: int = 0
    unpooled_false: int = 0
    unpooled_right: int = 0
    loose_false: int = 0  # one-sided tests at 5 %
    loose_right: int = 0
    band: int = 0  # the whole true curve lies in it
    resolves: float = 0.0
    seed_sd: float = 0.0

    def add(self, scenario: Scenario, pooled: Pooled, arms: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:  # type: ignore[type-arg]
        """Count one study."""
        only = np.eye(len(arms))
        places = range(len(arms) - 1)
        right = scenario.right
        gaps = [pooled.interval(only[-1] - only[place], LEVEL, FREEDOM) for place in places]
        found = decide(gaps, MARGIN)
        self.studies += 1
        self.false += _is_false(found.sufficient, right)
        self.right += found.sufficient == right
        self.unresolved += found.sufficient is None and found.short is None
        self.false_short += found.short is not None and scenario.gaps[found.short] <= MARGIN
        self.resolves += resolved_margin(gaps)
        self.seed_sd += pooled.seed_sd
        if self.studies % OTHERS:
            return
        loose = decide([pooled.interval(only[-1] - only[place], 0.9, FREEDOM) for place in places], MARGIN)
        own = [
            over_seeds(arms[-1][0] - arms[at][0], arms[-1][1] - arms[at][1], LEVEL, freedom=FREEDOM) for at in places
        ]
        unpooled = decide(own, MARGIN)
        self.loose_false += _is_false(loose.sufficient, right)
        self.loose_right += loose.sufficient == right
        self.unpooled_false += _is_false(unpooled.sufficient, right)
        self.unpooled_right += unpooled.sufficient == right
        self.band += _holds(scenario, pooled, only)


def _is_false(sufficient: int | None, right: int | None) -> bool:
    """Whether a size was called sufficient that is not, or that smaller ones than which are."""
    return sufficient is not None and (right is None or sufficient < right)


def _holds(scenario: Scenario, pooled: Pooled, only: np.ndarray) -> bool:  # type: ignore[type-arg]
    each = 1 - (1 - LEVEL) / len(only)
    found: list[Interval] = [pooled.interval(one, each, FREEDOM) for one in only]
    band = monotone_band([one.low for one in found], [one.high for one in found])
    truth = [TOP - gap for gap in (*scenario.gaps, 0.0)]
    return band is not None and all(
        low <= value <= high for low, value, high in zip(band[0], truth, band[1], strict=True)
    )


def simulate(name: str, scenario: Scenario, seed_sd: float, studies: int) -> Tally:
    """Run so many studies of a scenario."""
    random = np.random.Generator(np.random.Philox(7))
    weights = draw_weights(CATEGORIES, RESAMPLES)
    weights /= weights.sum(axis=1, keepdims=True)
    scores = Scores(seed_sd=seed_sd, languages=scenario.languages, arm_sd=scenario.arm_sd)
    means = [TOP - gap for gap in (*scenario.gaps, 0.0)]
    tally = Tally()
    for _ in range(studies):
        drawn = scores.draw(random, means, scenario.seeds, scenario.factors)  # (A, S, Q)
        draws = (weights @ np.moveaxis(drawn, 2, 0).reshape(len(CATEGORIES), -1)).reshape(RESAMPLES, *drawn.shape[:2])
        arms = [(drawn[place].mean(axis=1), draws[:, place]) for place in range(len(means))]
        tally.add(scenario, pool(arms), arms)
    return tally


def main(studies: int, names: Sequence[str]) -> None:
    print(f"{studies} studies a line, margin {MARGIN}; in brackets the Monte-Carlo error")
    others = studies // OTHERS
    print(f"in use (one-sided 2.5 %, pooled) | of {others}: unpooled | one-sided 5 %, pooled | whole curve in band")
    for name in names or SCENARIOS:
        scenario = SCENARIOS[name]
        for seed_sd in scenario.seed_sds:
            begun = time.monotonic()
            tally = simulate(name, scenario, seed_sd, studies)
            print(
                f"{name}, seed SD {seed_sd}: false sufficient {share(tally.false, studies)}, right size "
                f"{share(tally.right, studies)}, unresolved {share(tally.unresolved, studies)}, false short "
                f"{share(tally.false_short, studies)} | false {share(tally.unpooled_false, others)}, right "
                f"{share(tally.unpooled_right, others)} | false {share(tally.loose_false, others)}, right "
                f"{share(tally.loose_right, others)} | {share(tally.band, others)}; resolves "
                f"{tally.resolves / studies:.3f}, SD seen {tally.seed_sd / studies:.3f} "
                f"[{time.monotonic() - begun:.0f} s]",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, sys.argv[2:])
