"""What the engine does when an attempt has ended: pure, from the records of the failed attempts alone.

| outcome       | next                                                                                    |
|---------------|-----------------------------------------------------------------------------------------|
| committed     | the manifest is looked up; without one it counts as transient                           |
| interrupted   | the same attempt again, from its newest checkpoint; five fruitless starts end this       |
| permanent     | give up: only `retry` lets the stage run again                                          |
| out of memory | r<n+1>, twice at most, then give up with a hint that names the peak seen                |
| timed out     | r<n+1> from the newest checkpoint, counted with the transient ones                      |
| over budget   | give up in this run alone: the next one goes on, as its budget may be another           |
| transient     | r<n+1> after a backoff that doubles, up to `max_attempts`, then give up                 |

Of the transient ones those count that came since an attempt got further than all before it: a stage that goes on comes
to its end however often it is killed, and one that stands still is given up.
Whatever the outcome was: a stage whose manifest stands is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from polyglot.schedulers.base import Outcome

MEMORY_RETRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often and how fast the engine tries again. `deadline_seconds` is for the whole run."""

    max_attempts: int = 5
    backoff_seconds: float = 1.0
    max_backoff_seconds: float = 60.0
    deadline_seconds: float | None = None
    progress_seconds: float = 1.0  # between two looks at a running stage's progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """One failed attempt."""

    number: int
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """Start attempt `number` after so many seconds."""

    number: int
    after_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The stage has failed for good."""

    reason: str


def decide(failed: Sequence[Failed], limits: Limits, last_advance: int = 0) -> TryAgain | GiveUp:
    """Say what follows the failed attempts since the last `retry`, oldest first; at least one.

    `last_advance` is the number of the newest attempt that got further than all before it, 0 when none has.
    """
    last = failed[-1]
    permanent = next((one for one in failed if one.outcome is Outcome.PERMANENT), None)
    if permanent is not None:
        return GiveUp(reason=permanent.reason)
    again = TryAgain(number=last.number + 1, after_seconds=0)
    memory = sum(one.outcome is Outcome.OUT_OF_MEMORY for one in failed)
    if memory > MEMORY_RETRIES:
        hint = "raise resources.memory of this kind of stage in the profile, or lower its batch size"
        return GiveUp(reason=f"out of memory in {memory} attempts: {last.reason}; {hint}")
    if last.outcome is Outcome.OVER_BUDGET:
        return again
    uncounted = (Outcome.OUT_OF_MEMORY, Outcome.OVER_BUDGET)
    others = sum(one.outcome not in uncounted and one.number >= last_advance for one in failed)
    if others >= limits.max_attempts:
        return GiveUp(reason=f"{last.reason} ({others} attempts)")
    if last.outcome is Outcome.OUT_OF_MEMORY:
        return again
    wait = min(limits.max_backoff_seconds, limits.backoff_seconds * 2 ** (others - 1))
    return TryAgain(number=last.number + 1, after_seconds=wait)
