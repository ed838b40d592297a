"""What the store remembers of a stage's attempts, and what follows from it.

Giving up is itself a record: a permanent failure under the next number. So `blocked` and `retry` see one thing whether
a job said that it cannot work or the engine said that it has tried often enough.
"""

from dataclasses import dataclass

from polyglot.attempts.attempts import Attempts, Failure
from polyglot.core.stage import Stage
from polyglot.engine.outcomes import Failed, GiveUp, Limits, TryAgain, decide
from polyglot.schedulers.base import Ended, Outcome
from polyglot.store.store import Store


@dataclass(slots=True)
class History:
    """`failed` holds the failures since the last permanent one, oldest first; `open_number` is not 0 for an attempt
    that was begun, or allowed by `retry`, and has not failed: it is the one to go on with.
    """

    attempts: Attempts
    failed: list[Failed]
    open_number: int

    @classmethod
    def read(cls, store: Store, stage: Stage) -> "History":
        """One listing, and one read a failed attempt."""
        attempts = Attempts(store, stage)
        failed: list[Failed] = []
        open_number = 0
        numbers = attempts.numbers()
        for number in reversed(numbers):
            failure = attempts.failure(number)
            if failure is None:
                # an older one without a record was overtaken, by a driver that saw its end and could not write it
                open_number = number if number == numbers[-1] else open_number
                continue
            outcome = _outcome(failure.outcome)
            if outcome is Outcome.PERMANENT and number != numbers[-1]:
                break  # a retry came after it
            failed.insert(0, Failed(number=number, outcome=outcome, reason=failure.reason))
            if outcome is Outcome.PERMANENT:
                break
        return cls(attempts, failed, open_number)

    def decide(self, limits: Limits) -> TryAgain | GiveUp:
        """Say what to do next with a stage that is not committed; records giving up."""
        if self.open_number:
            return TryAgain(number=self.open_number, after_seconds=0)
        if not self.failed:
            return TryAgain(number=self.attempts.next_number(), after_seconds=0)
        decision = decide(self.failed, limits, self.attempts.last_advance())
        if isinstance(decision, GiveUp) and self.failed[-1].outcome is not Outcome.PERMANENT:
            failure = Failure(outcome=Outcome.PERMANENT, reason=decision.reason)
            self.attempts.fail(self.failed[-1].number + 1, failure)
        return decision

    def reason(self, number: int) -> str:
        """Why an attempt failed, or ""."""
        return next((one.reason for one in self.failed if one.number == number), "")

    def is_over_budget(self, number: int) -> bool:
        """Whether an attempt ended because the study's budget did."""
        return any(one.number == number and one.outcome is Outcome.OVER_BUDGET for one in self.failed)

    def add(self, event: Ended) -> str:
        """Take in how an attempt ended, recording it unless its worker has; returns the reason."""
        number = event.attempt.number
        known = self.reason(number)
        if known:
            return known
        outcome, reason = event.outcome, event.text
        if outcome is Outcome.COMMITTED:
            outcome, reason = Outcome.TRANSIENT, "the worker ended as if it had committed, but there is no manifest"
        failure = Failure(outcome=outcome, reason=reason, peak_memory_bytes=event.peak_memory_bytes)
        self.attempts.fail(number, failure)
        self.failed = sorted(
            [*self.failed, Failed(number=number, outcome=outcome, reason=reason)], key=lambda f: f.number
        )
        self.open_number = 0 if self.open_number == number else self.open_number
        return reason


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(text)
    except ValueError:  # written by a newer version
        return Outcome.TRANSIENT
