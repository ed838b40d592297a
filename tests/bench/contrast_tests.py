"""Tests of contrasts by simulation, with the real resampling, intervals, p-values and Holm's adjustment.

    python -m tests.bench.contrast_tests [STUDIES [TABLE …]]

Scores are those of `_ordinal_scores`: whole numbers from 1 to 10, cut off at both ends, with the spread of published
answers and judges; 80 questions in 8 categories, two turns, five languages. Arms share the questions, and the spread
between their seeds as the aggregate finds it. Tables, with Monte-Carlo errors:

- `primary`: of one contrast between two of so many arms, how often a difference is shown where there is none, what 95 %
  intervals cover, how often half a point is shown (in brackets: as before seeds were shared), and the smallest
  difference that the study says it would find, with how often that is shown; `other`: of other scores and seeds;
- `unlike`: the same where there is none, of arms whose seeds do not vary alike;
- `best`: against the best of five, all alike or one of them as good as the treatment and better than the others;
- `families`, `other-families`: how often anything false is shown in one, before and after the adjustment.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt

import numpy as np

from jobs.aggregate.arms import Replicates
from jobs.aggregate.contrasts import Difference, Paired
from jobs.aggregate.seeds import SideErrors
from jobs.lib.stats.grid import SCALES, Floats
from jobs.lib.stats.inversion import Spread, holm, p_value, smallest_p
from jobs.lib.stats.resampling import draw_weights
from jobs.lib.stats.sharing import Shared, share
from tests.bench._ordinal_scores import CATEGORIES, Scores

FREEDOM = 72
RESAMPLES, FAMILY_RESAMPLES = 1000, 2000  # p-values of families are small, and need more
LEVEL, SEEDS, MEAN, GAIN = 0.95, 3, 6.0, 0.5
PLANNED = 500  # studies whose detectable difference is asked for
WEIGHTS = draw_weights(CATEGORIES, FAMILY_RESAMPLES)
WEIGHTS = WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Arms and their seeds. `factors` multiply the seed SD of each; `means` are those of arms that are not compared."""

    seed_sd: float
    arms: int = 9
    among: tuple[int, ...] = (9,)  # numbers of arms, of which the first so many are all that share
    seeds: int = SEEDS
    mean: float = MEAN
    arm_sd: float = 0.3
    factors: tuple[float, ...] = ()
    others: tuple[float, ...] = ()

    def studies(self, gains: Sequence[float], studies: int, resamples: int) -> Iterator["Study"]:
        """Studies in which the first arms are better than the mean by `gains`."""
        random = np.random.Generator(np.random.Philox(7))
        scores = Scores(seed_sd=self.seed_sd, arm_sd=self.arm_sd)
        means = [self.mean] * self.arms
        means[2:] = self.others or means[2:]
        for place, gain in enumerate(gains):
            means[place] += gain
        factors = self.factors or (1.0,) * self.arms
        for _ in range(studies):
            yield Study.of(scores.draw(random, means, self.seeds, factors), resamples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The arms of a study: `points` (A, S), `draws` (R, A, S), and the `scatter` (A,) of a seed on given questions."""

    points: Floats
    draws: Floats
    scatter: Floats

    @classmethod
    def of(cls, scores: Floats, resamples: int) -> "Study":
        """From scores (A, S, Q)."""
        draws = np.moveaxis(scores @ WEIGHTS[:resamples].T, 2, 0)
        seeds = scores.shape[1]
        apart = draws - draws.mean(axis=2, keepdims=True)
        scatter = apart.var(axis=0).sum(axis=1) / max(1, seeds - 1)
        return cls(points=scores.mean(axis=2), draws=draws, scatter=scatter)

    def arm(self, place: int) -> Replicates:
        """One arm."""
        labels = tuple(range(self.points.shape[1]))
        return Replicates(labels=labels, points=self.points[place], draws=self.draws[:, place])

    def shared(self, arms: int) -> Shared | None:
        """What the first so many arms share."""
        return share(self.points[:arms], self.scatter[:arms])

    def difference(
        self, ours: int, theirs: int, shared: Shared | None, chosen_draws: Floats | None = None
    ) -> Difference:
        """Of two arms, with what they borrow."""
        errors = None
        if shared is not None:
            errors = SideErrors(shared.errors({ours: 1.0}), shared.errors({theirs: 1.0}))
        paired = Paired(treatment=self.arm(ours), control=self.arm(theirs), chosen_draws=chosen_draws, errors=errors)
        return Difference.of(paired, len(CATEGORIES), SCALES["score"], freedom=FREEDOM)

    def p_value(self, ours: int, theirs: int, shared: Shared | None) -> float:
        """Of two arms; 1 where it is not below 5 %, as then nothing is shown by any adjustment."""
        found = self.difference(ours, theirs, shared)
        at = found.interval(LEVEL)
        if at.low <= 0 <= at.high:
            return 1.0
        floor = smallest_p(FAMILY_RESAMPLES, FREEDOM)
        return p_value(found.interval, LEVEL, floor, apart=at.low > 0 or at.high < 0)

    def shown_before(self, ours: int, theirs: int) -> bool:
        """Whether a difference was shown as long as a contrast's own seeds were all that was known of them."""
        one, two = self.arm(ours), self.arm(theirs)
        at = Spread.of(one.points - two.points, one.draws - two.draws, freedom=FREEDOM).interval(LEVEL)
        return at.low > 0 or at.high < 0


@dataclass(slots=True)
class Tally:
    """How contrasts fared."""

    studies: int = 0
    shown: int = 0
    before: int = 0
    covers: int = 0
    detectable: list[float] = field(default_factory=list)

    def add(self, found: Difference, truth: float, *, before: bool, planned: bool = False) -> None:
        """Count one contrast of a study, whose true difference is known; `before`: whether it was shown then."""
        at = found.interval(LEVEL)
        self.studies += 1
        self.shown += at.low > 0 or at.high < 0
        self.covers += at.low <= truth <= at.high
        self.before += before
        if planned:
            self.detectable.append(found.whole.detectable(LEVEL))

    def text(self, name: str) -> str:
        """A share with its error."""
        return _share(getattr(self, name), self.studies)

    def texts(self) -> str:
        """Shown (before), covers."""
        return f"{self.text('shown')} ({self.text('before')})  {self.text('covers')}"


def tallies(world: World, gain: float, studies: int, *, planned: bool = False) -> dict[int, Tally]:
    """The first contrast of a study in which the first so many arms are all that there are."""
    found = {arms: Tally() for arms in world.among}
    for number, study in enumerate(world.studies([gain], studies, RESAMPLES)):
        before = study.shown_before(0, 1)
        for arms, tally in found.items():
            difference = study.difference(0, 1, study.shared(arms))
            tally.add(difference, gain, before=before, planned=planned and number < PLANNED)
    return found


def primary(studies: int) -> None:
    """One contrast, by arms and the seeds' SD."""
    _primary(PRIMARY, studies)


def other(studies: int) -> None:
    """One contrast in other studies."""
    _primary(OTHER, studies)


def _primary(worlds: Sequence[World], studies: int) -> None:
    print("seeds arms seed-sd mean | nothing: shown (before)  covers | half a point: covers  shown (before) | ", end="")
    print("detectable, shown")
    quarter = max(1, studies // 4)
    for world in worlds:
        null, half = tallies(world, 0.0, studies, planned=True), tallies(world, GAIN, quarter)
        for arms in world.among:
            least = float(np.median(null[arms].detectable))
            there = tallies(replace(world, among=(arms,)), least, quarter)[arms]
            print(
                f"{world.seeds} {arms} {world.seed_sd:.2f} {world.mean:.1f} {world.arm_sd:.1f} {world.others} | "
                f"{null[arms].texts()} | "
                f"{half[arms].text('covers')}  {half[arms].text('shown')} ({half[arms].text('before')}) | "
                f"{least:.2f}  {there.text('shown')}",
                flush=True,
            )


def unlike(studies: int) -> None:
    """Arms whose seeds do not vary alike: contrasts with the first, of two others, and of any two."""
    print("seed SDs | with the first: shown (before)  covers | others: shown (before)  covers | any two: shown")
    for world in UNLIKE:
        found = {(arms, pair): Tally() for arms in world.among for pair in ((0, 1), (1, 2))}
        for study in world.studies([], studies, RESAMPLES):
            before = {pair: study.shown_before(*pair) for pair in ((0, 1), (1, 2))}
            each = {arms: study.shared(arms) for arms in world.among}
            for (arms, pair), tally in found.items():
                tally.add(study.difference(*pair, each[arms]), 0.0, before=before[pair])
        for arms in world.among:
            first, others, odd = found[arms, (0, 1)], found[arms, (1, 2)], 2 / arms
            print(
                f"{arms} arms, {world.seed_sd * world.factors[0]:.2f} among {world.seed_sd:.2f} | "
                f"{first.texts()} | {others.texts()} | "
                f"{100 * (odd * first.shown + (1 - odd) * others.shown) / studies:.2f}",
                flush=True,
            )


def best(studies: int) -> None:
    """The first of six arms minus the best of the others, one of which is better by a gap."""
    print("seed-sd gap | nothing: shown  covers")
    for world, gap in BEST:
        tally = Tally()
        for study in world.studies([gap, gap], studies, RESAMPLES):
            chosen = 1 + int(study.points[1:].mean(axis=1).argmax())
            middle = study.draws.mean(axis=2)  # (R, A)
            anew = middle[:, 0] - middle[:, 1:].max(axis=1)
            tally.add(study.difference(0, chosen, None, anew), 0.0, before=False)
        print(f"{world.seed_sd:.2f} {gap:.1f} | {tally.text('shown')}  {tally.text('covers')}", flush=True)


def families(studies: int) -> None:
    """Nine contrasts with one control, none of them true."""
    _families(FAMILIES, studies)


def other_families(studies: int) -> None:
    """Families of other studies."""
    _families(OTHER_FAMILIES, studies)


def _families(worlds: Sequence[tuple[World, int]], studies: int) -> None:
    """Every arm minus the last: anything false shown, before and after the adjustment; true differences shown."""
    print("arms seeds seed-sd better | any false shown: unadjusted, Holm | true ones shown")
    for world, better in worlds:
        before, after, found = falsely(world, better, studies)
        odd = f"; one {world.seed_sd * max(world.factors):.2f}" if world.factors else ""
        print(
            f"{world.arms} {world.seeds} {world.seed_sd:.2f}{odd} {better} | "
            f"{_share(before, studies)}  {_share(after, studies)} | "
            + (_share(found, studies * better) if better else ""),
            flush=True,
        )


def falsely(world: World, better: int, studies: int) -> tuple[int, int, int]:
    """Studies with anything false shown, before and after the adjustment; how many true differences were shown."""
    before, after, found = 0, 0, 0
    for study in world.studies([0.8] * better, studies, FAMILY_RESAMPLES):
        shared = study.shared(world.arms)
        values = [study.p_value(place, world.arms - 1, shared) for place in range(world.arms - 1)]
        adjusted = holm(values)
        before += any(value < 1 - LEVEL for value in values[better:])
        after += any(value < 1 - LEVEL for value in adjusted[better:])
        found += sum(value < 1 - LEVEL for value in adjusted[:better])
    return before, after, found


def _share(hits: int, of: int) -> str:
    part = hits / of
    return f"{100 * part:5.2f} +- {100 * sqrt(max(part * (1 - part), 1e-9) / of):.2f}"


SDS = (0.0, 0.05, 0.1, 0.3)
SPREAD_OUT = (5.0, 5.5, 6.5, 7.0, 7.5, 8.0, 8.5)  # means of other arms
PRIMARY = tuple(World(seed_sd=sd, among=(2, 4, 9)) for sd in SDS)
OTHER = (
    World(seed_sd=0.0, seeds=1, arms=2, among=(2,)),
    World(seed_sd=0.0, seeds=1, arms=2, among=(2,), mean=8.0),
    World(seed_sd=0.1, mean=8.0),
    World(seed_sd=0.1, others=SPREAD_OUT),
    World(seed_sd=0.1, arm_sd=0.7),
    World(seed_sd=0.1, seeds=2),
    World(seed_sd=0.1, seeds=5),
    World(seed_sd=0.3, seeds=5),
)
UNLIKE = tuple(World(seed_sd=0.05, factors=(factor, *(1.0,) * 8), among=(4, 9)) for factor in (2, 4, 6, 10))
BEST = tuple((World(arms=6, seed_sd=sd), gap) for gap in (0.0, 0.2, 1.0) for sd in (0.0, 0.1, 0.2))
FAMILIES = tuple((World(arms=10, seed_sd=sd), 0) for sd in SDS[1:])
OTHER_FAMILIES = (
    (World(arms=4, seed_sd=0.1), 0),
    (World(arms=10, seed_sd=0.1), 4),
    (World(arms=10, seed_sd=0.0, seeds=1), 0),
    (World(arms=10, seed_sd=0.05, factors=(6.0, *(1.0,) * 9)), 0),
    (World(arms=10, seed_sd=0.05, factors=(*(1.0,) * 9, 6.0)), 0),
)
TABLES = {
    "primary": primary,
    "other": other,
    "unlike": unlike,
    "best": best,
    "families": families,
    "other-families": other_families,
}

if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"{number} studies a line, a quarter for half a point and detectable; per cent +- Monte-Carlo error")
    for name in sys.argv[2:] or TABLES:
        TABLES[name](number)
