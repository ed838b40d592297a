"""Goodput of trainings: the time of the steps that are in the result over the time that all starts had the GPUs.

Time is that of GPUs, and of processes where there are none: of as many as each start had. What stands between the two:
validations, standing still for checkpoints, steps that were lost with their start, and the rest, which is loading,
writing the result, and what a start did after its last record.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from polyglot.attempts.history import History
from polyglot.attempts.ledger import COMMITTED, Entry, ledger
from polyglot.core.stage import PlannedStage
from polyglot.core.units import show_seconds
from polyglot.kinds.registry import kind_of
from polyglot.store.futures import concurrently
from polyglot.store.manifest import manifest_path
from polyglot.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds of one GPU or process, each times their number; `data` are among those of steps that are kept."""

    allocated: float = 0.0
    steps: float = 0.0
    data: float = 0.0
    validation: float = 0.0
    checkpoints: float = 0.0
    lost: float = 0.0

    @property
    def rest(self) -> float:
        """What is in none of them."""
        return max(0.0, self.allocated - self.steps - self.validation - self.checkpoints - self.lost)

    @property
    def goodput(self) -> float | None:
        """The share of the steps; None where nothing was recorded of any."""
        recorded = self.steps or self.lost
        return min(1.0, self.steps / self.allocated) if self.allocated and recorded else None

    def __add__(self, other: "Times") -> "Times":
        return Times(**{name: getattr(self, name) + getattr(other, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTimes:
    """One start: what it did, with how many GPUs or processes, and where its time went."""

    entry: Entry
    devices: int
    ended: datetime
    times: Times


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodput:
    """One training."""

    planned: PlannedStage
    starts: tuple[StartTimes, ...]

    @property
    def times(self) -> Times:
        """Of all of its starts."""
        return total(self.starts)

    @property
    def lost_steps(self) -> int:
        """Steps that were done and are not in the result."""
        return sum(start.entry.lost_steps for start in self.starts)


def total(starts: Sequence[StartTimes]) -> Times:
    """The sum over starts."""
    return sum((start.times for start in starts), Times())


def in_words(found: Sequence[Goodput]) -> str:
    """One line on all trainings, for people; "" where no step of any was recorded.

    `92.1% of 1 h 2 m of GPUs (or processes) of the trainings were steps of the results; validation 3.0%, …`
    """
    times = total([start for one in found for start in one.starts])
    if times.goodput is None:
        return ""
    parts = (
        ("validation", times.validation),
        ("checkpoints", times.checkpoints),
        ("steps that were lost", times.lost),
        ("loading, writing and the rest", times.rest),
    )
    told = [f"{name} {100 * seconds / times.allocated:.1f}%" for name, seconds in parts if seconds]
    text = (
        f"{100 * times.goodput:.1f}% of {show_seconds(times.allocated)} of GPUs (or processes) of the trainings were "
    )
    return text + "; ".join(["steps of the results", *([", ".join(told)] if told else [])])


def goodputs(
    stages: Sequence[PlannedStage], store: Store, *, alive: Callable[[str], bool | None] | None = None
) -> list[Goodput]:
    """Return those of trainings that began, in the plan's order; `alive` says whether a stage of some key runs."""
    found = concurrently(lambda planned: _goodput(planned, store, alive), stages)
    return [one for one in found if one.starts]


def _goodput(planned: PlannedStage, store: Store, alive: Callable[[str], bool | None] | None) -> Goodput:
    history = History(store, planned.stage)
    manifest = store.head(manifest_path(planned.stage.kind, planned.key))
    running = manifest is None and alive is not None and bool(alive(planned.key))
    entries = ledger(history, committed=manifest is not None, running=running)
    starts = []
    for entry in entries:
        session = entry.session
        ended = max(session.last_sign, manifest.modified) if manifest and entry.end == COMMITTED else session.last_sign
        devices = _devices(history, entry, planned)
        seconds = (ended - session.began).total_seconds()
        starts.append(StartTimes(entry=entry, devices=devices, ended=ended, times=_times(entry, seconds, devices)))
    return Goodput(planned=planned, starts=tuple(starts))


def _devices(history: History, entry: Entry, planned: PlannedStage) -> int:
    """The processes of a start, one a GPU where there are any; as is planned now where it did not say."""
    said = history.who(entry.session.attempt, entry.session.start).get("processes")
    if isinstance(said, int):
        return said
    return kind_of(planned.stage.kind).world_size(planned.resources, planned.settings)


def _times(entry: Entry, seconds: float, devices: int) -> Times:
    kept = [(group, group.share(above=entry.after or 0, upto=entry.kept)) for group, _ in entry.groups]
    return Times(
        allocated=devices * seconds,
        steps=devices * sum(group.seconds * share for group, share in kept),
        data=devices * sum(group.data_seconds * share for group, share in kept),
        validation=devices * sum(group.validation_seconds * share for group, share in kept),
        checkpoints=devices * sum(group.checkpoint_seconds * share for group, share in kept),
        lost=devices * sum(group.all_seconds * (1 - share) for group, share in kept),
    )
