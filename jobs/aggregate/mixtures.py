"""Which shares of languages are best: a blending model over mixes of one size, and which are not shown to be worse.

Reads the tables of a study; questions are resampled once for all, as everywhere. What is decided how:
docs/statistics.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from jobs.aggregate.arms import Arm
from jobs.aggregate.rounding import DIGITS, measured, rounded
from jobs.aggregate.tables import Tables
from jobs.aggregate.thresholds import pool_arms
from jobs.lib.stats.grid import SCALES
from jobs.lib.stats.interval import Interval, widened
from jobs.lib.stats.pooling import Pooled
from jobs.lib.stats.simplex_set import Compared, Surface, fit, tried_alone
from polyglot.core.blending import (
    LEAST_MIXES,
    Components,
    Shares,
    equal_shares,
    find_components,
    is_identified,
    shares_of,
)
from polyglot.core.mix import Mix
from polyglot.kinds.cells import AGAIN
from polyglot.kinds.measured import Measured
from polyglot.kinds.mixtures import BlendRow, Mixtures, MixtureSet, Model, NoSet, SurfacePoint

DRAWN_COMPONENTS = 3  # at most, of a surface that is written point by point


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A mix that may be the best: tried or not."""

    at: tuple[float, ...]  # shares of the components
    arm: int | None  # its place among the tried ones


def mixtures(tables: Tables) -> Mixtures:
    """Return the document of mixtures.json."""
    margin = tables.params.findings.mixture_margin
    cells = {cell.arm_key: cell for cell in tables.cells}
    groups: dict[tuple[str, str, int | None], list[tuple[Arm, Shares]]] = {}
    by_shares = set()
    for arm in tables.arms:
        cell = cells[arm.key]
        if cell.dataset is None or cell.mix is None or AGAIN in cell.form:
            continue
        mix = Mix.parse(cell.mix)
        shares = shares_of(mix)
        if shares is not None:
            group = (cell.model, cell.dataset, cell.size)
            groups.setdefault(group, []).append((arm, shares))
            by_shares |= {group} if mix.millionths is not None else set()
    wanted = groups if margin is not None else by_shares
    return Mixtures(
        margin=margin,
        found=tuple(
            _Set(tables, group, members, components).found()
            for group, members in groups.items()
            if group in wanted and (components := find_components([shares for _, shares in members])) is not None
        ),
    )


class _Set:
    """The mixes of one model, data set and size."""

    def __init__(
        self,
        tables: Tables,
        group: tuple[str, str, int | None],
        members: Sequence[tuple[Arm, Shares]],
        components: Components,
    ) -> None:
        self.tables, self.group, self.components = tables, group, components
        on = [*range(len(tables.params.languages))]
        whole = tables.whole.score
        known = [(arm, shares) for arm, shares in members if not np.isnan(whole.points(arm, on)).any()]
        self.arms = [arm for arm, _ in known]
        self.shares = [shares for _, shares in known]
        self.at = [components.at(shares) for shares in self.shares]
        self.pooled: Pooled | None = pool_arms(whole, self.arms, on) if known else None
        self.equal = equal_shares(components.languages)

    def found(self) -> MixtureSet:
        """What is written of them."""
        pooled = self.pooled
        if pooled is None or len(self.arms) < LEAST_MIXES:
            return self._document(why_not="few-mixes")
        if not pooled.freedom:
            return self._document(why_not="one-seed")
        blending, surface = self._surface(pooled)
        candidates = self._candidates(blending)
        terms = np.array([self._terms(one, blending) for one in candidates])
        compared = surface.compare(terms, [one.arm for one in candidates])
        behind, least, most = (np.round(one, DIGITS) for one in (compared.behind, compared.at_least, compared.at_most))
        margin = self.tables.params.findings.mixture_margin
        in_set = (least <= 0) | (most <= (margin or 0.0))
        limits = [
            Interval(mean=float(a), low=float(b), high=float(c)) for a, b, c in zip(behind, least, most, strict=True)
        ]
        equal = next((place for place, one in enumerate(candidates) if self._is_equal(one)), None)
        rows = {
            place: self._row(pooled, place, candidates[place], compared, limits[place], equal, blending)
            for place in {*range(len(self.arms)), int(np.argmax(compared.values)), *(() if equal is None else (equal,))}
        }
        best = int(np.argmax(compared.values))
        drawn = blending != "none" and len(self.components.blends) <= DRAWN_COMPONENTS
        return self._document(
            blending=blending,
            surface=surface,
            best=rows[best],
            equal=None if equal is None else rows[equal],
            tried=tuple(rows[place] for place in range(len(self.arms))),
            resolves=rounded(float(compared.reach[: len(self.arms), best].max())),
            reach={
                name: (round(min(inside), DIGITS), round(max(inside), DIGITS))
                for number, name in enumerate(self.components.names)
                if (inside := [one.at[number] for one, held in zip(candidates, in_set, strict=True) if held])
            },
            points=tuple(
                _point(one, float(value), limit, held=bool(held))
                for one, value, limit, held in zip(candidates, compared.values, limits, in_set, strict=True)
                if drawn
            ),
        )

    def _surface(self, pooled: Pooled) -> tuple[Model, Surface]:
        """The blending model that was asked for; without one where the mixes do not tell it."""
        params, questions = self.tables.params, self.tables.whole.freedom
        curvature = params.findings.curvature
        terms = [self.components.terms(at, curvature) for at in self.at]
        if is_identified(terms):
            return curvature, fit(pooled, np.array(terms), params.level, questions)
        return "none", tried_alone(pooled, params.level, questions)

    def _candidates(self, blending: Model) -> list[_Candidate]:
        """The tried mixes first; with a model equal shares and a lattice besides."""
        tried = [_Candidate(at=at, arm=place) for place, at in enumerate(self.at)]
        if blending == "none":
            return tried
        more = [*([self.components.at(self.equal)] if self.components.has(self.equal) else [])]
        more += [at for at in self.components.lattice(self.at)]
        found = list(tried)
        for at in more:
            if all(_apart(at, one.at) for one in found[: len(tried) + 1]):
                found.append(_Candidate(at=at, arm=None))
        return found

    def _terms(self, one: _Candidate, blending: Model) -> Sequence[float]:
        if blending == "none":
            return [float(place == one.arm) for place in range(len(self.arms))]
        return self.components.terms(one.at, blending)

    def _is_equal(self, one: _Candidate) -> bool:
        return self.components.has(self.equal) and not _apart(one.at, self.components.at(self.equal))

    def _row(
        self,
        pooled: Pooled,
        place: int,
        one: _Candidate,
        compared: Compared,
        behind: Interval,
        equal: int | None,
        blending: Model,
    ) -> BlendRow:
        whole, params = self.tables.whole, self.tables.params
        nothing = Measured(value=None, low=None, high=None, of=whole.questions)
        mean, over = nothing, nothing
        if one.arm is not None:
            found = pooled.interval(np.eye(len(self.arms))[one.arm], params.level, whole.freedom)
            scale = SCALES["score"]
            mean = measured(widened(found, whole.questions, params.level, *scale).clipped(*scale), whole.questions)
        if equal is not None:
            apart = float(compared.values[place] - compared.values[equal])
            reach = float(compared.reach[place, equal])
            over = measured(Interval(mean=apart, low=apart - reach, high=apart + reach), whole.questions)
        margin = params.findings.mixture_margin
        shares: Mapping[str, float] = self.components.shares(one.at) if one.arm is None else self.shares[one.arm]
        return BlendRow(
            shares={code: round(share, 6) for code, share in shares.items()},
            arm=None if one.arm is None else self.arms[one.arm].key.arm,
            seeds=0 if one.arm is None else self.arms[one.arm].seeds,
            mean=mean,
            fitted=None if blending == "none" else rounded(float(compared.values[place])),
            behind=measured(behind, whole.questions),
            over_equal=over,
            may_be_best=behind.low <= 0,
            enough=margin is not None and behind.high <= margin,
            in_set=behind.low <= 0 or behind.high <= (margin or 0.0) or place == equal,
        )

    def _document(
        self,
        *,
        why_not: NoSet = "",
        blending: Model = "none",
        surface: Surface | None = None,
        best: BlendRow | None = None,
        equal: BlendRow | None = None,
        tried: tuple[BlendRow, ...] = (),
        resolves: float | None = None,
        reach: Mapping[str, tuple[float, float]] | None = None,
        points: tuple[SurfacePoint, ...] = (),
    ) -> MixtureSet:
        pooled, fitted = self.pooled, surface is not None and blending != "none"
        names = self.components.term_names(self.tables.params.findings.curvature)
        known = pooled is not None and pooled.freedom > 0
        return MixtureSet(
            model=self.group[0],
            dataset=self.group[1],
            size=self.group[2],
            on=self.tables.params.languages,
            components=self.components.names,
            why_not=why_not,
            blending=blending,
            coefficients={
                name: round(float(value), DIGITS) + 0.0 for name, value in zip(names, surface.coefficients, strict=True)
            }
            if surface is not None and fitted
            else {},
            departure_sd=rounded(sqrt(surface.departure))
            if surface is not None and fitted and len(self.arms) > len(names)
            else None,
            seed_sd=rounded(pooled.seed_sd) if pooled is not None and known else None,
            freedom=pooled.freedom if pooled is not None else 0,
            resolves=resolves,
            best=best,
            equal=equal,
            tried=tried,
            reach=dict(reach or {}),
            surface=points,
        )


def _point(one: _Candidate, value: float, behind: Interval, *, held: bool) -> SurfacePoint:
    return SurfacePoint(
        at=tuple(round(share, 6) for share in one.at),
        fitted=round(value, DIGITS) + 0.0,
        low=round(behind.low, DIGITS),
        high=round(behind.high, DIGITS),
        in_set=held,
    )


def _apart(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether two mixes differ by more than names can tell."""
    return max(abs(a - b) for a, b in zip(first, second, strict=True)) > 1e-4
