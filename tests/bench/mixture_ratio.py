"""How often the truly best mix is in the reported set, for truths that the blending model has and others.
docs/statistics.md quotes it.

    python -m tests.bench.mixture_ratio [STUDIES [SCENARIO …]]

The mixes of `polyglot init --design simplex` in five or three languages, or of `--design english-share`; three seeds,
80 questions x 2 turns x 5 languages, scores as in `_ordinal_scores`, 400 resamples, curvature common. A truth says
what every mix reaches, in points. The best mix is looked for among all mixes at a twentieth. In brackets stands the
Monte-Carlo error: one standard deviation.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.pooling import pool
from jobs.lib.stats.resampling import draw_weights, strata
from jobs.lib.stats.simplex_set import Surface, fit, tried_alone
from polyglot.core.blending import Components, find_components, is_identified, share_sweep, shares_of, simplex_design
from polyglot.core.mix import Mix
from tests.bench._ordinal_scores import CATEGORIES, Scores, share

LEVEL, MARGIN, RESAMPLES, SEEDS = 0.95, 0.3, 400, 3
FREEDOM = len(CATEGORIES) - len(strata(CATEGORIES))
Truth = Callable[[Floats], float]  # of shares, English first


def _pairs(x: Floats) -> float:
    return float(sum(a * b for a, b in combinations(x, 2)))


def _saturating(x: Floats) -> float:
    """Every language gains from its own rows, less and less; a little from English."""
    return float(np.mean(6.5 + 1.8 * (1 - np.exp(-7 * x))) + 0.3 * (1 - np.exp(-5 * x[0])))


TRUTHS: dict[str, Truth] = {
    "all alike": lambda x: 7.5,
    "blending": lambda x: float(7.0 + 0.3 * x[0] - 0.2 * x[-1] + 1.5 * _pairs(x)),
    "English bends": lambda x: float(7.0 + 0.2 * x[0] + 0.5 * _pairs(x) + 2.0 * x[0] * (1 - x[0])),
    "English alone is best": lambda x: float(7.0 + 0.8 * x[0]),
    "slightly best in between": lambda x: float(7.5 + 0.3 * _pairs(x)),
    "saturating": _saturating,
    "two languages help each other": lambda x: float(7.2 + 4 * 0.6 * x[0] * x[1]),
    "a fifth of English is needed": lambda x: float(7.0 + 4 * min(x[0], 0.2) - 0.8 * max(x[0] - 0.2, 0)),
}
DESIGNS = {
    "simplex, five languages": simplex_design(("EN", "DE", "FR", "IT", "ES")),
    "simplex, three languages": simplex_design(("EN", "DE", "FR")),
    "English share": share_sweep(("EN", "DE", "FR", "IT", "ES")),
    "as the paper, by themselves": tuple(map(Mix.parse, ("EN", "DE", "FR", "IT", "ES", "ENDEFRITES-sampled"))),
}

SEED_SDS = {
    **{("simplex, five languages", name): (0.1,) for name in TRUTHS},
    **{
        (design, name): (0.1,)
        for design in ("simplex, three languages", "English share")
        for name in ("blending", "saturating", "a fifth of English is needed")
    },
    ("as the paper, by themselves", "saturating"): (0.1,),
}


@dataclass(slots=True)
class Tally:
    """Of so many studies."""

    inside: int = 0  # the best mix may be the best: it is in the set, whatever the margin
    wrong_enough: int = 0  # a tried mix is said to be within the margin that is not
    enough: float = 0.0  # tried mixes that are said to be, of those that are
    size: float = 0.0  # mixes of the lattice in the set, of all
    departure: int = 0
    over_equal: int = 0  # a tried mix is wrongly said to be better than equal shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A design under a truth."""

    components: Components
    arms: tuple[tuple[float, ...], ...]  # coordinates of the tried mixes
    means: tuple[float, ...]  # what they truly reach
    best: tuple[float, ...]  # coordinates of the truly best mix
    best_mean: float
    lattice: tuple[tuple[float, ...], ...]
    is_fitted: bool

    def is_equal(self, at: tuple[float, ...]) -> bool:
        """Whether a mix has equal shares."""
        shares = self.components.shares(at)
        return len(shares) == len(self.components.languages) and max(shares.values()) - min(shares.values()) < 1e-5

    def terms(self, points: Sequence[Sequence[float]]) -> Floats:
        """Of the model, or of the tried mixes as they are."""
        if self.is_fitted:
            return np.array([self.components.terms(at, "common") for at in points])
        return np.array([[float(tuple(at) == arm) for arm in self.arms] for at in points])


def make(mixes: Sequence[Mix], truth: Truth) -> Study:
    """A study of a design under a truth."""
    shares = [found for mix in mixes if (found := shares_of(mix)) is not None]
    components = find_components(shares)
    assert components is not None
    languages = components.languages

    def reaches(at: Sequence[float]) -> float:
        return truth(np.array([components.shares(at).get(code, 0.0) for code in languages]))

    arms = tuple(components.at(one) for one in shares)
    is_fitted = is_identified([components.terms(at, "common") for at in arms])
    tried = {tuple(round(x, 4) for x in at) for at in arms}
    whole = components.lattice(arms) if is_fitted else ()
    lattice = tuple(at for at in whole if tuple(round(x, 4) for x in at) not in tried)
    fine = [*_at_steps(20, len(components.blends))] if is_fitted else [*arms]
    best = max([*arms, *fine], key=reaches)
    return Study(
        components=components,
        arms=arms,
        means=tuple(map(reaches, arms)),
        best=tuple(best),
        best_mean=reaches(best),
        lattice=lattice,
        is_fitted=is_fitted,
    )


def _at_steps(steps: int, parts: int) -> Sequence[tuple[float, ...]]:
    found = np.array(np.meshgrid(*[range(steps + 1)] * (parts - 1))).reshape(parts - 1, -1).T
    found = found[found.sum(axis=1) <= steps]
    return [tuple(row / steps for row in (*point, steps - sum(point))) for point in found.tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The tried mixes, the lattice, and the truly best one last if it was not tried."""

    terms: Floats
    tried: Sequence[int | None]
    best: int
    equal: int | None

    @classmethod
    def of(cls, study: Study) -> "Candidates":
        """Those of a study."""
        known = {tuple(round(x, 4) for x in at): number for number, at in enumerate(study.arms)}
        best = known.get(tuple(round(x, 4) for x in study.best))
        points = [*study.arms, *study.lattice, *(() if best is not None else (study.best,))]
        return cls(
            terms=study.terms(points),
            tried=[number if number < len(study.arms) else None for number in range(len(points))],
            best=len(points) - 1 if best is None else best,
            equal=next((number for number, at in enumerate(study.arms) if study.is_equal(at)), None),
        )


def count(study: Study, surface: Surface, candidates: Candidates, tally: Tally, *, whole: bool) -> None:
    """Count one study; `whole`: how large its set is, too."""
    values, places, more = surface.locate(candidates.terms, candidates.tried)
    better = _shown(values, places, more, surface.multiplier, candidates.best) > 1e-9
    better[candidates.best] = False
    tally.inside += not better.any()
    tally.departure += surface.departure > 0
    means = np.array(study.means)
    if candidates.equal is not None:
        shown = _shown(values, places, more, surface.multiplier, candidates.equal)[: len(means)] > 1e-9
        shown[candidates.equal] = False
        tally.over_equal += bool((shown & (means <= means[candidates.equal])).any())
    if whole:
        compared = surface.compare(candidates.terms, candidates.tried)
        tally.size += float(((compared.at_least <= 0) | (compared.at_most <= MARGIN)).mean())
        truly = study.best_mean - means <= MARGIN
        said = compared.at_most[: len(means)] <= MARGIN
        tally.wrong_enough += bool((said & ~truly).any())
        tally.enough += float((said & truly).sum() / max(1, truly.sum()))


def _shown(values: Floats, places: Floats, more: Floats, multiplier: float, one: int) -> Floats:
    """By how much at least each mix is better than one of them: a row of `Surface.compare`."""
    variance = np.sum((places - places[one]) ** 2, axis=1) + more + more[one]
    found: Floats = values - values[one] - multiplier * np.sqrt(variance)
    return found


def simulate(study: Study, seed_sd: float, studies: int, sized: int) -> Tally:
    """Run so many studies; the first `sized` also say how large their sets are."""
    random = np.random.Generator(np.random.Philox(11))
    weights = draw_weights(CATEGORIES, RESAMPLES)
    weights /= weights.sum(axis=1, keepdims=True)
    scores = Scores(seed_sd=seed_sd)
    tally = Tally()
    terms, candidates = study.terms(study.arms), Candidates.of(study)
    for number in range(studies):
        drawn = scores.draw(random, study.means, SEEDS)  # (A, S, Q)
        draws = (weights @ np.moveaxis(drawn, 2, 0).reshape(len(CATEGORIES), -1)).reshape(RESAMPLES, *drawn.shape[:2])
        pooled = pool([(drawn[place].mean(axis=1), draws[:, place]) for place in range(len(study.arms))])
        surface = fit(pooled, terms, LEVEL, FREEDOM) if study.is_fitted else tried_alone(pooled, LEVEL, FREEDOM)
        count(study, surface, candidates, tally, whole=number < sized)
    return tally


def main(studies: int, names: Sequence[str]) -> None:
    sized = max(1, studies // 50)
    print(f"{studies} studies a line (sizes of sets: {sized}), margin {MARGIN}; in brackets the Monte-Carlo error")
    for design, mixes in DESIGNS.items():
        for name in names or TRUTHS:
            for seed_sd in SEED_SDS.get((design, name), ()):
                begun = time.monotonic()
                study = make(mixes, TRUTHS[name])
                tally = simulate(study, seed_sd, studies, sized)
                behind = study.best_mean - min(study.means)
                print(
                    f"{design}; {name} (best {study.best_mean:.2f}, worst tried {behind:.2f} behind), "
                    f"seed SD {seed_sd}: best mix in set {share(tally.inside, studies)}; departures seen "
                    f"{share(tally.departure, studies)}; set {100 * tally.size / sized:.0f} % of mixes; "
                    f"wrongly within the margin {share(tally.wrong_enough, sized)}, rightly "
                    f"{100 * tally.enough / sized:.0f} %; wrongly over equal {share(tally.over_equal, studies)} "
                    f"[{time.monotonic() - begun:.0f} s]",
                    flush=True,
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, sys.argv[2:])
