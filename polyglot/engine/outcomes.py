"""What the engine does when an attempt has ended: pure, from the records of the failed attempts alone.

| outcome       | next                                                                                    |
|---------------|-----------------------------------------------------------------------------------------|
| committed     | the manifest is looked up; without one it counts as transient                           |
| interrupted   | the same attempt again, from its newest checkpoint; five fruitless starts end this       |
| permanent     | give up: only `retry` lets the stage run again                                          |
| out of …      | r<n+1> with more of it, as `given` says, twice at most, then give up with a hint         |
| timed out     | r<n+1> from the newest checkpoint; once without having got further, then give up        |
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
RAN_OUT = {
    Outcome.OUT_OF_MEMORY: "raise resources.memory of this kind of stage in the profile, or lower its batch size",
    Outcome.OUT_OF_DEVICE_MEMORY: "lower its batch size in the profile's settings, or run it on larger GPUs",
    Outcome.OUT_OF_DISK: "raise resources.scratch of this kind of stage in the profile",
}


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
    had: int | None = None  # of what it ran out of


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
    for outcome, hint in RAN_OUT.items():
        ran_out = [one for one in failed if one.outcome is outcome]
        if len(ran_out) > MEMORY_RETRIES:
            what = outcome.replace("-", " ")
            return GiveUp(reason=f"{what} in {len(ran_out)} attempts: {ran_out[-1].reason}; {hint}")
    late = [one for one in failed if one.outcome is Outcome.TIMED_OUT and one.number > last_advance]
    if len(late) > 1:
        hint = "raise resources.deadline of this kind of stage in the profile"
        return GiveUp(reason=f"timed out in {len(late)} attempts that got no further: {last.reason}; {hint}")
    if last.outcome is Outcome.OVER_BUDGET:
        return again
    uncounted = (*RAN_OUT, Outcome.OVER_BUDGET)
    others = sum(one.outcome not in uncounted and one.number >= last_advance for one in failed)
    if others >= limits.max_attempts:
        return GiveUp(reason=f"{last.reason} ({others} attempts)")
    if last.outcome in RAN_OUT:
        return again
    wait = min(limits.max_backoff_seconds, limits.backoff_seconds * 2 ** (others - 1))
    return TryAgain(number=last.number + 1, after_seconds=wait)
