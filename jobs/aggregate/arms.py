"""Arms: one mix at one size (of one model and data set) over its training seeds, and what is averaged into them."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.interval import Interval, SeedDraws, crossed, mean_of_seeds, over_seeds
from jobs.lib.stats.inversion import Spread
from jobs.lib.stats.resampling import Estimates, Sums
from jobs.lib.stats.sharing import Shared, share
from polyglot.core.detectable import LEAST_ARMS
from polyglot.kinds.aggregate import InferenceScope
from polyglot.kinds.cells import ArmKey, Cell, Peers

ROOM = 64 * 2**20  # bytes of draws that are kept
AT_ONCE = 16  # arms that are drawn for at once
GROUPS = ("all", "in-mix", "out-of-mix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One mix at one size. `units` are its replicates: the cells of one training seed each, as positions in the grid.

    Draws of rows under one seed are averaged within it, however few seeds there are: a label is a seed everywhere,
    so that arms with draws pair with arms that have none.
    """

    key: ArmKey
    languages: tuple[str, ...]  # of the mix; empty for what is not tuned
    units: dict[int | None, tuple[int, ...]]
    peers: Peers | None = None  # whose seeds may be expected to vary alike; None of what is not tuned

    @property
    def cells(self) -> tuple[int, ...]:
        """Its cells, unit by unit."""
        return tuple(cell for members in self.units.values() for cell in members)

    @property
    def seeds(self) -> int:
        """How many training seeds there are."""
        return len(self.units.keys() - {None})

    def group(self, name: str, languages: Sequence[str]) -> tuple[str, ...]:
        """The benchmark's languages that a group stands for; empty when the arm has no such group."""
        if name == "all":
            return tuple(languages)
        if not self.languages:
            return ()  # what is not tuned has no mix to be inside or outside of
        return tuple(language for language in languages if (language in self.languages) == (name == "in-mix"))


@dataclass(slots=True)
class Known:
    """What was found out about an arm's replicates; it stays when their draws are let go of."""

    scatter: float | None = None
    intervals: dict[tuple[float, int | None], Interval] = field(default_factory=dict)  # by level and freedom


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """The mean over some languages, per replicate: `points` (S,) and `draws` (R, S), labelled by seed."""

    labels: tuple[int | None, ...]
    points: Floats
    draws: Floats

    known: Known = field(default_factory=Known, compare=False)
    _spreads: dict[int | None, Spread] = field(default_factory=dict, init=False, compare=False)  # by freedom

    def interval(self, level: float, freedom: int | None = None) -> Interval:
        """The interval of the mean over replicates, from questions (with their degrees of freedom) and seeds.

        The first is read off the draws as they are, others, as tests need them, off draws in order.
        """
        key = (level, freedom)
        if key not in self.known.intervals:
            if self.known.intervals:
                found = self._spread(freedom).interval(level)
            else:
                draws = SeedDraws.of(self.points, self.draws)
                self.known.scatter = draws.scatter
                found = over_seeds(self.points, self.draws, level, freedom=freedom, known=draws)
            self.known.intervals[key] = found
        return self.known.intervals[key]

    def _spread(self, freedom: int | None) -> Spread:
        if freedom not in self._spreads:
            self._spreads[freedom] = Spread.of(self.points, self.draws, freedom=freedom)
        return self._spreads[freedom]

    @property
    def scatter(self) -> float:
        """The variance of one replicate's mean that is the scatter of replicates on given questions."""
        if self.known.scatter is None:
            self.known.scatter = crossed(self.draws, mean_of_seeds(self.draws))
        return self.known.scatter

    def of(self, labels: Sequence[int | None]) -> "Replicates":
        """The replicates of these labels; an arm without a seed stands for itself under each of them."""
        if self.labels == tuple(labels):
            return self
        at = [0 if self.labels == (None,) else self.labels.index(label) for label in labels]
        return Replicates(labels=tuple(labels), points=self.points[at], draws=self.draws[:, at])


class Group(NamedTuple):
    """Arms whose seeds vary alike, by their places in what they share."""

    places: Mapping[ArmKey, int]
    shared: Shared


def scope(seeds: int, min_seeds: int) -> InferenceScope:
    """What numbers from so many training seeds may be said of."""
    return "mix" if seeds >= min_seeds else "this model"


def cell_order(cell: Cell, languages: Sequence[str]) -> tuple[object, ...]:
    """Sort key: the untuned model, monolingual mixes in the order of the languages, larger mixes; sizes rise. Baselines
    come last.
    """
    known = {language: index for index, language in enumerate(languages)}
    places = tuple(known.get(language, len(known)) for language in cell.languages)
    return (
        cell.baseline != "",
        cell.model,
        cell.dataset is not None,
        cell.dataset or "",
        cell.mix is not None,
        -len(places) if len(places) > 1 else len(places) - len(known) - 2,
        cell.sampled,
        places,
        cell.mix or "",
        cell.size is None,
        cell.size or 0,
        cell.otherwise,
        -1 if cell.seed is None else cell.seed,
        cell.draw,
        cell.cell,
    )


def find_arms(cells: Sequence[Cell]) -> list[Arm]:
    """Group cells, in their order, into arms."""
    grouped: dict[ArmKey, list[int]] = {}
    for index, cell in enumerate(cells):
        grouped.setdefault(cell.arm_key, []).append(index)
    arms = []
    for key, members in grouped.items():
        units: dict[int | None, tuple[int, ...]] = {}
        for index in members:
            label = cells[index].seed
            units[label] = (*units.get(label, ()), index)
        first = cells[members[0]]
        arms.append(Arm(key=key, languages=first.languages, units=units, peers=first.peers))
    return arms


class Averages:
    """Averages of arms' cells over languages, unweighted, and over the draws of each seed.

    The additions are one after another and elementwise, so that they round alike everywhere. What was averaged stays,
    as far as `room` (bytes) goes: a contrast's arms are in other contrasts too. `arms` are all of the study, which may
    know of each other's seeds.
    """

    def __init__(self, estimates: Estimates, arms: Sequence[Arm] = (), room: int = ROOM) -> None:
        self.estimates, self.arms, self.room = estimates, arms, room
        self._places: Mapping[int, int] = {}  # of cells in the sums that are there
        self._sums: Sums | None = None
        self._known: dict[tuple[ArmKey, tuple[int, ...]], Known] = {}
        self._made: OrderedDict[tuple[ArmKey, tuple[int, ...]], Replicates] = OrderedDict()
        self._bytes = 0
        self._groups: dict[tuple[Peers, tuple[int, ...], tuple[int | None, ...]], Group | None] = {}

    def points(self, arm: Arm, on: Sequence[int]) -> Floats:
        """The averages (S,) on the real questions, over the languages at positions `on`."""
        point = self.estimates.point
        return np.array(
            [
                sum(point[cell, k] for cell in members for k in on) / (len(members) * len(on))
                for members in arm.units.values()
            ]
        )

    def load(self, arms: Iterable[Arm]) -> Sums:
        """Draw for the cells of some arms at once, in their order: one product in place of many small ones."""
        cells = [cell for arm in arms for cell in arm.cells]
        self._places = {cell: place for place, cell in enumerate(cells)}
        self._sums = self.estimates.sums_of(cells)
        return self._sums

    def expect(self, wanted: Iterable[tuple[Arm, Sequence[int]]]) -> None:
        """Load the arms, `AT_ONCE` at most, of what is asked for next and was not averaged yet."""
        missing = {arm.key: arm for arm, on in wanted if (arm.key, tuple(on)) not in self._made}
        if not all(cell in self._places for arm in missing.values() for cell in arm.cells):
            self.load([*missing.values()][:AT_ONCE])

    def each(self, arms: Sequence[Arm], on: Sequence[int]) -> Iterator[Replicates]:
        """Those of several arms, some of which are loaded at once."""
        for at in range(0, len(arms), AT_ONCE):
            self.expect((arm, on) for arm in arms[at : at + AT_ONCE])
            for arm in arms[at : at + AT_ONCE]:
                yield self.replicates(arm, on)

    def replicates(self, arm: Arm, on: Sequence[int]) -> Replicates:
        """The averages with their draws."""
        key = (arm.key, tuple(on))
        if key not in self._made:
            found = self._average(arm, on)
            self._made[key] = found
            self._bytes += found.draws.nbytes
            while self._bytes > self.room and len(self._made) > 1:
                self._bytes -= self._made.popitem(last=False)[1].draws.nbytes
        self._made.move_to_end(key)
        return self._made[key]

    def _average(self, arm: Arm, on: Sequence[int]) -> Replicates:
        found = self._sums
        if found is None or any(cell not in self._places for cell in arm.cells):
            found = self.load([arm])
        draws = np.empty((len(arm.units), found.over.shape[-1]))
        for row, members in zip(draws, arm.units.values(), strict=True):
            found.mean([(self._places[cell], k) for cell in members for k in on], row)
        known = self._known.setdefault((arm.key, tuple(on)), Known())
        return Replicates(labels=tuple(arm.units), points=self.points(arm, on), draws=draws.T, known=known)

    def group(self, peers: Peers, on: Sequence[int], labels: Sequence[int | None]) -> Group | None:
        """What all arms of a group that have the seeds `labels` share, over the languages at positions `on`.

        None where too few of them can.
        """
        key = (peers, tuple(on), tuple(labels))
        if key not in self._groups:
            members = [arm for arm in self.arms if arm.peers == peers and arm.units.keys() >= set(labels)]
            shared = None
            if len(members) >= LEAST_ARMS and len(labels) > 1:
                points, scatter = np.empty((len(members), len(labels))), np.empty(len(members))
                for place, each in enumerate(self.each(members, on)):
                    found = each.of(labels)
                    points[place], scatter[place] = found.points, found.scatter
                shared = share(points, scatter)
            places = {arm.key: place for place, arm in enumerate(members)}
            self._groups[key] = None if shared is None else Group(places=places, shared=shared)
        return self._groups[key]
