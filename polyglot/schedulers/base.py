"""What the engine asks of whatever runs attempts: submit, watch, logs, cancel; and the events that it is told.

Native states are mapped to `Outcome` in one commented table per scheduler.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Self

from polyglot.core.errors import Exit, PolyglotError
from polyglot.core.stage import PlannedStage, WorkDocument


class Outcome(StrEnum):
    """How an attempt ended, in the words of the engine."""

    COMMITTED = "committed"  # exit 0; the manifest is checked all the same
    PERMANENT = "permanent"  # exit 42
    INTERRUPTED = "interrupted"  # exit 43, or drained, preempted, evicted
    OUT_OF_MEMORY = "out-of-memory"
    OUT_OF_DEVICE_MEMORY = "out-of-device-memory"  # a GPU's: as its worker's record tells, for the exit code is one
    OUT_OF_DISK = "out-of-disk"  # evicted, as it had written more than it may
    TIMED_OUT = "timed-out"  # the deadline of the attempt passed
    OVER_BUDGET = "over-budget"  # exit 3: the next call might cost more than the study may
    TRANSIENT = "transient"  # anything else

    @classmethod
    def of_exit(cls, code: int) -> "Outcome":
        """What a worker's own exit code says."""
        return _EXITS.get(code, cls.TRANSIENT)


_EXITS: Mapping[int, Outcome] = {
    Exit.FINE: Outcome.COMMITTED,
    Exit.OVER_BUDGET: Outcome.OVER_BUDGET,
    Exit.PERMANENT: Outcome.PERMANENT,
    Exit.INTERRUPTED_WORKER: Outcome.INTERRUPTED,
    Exit.INPUT_WITHDRAWN: Outcome.INTERRUPTED,
    Exit.OUT_OF_MEMORY_WORKER: Outcome.OUT_OF_MEMORY,
    Exit.TIMED_OUT: Outcome.TIMED_OUT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a stage; `number` counts from 1 and is the r<n> of its name. `input_kinds` maps roles to kinds."""

    planned: PlannedStage
    number: int
    store_url: str
    input_kinds: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`<kind>[-<mix slug>]-<key12>-r<n>`."""
        return f"{self.planned.name}-r{self.number}"

    def request(self, *, cpus: int | None = None) -> WorkDocument:
        """The JSON document that a worker is started with; `cpus` when it does not get those that it asks for."""
        resources = self.planned.resources if cpus is None else replace(self.planned.resources, cpus=cpus)
        return {
            "stage": self.planned.stage.document(),
            "label": self.planned.label,
            "attempt": self.number,
            "store": self.store_url,
            "input_kinds": dict(self.input_kinds),
            "settings": dict(self.planned.settings),
            "resources": asdict(resources),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """There is room for an attempt, and its worker does not run yet; `text` says what it waits for meanwhile.

    Unlike a Waiting it is nothing to keep with the attempt: it passes by itself, as a rule within seconds.
    """

    attempt: Attempt
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An attempt's worker has begun, or goes on after it waited; `text` says where."""

    attempt: Attempt
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An attempt cannot start, go on or end; `text` says what for."""

    attempt: Attempt
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disrupted:
    """Something outside took an attempt's worker away. `name` tells it from others: as a rule it is a pod's."""

    attempt: Attempt
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLeft:
    """All that one rank's worker said, which will not be there much longer."""

    attempt: Attempt
    rank: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt has ended. `disrupted` says what has taken its worker away when nothing told it before.

    `had` is how much it had of what it ran out of, where its resources do not say.
    """

    attempt: Attempt
    outcome: Outcome
    text: str
    disrupted: Disrupted | None = None
    peak_memory_bytes: int | None = None
    had: int | None = None


Event = Starting | Running | Waiting | Disrupted | OutputLeft | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much one attempt can be given at a place, which `where` names; 0: nobody knows."""

    memory_bytes: int = 0
    where: str = ""


class SchedulerError(PolyglotError):
    """What runs the attempts has refused a request, or has not answered."""


class Scheduler(ABC):
    """Holds no state that it cannot rebuild by looking at what runs. Entered before and left after everything else."""

    outlives_driver = False  # attempts go on when their driver stops; else it cancels them

    def check(self, planned: PlannedStage) -> None:
        """Raise BadInput for a stage that can never run here; called for all before anything is submitted."""
        del planned

    def notes(self, stages: Sequence[PlannedStage]) -> Sequence[str]:
        """Say what stages will not get as they ask for it: lines for people, before a run."""
        del stages
        return ()

    def capacity(self, planned: PlannedStage) -> Capacity:
        """Say how much one attempt at a stage can be given here, should it run out of what it has."""
        del planned
        return Capacity()

    @abstractmethod
    def submit(self, attempt: Attempt) -> None:
        """Start an attempt, or adopt the one of the same name that already runs. Returns at once."""

    @abstractmethod
    def watch(self, timeout_seconds: float) -> Iterator[Event]:
        """Yield what has happened since the last call; waits up to the timeout when nothing has."""

    @abstractmethod
    def logs(self, attempt: Attempt, *, follow: bool) -> Iterator[tuple[int, bytes]]:
        """Yield an attempt's output from its beginning, as (rank, piece): with `follow`, of all ranks as they come."""

    @abstractmethod
    def cancel(self, attempt: Attempt) -> None:
        """Ask an attempt to stop (SIGTERM, then SIGKILL after its grace); its end arrives as an event."""

    def used(self) -> str:
        """What a run has cost beside its workers, a line for people; "" for nothing to speak of."""
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Release what watching needed; workers that do not outlive their driver have ended by then."""
        return
