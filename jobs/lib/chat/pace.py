"""How many calls are in flight, and how fast they follow each other.

The number doubles with every full round of answers until the endpoint first says 429, then shrinks to 0.8 of itself
at every wave of 429s and grows by one a round again (slow start and additive increase, as in TCP congestion control).
The number at which 429 was last seen is tried again only after some good rounds, and twice as many after every
failure, since probing a fixed limit costs a wave of waits each time. A Retry-After closes the gate for all calls.
Requests and tokens a minute, where given, are spread evenly.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

_MOST_PATIENCE = 32  # rounds
_CLOCK_SECONDS = 1e-6  # shorter waits are rounding, and a sleep of that length would move no clock


@dataclass(slots=True)
class Bucket:
    """A token bucket with one second of burst; it may go below zero when a charge was under-estimated."""

    per_second: float
    level: float
    at: float

    @classmethod
    def per_minute(cls, rate: float, now: float) -> "Bucket":
        """A full bucket."""
        return cls(per_second=rate / 60, level=max(1.0, rate / 60), at=now)

    def delay(self, amount: float, now: float) -> float:
        """Seconds until `amount` may be taken; more than a whole bucket may be taken from a full one."""
        capacity = max(1.0, self.per_second)
        self.level = min(capacity, self.level + (now - self.at) * self.per_second)
        self.at = now
        return max(0.0, (min(amount, capacity) - self.level) / self.per_second)

    def take(self, amount: float) -> None:
        """Charge, without waiting."""
        self.level -= amount


class Pace:
    """Belongs to one event loop. `enter` before every attempt, then exactly one `leave`."""

    def __init__(
        self, *, ceiling: int, start: int = 4, requests_per_minute: float | None, tokens_per_minute: float | None
    ) -> None:
        """`ceiling` bounds the calls in flight, `start` is where they begin."""
        self.ceiling, self.limit, self.active, self.peak, self.cuts = ceiling, min(start, ceiling), 0, 0, 0
        self._doubling, self._round, self._cut_at, self._open_at = True, 0, -1.0, 0.0
        self._too_many, self._patience = ceiling + 1, 1
        self._waiting: deque[asyncio.Future[None]] = deque()
        now = asyncio.get_running_loop().time()
        self._requests = Bucket.per_minute(requests_per_minute, now) if requests_per_minute else None
        self._tokens = Bucket.per_minute(tokens_per_minute, now) if tokens_per_minute else None

    async def enter(self, tokens: int) -> float:
        """Wait for room; return the moment of entering, by the loop's clock."""
        loop = asyncio.get_running_loop()
        while True:
            if self.active >= self.limit:
                await self._room()
                continue
            now = loop.time()
            delay = max(
                self._open_at - now,
                self._requests.delay(1, now) if self._requests else 0.0,
                self._tokens.delay(tokens, now) if self._tokens else 0.0,
            )
            if delay > _CLOCK_SECONDS:
                await asyncio.sleep(delay)
                continue
            self.active += 1
            self.peak = max(self.peak, self.active)
            if self._requests:
                self._requests.take(1)
            if self._tokens:
                self._tokens.take(tokens)
            return now

    def leave(
        self, *, entered: float, answered: bool, slow_down: bool, wait_seconds: float = 0.0, tokens: int = 0
    ) -> None:
        """Give room back, and learn: `tokens` corrects the estimate, `wait_seconds` closes the gate for everyone."""
        self.active -= 1
        if self._tokens and tokens:
            self._tokens.take(tokens)
        now = asyncio.get_running_loop().time()
        if wait_seconds:
            self._open_at = max(self._open_at, now + wait_seconds)
        if slow_down:
            self._doubling = False
            if entered > self._cut_at:  # one cut a wave: calls sent before the last cut say nothing about it
                self._too_many, self._patience = self.limit, min(_MOST_PATIENCE, self._patience * 2)
                self.limit, self._round, self._cut_at = max(1, int(self.limit * 0.8)), 0, now
                self.cuts += 1
        elif answered:
            self._round += 1
            probing = self.limit + 1 == self._too_many
            if self._round >= self.limit * (self._patience if probing else 1):
                if self.limit >= self._too_many:  # a whole round went well there: the endpoint bears more than it did
                    self._too_many, self._patience = self.ceiling + 1, 1
                grown = self.limit * 2 if self._doubling else self.limit + 1
                self.limit, self._round = min(self.ceiling, grown), 0
        self._wake()

    async def _room(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def _wake(self) -> None:
        room = self.limit - self.active
        while room > 0 and self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                room -= 1
