"""Which attempt at a stage is next, or that it is given up: from what the store remembers of the earlier ones.

Giving up is itself a record: a permanent failure under the next number. So `blocked` and `retry` see one thing whether
a job said that it cannot work or the engine said that it has tried often enough.
"""

from polyglot.attempts.attempts import Attempts, Failure
from polyglot.attempts.history import History
from polyglot.core.stage import PlannedStage
from polyglot.engine.given import Given, given, had
from polyglot.engine.outcomes import Failed, GiveUp, Limits, TryAgain, decide
from polyglot.schedulers.base import Capacity, Ended, Outcome
from polyglot.store.store import Store


class Retries:
    """What follows from a stage's history: which attempt is next, or none."""

    def __init__(self, store: Store, planned: PlannedStage, capacity: Capacity) -> None:
        """One listing, and one read a failed attempt. `capacity` is what the place of the attempts can give to one."""
        self._planned, self._capacity = planned, capacity
        self._attempts, self._history = Attempts(store, planned.stage), History(store, planned.stage)
        self._failed: list[Failed] = []  # since the last permanent one, oldest first
        self._open_number = 0  # of an attempt that was begun, or allowed by `retry`, and has not failed: it goes on
        numbers = self._history.numbers
        for number in reversed(numbers):
            failure = self._history.failure(number)
            if failure is None:
                # an older one without a record was overtaken, by a driver that saw its end and could not write it
                self._open_number = number if number == numbers[-1] else self._open_number
                continue
            outcome = _outcome(failure.outcome)
            if outcome is Outcome.PERMANENT and number != numbers[-1]:
                break  # a retry came after it
            outcome = self._told(number, outcome)
            self._failed.insert(0, Failed(number=number, outcome=outcome, reason=failure.reason, had=failure.had))
            if outcome is Outcome.PERMANENT:
                break

    def decide(self, limits: Limits) -> TryAgain | GiveUp:
        """Say what to do next with a stage that is not committed; records giving up."""
        if self._open_number:
            return TryAgain(number=self._open_number, after_seconds=0)
        if not self._failed:
            return TryAgain(number=1, after_seconds=0)
        decision = decide(self._failed, limits, self._history.last_advance())
        is_permanent = self._failed[-1].outcome is Outcome.PERMANENT
        if not is_permanent and isinstance(more := self._given(), GiveUp):
            decision = more
        if isinstance(decision, GiveUp) and not is_permanent:
            failure = Failure(outcome=Outcome.PERMANENT, reason=decision.reason)
            self._attempts.fail(self._failed[-1].number + 1, failure)
        return decision

    def next(self, number: int) -> Given:
        """The stage as attempt `number`, which was decided on, gets it; what is not as planned is recorded."""
        found = self._given()
        if isinstance(found, GiveUp):  # an attempt that is there already, and goes on as it was made
            return Given(planned=self._planned)
        if found.text:
            self._attempts.give(number, found.text)
        return found

    def given_text(self) -> str:
        """What the next attempt gets in place of what was planned, in words; "" for nothing else."""
        found = self._given()
        return found.text if isinstance(found, Given) else ""

    def _given(self) -> Given | GiveUp:
        return given(self._planned, self._failed, self._capacity)

    def _told(self, number: int, outcome: Outcome) -> Outcome:
        """A deadline that passed while nothing had begun says nothing against the deadline."""
        waited = outcome is Outcome.TIMED_OUT and not self._history.starts(number)
        return Outcome.TRANSIENT if waited else outcome

    def reason(self, number: int) -> str:
        """Why an attempt failed, or ""."""
        return next((one.reason for one in self._failed if one.number == number), "")

    def is_over_budget(self, number: int) -> bool:
        """Whether an attempt ended because the study's budget did."""
        return any(one.number == number and one.outcome is Outcome.OVER_BUDGET for one in self._failed)

    def add(self, event: Ended) -> str:
        """Take in how an attempt ended, recording it unless its worker has; returns the reason."""
        number = event.attempt.number
        known = self.reason(number)
        if known:
            return known
        outcome, reason = event.outcome, event.text
        if outcome is Outcome.COMMITTED:
            outcome, reason = Outcome.TRANSIENT, "the worker ended as if it had committed, but there is no manifest"
        of_it = event.had or had(event.attempt.planned, outcome)
        failure = Failure(outcome=outcome, reason=reason, peak_memory_bytes=event.peak_memory_bytes, had=of_it)
        self._attempts.fail(number, failure)
        self._failed = sorted(
            [*self._failed, Failed(number=number, outcome=self._told(number, outcome), reason=reason, had=of_it)],
            key=lambda f: f.number,
        )
        self._open_number = 0 if self._open_number == number else self._open_number
        return reason


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(text)
    except ValueError:  # written by a newer version
        return Outcome.TRANSIENT
