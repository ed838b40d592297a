"""Which start of a training did which steps, and which of these are in its result: computed from what starts left.

A start goes on from a checkpoint, so what earlier ones did beyond that is lost: it is done again. What was computed
after a start's last sign is not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from polyglot.attempts.attempts import OVER_BUDGET, PERMANENT
from polyglot.attempts.history import History, Session
from polyglot.attempts.traces import Left, StepGroup

COMMITTED, RUNNING, STOPPED = "committed", "running", "stopped as asked"
NO_END = "no end recorded: killed, or its machine was lost"
_FAILED = {PERMANENT: "failed for good", OVER_BUDGET: "over budget"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One start: it went on after step `after`, came to `reached`, and its steps up to `kept` are in the result.

    `after` is None where no record says it. `groups` are the steps that it left a record of.
    """

    session: Session
    after: int | None
    reached: int
    kept: int
    groups: tuple[tuple[StepGroup, Left], ...]
    end: str

    @property
    def kept_steps(self) -> int:
        """How many of its steps are in the result."""
        return max(0, min(self.kept, self.reached) - (self.after or 0))

    @property
    def lost_steps(self) -> int:
        """How many are not."""
        return max(0, self.reached - (self.after or 0)) - self.kept_steps


def ledger(history: History, *, committed: bool, running: bool = False) -> list[Entry]:
    """Return every start, in order. `committed`: the last one's result stands; `running`: it runs now."""
    by_start: dict[tuple[int, int], list[tuple[StepGroup, Left]]] = {}
    for left in history.left("steps"):
        if group := StepGroup.of_name(left.name):
            by_start.setdefault((left.attempt, left.start), []).append((group, left))
    entries: list[Entry] = []
    kept = None  # what the starts before may keep: no more than any later one went on after
    sessions = history.sessions()
    for place, session in reversed(list(enumerate(sessions))):
        groups = by_start.get((session.attempt, session.start), [])
        after = groups[0][0].first - 1 if groups else _resumed(history, sessions[:place])
        reached = max(session.done, after or 0, *(group.last for group, _ in groups))
        last = place == len(sessions) - 1
        end = (COMMITTED if committed else RUNNING if running else "") if last else ""
        entries.append(
            Entry(
                session=session,
                after=after,
                reached=reached,
                kept=reached if kept is None else kept,
                groups=tuple(groups),
                end=end or _end(history, session, last=_last_of_attempt(sessions, place)),
            )
        )
        if groups and (kept is None or groups[0][0].first - 1 < kept):
            kept = groups[0][0].first - 1
    return entries[::-1]


def _resumed(history: History, before: Sequence[Session]) -> int | None:
    """After which step a start went on that left no step: the newest checkpoint of those before it."""
    return history.step_reached(before[-1].attempt, before[-1].start) if before else 0


def _last_of_attempt(sessions: Sequence[Session], place: int) -> bool:
    return all(other.attempt != sessions[place].attempt for other in sessions[place + 1 :])


def _end(history: History, session: Session, *, last: bool) -> str:
    """How a start ended, in words; `last`: no other start of its attempt followed."""
    if (failure := history.failure(session.attempt)) is not None and last:
        return f"{_FAILED.get(failure.outcome, failure.outcome)}: {failure.reason}"
    taken = [one.text for one in history.disruptions(session.attempt) if one.start == session.start]
    if taken:
        return taken[-1]
    return STOPPED if session.stopped else NO_END
