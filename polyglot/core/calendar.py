"""When nights are due, and what a cluster says of those that were: plain data, for whoever knows to fill in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from polyglot.core.schedule import Schedule


class JobState(IntEnum):
    """Where a night's Job is; a lower one says more about the night."""

    ACTIVE = 0
    COMPLETE = 1
    FAILED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A Job that was made for a night."""

    job: str
    state: JobState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When nights are due. `deadline_seconds` is how late one may begin; None: until the next is due.

    `created`, `last` (the newest tick that was started), `arguments` (of the container) and `runs` are a CronJob's.
    """

    name: str
    schedule: Schedule
    deadline_seconds: float | None
    suspended: bool = False
    created: datetime | None = None
    last: datetime | None = None
    arguments: tuple[str, ...] = ()
    runs: Mapping[str, Run] = field(default_factory=dict)
