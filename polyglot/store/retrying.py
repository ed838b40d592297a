"""The one owner of retries of store requests: bounded backoff with full jitter under one overall deadline.

The client library's own retries are off, so that a request is never tried more often than this file says. Whatever
made progress (a piece of a body arrived) may start the patience anew; a request that gets nowhere ends in StoreError.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import TypeVar

from polyglot.core.errors import Missing, Refused, StoreError
from polyglot.store.s3_errors import Verdict, explain, judge

T = TypeVar("T")


class Lost(Exception):  # noqa: N818 - an answer, not an error: a conditional put came second
    """A conditional put was answered by 412 or 304."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try. `unreachable_seconds` holds until the store has answered once: a wrong URL is told soon."""

    deadline_seconds: float = 120.0
    unreachable_seconds: float = 10.0
    first_delay_seconds: float = 0.2
    max_delay_seconds: float = 10.0


@dataclass(slots=True, kw_only=True)
class Retrier:
    """Runs requests of one store. `name` is the store's URL for messages."""

    name: str
    patience: Patience = field(default_factory=Patience)
    _answered: Event = field(default_factory=Event)

    def call(self, what: str, request: Callable[[], T]) -> T:
        """Return the request's result. `what` is the request in words. Raises Missing, Lost, Refused, StoreError."""
        effort = Effort(self, what)
        while True:
            try:
                result = request()
            except Exception as error:
                effort.failed(error)
            else:
                self.note_answer()
                return result

    def patience_for(self, verdict: Verdict) -> float:
        """Seconds that a failure of this kind is borne."""
        if verdict is Verdict.UNREACHABLE and not self._answered.is_set():
            return min(self.patience.unreachable_seconds, self.patience.deadline_seconds)
        return self.patience.deadline_seconds

    def note_answer(self) -> None:
        """The store is there: an endpoint that answered once is not a typing error."""
        self._answered.set()


class Effort:
    """The tries of one request: says after each failure whether to go on, and waits before the next."""

    def __init__(self, retrier: Retrier, what: str) -> None:
        """`what` is the request in words, for messages: "get stages/…"."""
        self._retrier, self._what, self._tries, self._began = retrier, what, 0, time.monotonic()

    def progressed(self) -> None:
        """Something arrived: the patience starts anew."""
        self._tries, self._began = 0, time.monotonic()

    def failed(self, error: BaseException) -> None:
        """Return after a pause when the request should be sent again; else raise what the failure means."""
        verdict = judge(error)
        if verdict is None:
            raise error
        said = f"{self._retrier.name}: {self._what}: {explain(error)}"
        if verdict is not Verdict.UNREACHABLE and verdict is not Verdict.AGAIN:
            self._retrier.note_answer()
        if verdict is Verdict.MISSING:
            raise Missing(f"{self._retrier.name}: there is no {self._what.partition(' ')[2]}") from error
        if verdict is Verdict.LOST:
            raise Lost from error
        if verdict is Verdict.REFUSED:
            raise Refused(said) from error
        self._tries += 1
        delay = self._delay()
        spent = time.monotonic() - self._began
        if spent + delay > self._retrier.patience_for(verdict):
            raise StoreError(f"{said} (tried {self._tries} times in {spent:.0f} s)") from error
        time.sleep(delay)

    def _delay(self) -> float:
        patience = self._retrier.patience
        ceiling = min(patience.max_delay_seconds, patience.first_delay_seconds * 2.0 ** (self._tries - 1))
        # full jitter: writers that collided once do not collide again; half of the ceiling at least
        return ceiling * (0.5 + random.random() / 2)  # noqa: S311 - spreads requests, guards nothing
