"""How many calls are in flight, and how fast they follow each other.

Room grows from a few calls: quickly to FEW, then with every answer (it doubles each round), and slowly where answers
take long, until the endpoint first says 429. It then is what was in flight beside the refused call, and grows by one a
round again; where calls are refused soon after that, it shrinks to 0.8 of itself, once a wave (additive increase,
multiplicative decrease, as in TCP congestion control). New room opens call by call, not all at once, so that
a refusal is heard before many more are sent. The number at which 429 was last seen is tried again only after some good
rounds and seconds, and twice as many after every failure.

A 429 that asks to wait closes the gate for all calls. Where other calls were being answered meanwhile, the limit may be
one of calls in flight, and the wait a formality: one call is then sent ahead, and when it is not refused the gate opens
at once; when it is, the endpoint is believed, and for twice as many waits without such a trial.

Requests and tokens a minute, where given, are spread evenly; what the endpoint's headers say remains is not exceeded.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from jobs.lib.chat.allowance import Allowance
from jobs.lib.chat.rate_headers import RateLimit

FIRST, _FEW = 4, 16  # calls in flight
_QUICK_SECONDS, _SLOW_SECONDS = 0.002, 0.02  # between two calls more
_MOST_PATIENCE = 32  # rounds, or waits
_CLOCK_SECONDS = 1e-6  # shorter waits are rounding, and a timer of that length would move no clock
_SILENCE_SECONDS = 0.05  # without a refusal, at least, that a call sent ahead was taken


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A call that was let in: the `number`-th, at a moment of the loop's clock, as one of `beside` in flight.

    `tokens` are those that it was estimated at.
    """

    number: int
    at: float
    beside: int
    tokens: int


@dataclass(slots=True)
class _Waiter:
    read: int  # tokens, as estimated
    written: int
    future: asyncio.Future[Entry | None]


@dataclass(slots=True)
class _Gate:
    """Whether a wait that a 429 asks for is everybody's. Closed until a moment."""

    until: float = 0.0
    told_at: float = -1.0  # when the last wave of refusals began
    may_try: bool = False
    try_at: float = 0.0  # when what was sent beside the refused call has been refused too
    trial: Entry | None = None  # the call that was sent ahead
    silent_at: float = float("inf")  # when it counts as taken
    crowd: bool = False  # a trial was taken: the limit is one of calls in flight
    taken: bool = True  # a call that was sent after the last wave began was answered
    trusted: int = 0  # waits that are believed without a trial
    patience: int = 1

    def told(self, entry: Entry, now: float, seconds: float, others: bool, silence: float) -> bool:
        """A refusal asks to wait; `others`: are being answered. Returns whether it was meant for everybody.

        `silence`: seconds after which a call counts as taken that was not refused.
        """
        if self.trial is entry:
            self.trial, self.silent_at, self.may_try, self.crowd = None, float("inf"), False, False
            self.patience = min(_MOST_PATIENCE, self.patience * 2)
            self.trusted = self.patience
            self.until = max(self.until, now + seconds)
            return True
        if now < self.until:
            self.until = max(self.until, now + seconds)
        elif entry.at > self.told_at:
            spared = self.crowd and self.taken and others
            self.told_at, self.taken = now, False
            if not spared:
                self.until, self.trial = now + seconds, None
                self.may_try, self.try_at = others and self.trusted == 0, now + silence
                self.trusted = max(0, self.trusted - 1)
        return not others

    def sent(self, entry: Entry, silence: float) -> None:
        """A call was let in."""
        if entry.at < self.until:
            self.trial, self.silent_at = entry, entry.at + silence

    def left(self, entry: Entry, now: float, answered: bool, refused: bool) -> None:
        """A call came back without such a wish."""
        self.taken |= answered and entry.at > self.told_at
        if self.trial is entry:
            self.silent_at, self.may_try = now if answered else float("inf"), not refused
            self.trial = entry if answered else None

    def delay(self, now: float) -> float:
        """Seconds until the next may be sent."""
        if now >= self.silent_at - _CLOCK_SECONDS:
            self.until, self.silent_at, self.trial, self.patience, self.crowd = now, float("inf"), None, 1, True
        if now >= self.until:
            return 0.0
        next_at = self.try_at if self.may_try and self.trial is None else self.silent_at
        return max(0.0, min(self.until, next_at) - now)


@dataclass(slots=True)
class _Room:
    """How many may be in flight, and how that grows."""

    ceiling: int
    limit: int
    ramping: bool = True  # nothing was refused yet
    credit: int = 0  # answers that have opened no room yet
    grow_at: float = 0.0
    lag: float = 0.0  # seconds by which this machine's load makes timers late, and news of refusals too
    round: int = 0
    taken: int = 0  # calls that were answered since the last cut
    patience: int = 1
    too_many: int = 0  # in flight, as one more than was taken when a call was last refused
    patient_until: float = 0.0
    cut_number: int = -1  # the last call that was sent before the last cut
    before: int = 0  # the limit before that
    goal: int = 0  # up to which every answer opens room
    cuts: int = 0

    def refused(self, entry: Entry, last_number: int, now: float) -> None:
        """Shrink, once a wave: calls sent before the last cut say nothing about it."""
        first, self.ramping, self.goal = self.ramping, False, 0
        self.before = self.limit if entry.number > self.cut_number else self.before
        if entry.number <= self.cut_number:
            if entry.beside <= self.limit:
                self.limit, self.too_many = max(1, entry.beside - 1), max(2, entry.beside)
            return
        again = not first and entry.beside < self.too_many and self.taken < 2 * self.limit
        less = int(self.limit * 0.8) if again else min(self.limit, entry.beside) - 1
        self.too_many, self.limit = max(2, min(self.limit, entry.beside)), max(1, less)
        self.patience, self.round, self.cut_number = min(_MOST_PATIENCE, self.patience * 2), 0, last_number
        self.taken = 0
        self.patient_until = now + self.patience / 2
        self.cuts += 1

    def rated(self, last_number: int) -> None:
        """Everybody was refused: the limit is none of calls in flight, and says less of them."""
        self.goal = int(0.8 * max(self.limit, self.before))
        self.ramping, self.before, self.round, self.cut_number = False, 0, 0, last_number
        self.too_many, self.patience = self.ceiling + 1, 1
        self.cuts += 1

    def answered(self, now: float) -> None:
        """Grow by what an answer shows."""
        self.taken += 1
        if self.ramping:
            self.credit += 1
            return
        if self.limit < self.goal:
            self.limit += 1
            return
        self.round += 1
        probing = self.limit + 1 >= self.too_many
        if self.round < self.limit * (self.patience if probing else 1) or (probing and now < self.patient_until):
            return
        if self.limit >= self.too_many:  # a whole round went well there: the endpoint bears more than it did
            self.too_many, self.patience = self.ceiling + 1, 1
        self.limit, self.round = min(self.ceiling, self.limit + 1), 0

    def grown(self, now: float) -> bool:
        """Open room for one call more, if it is time; `grow_at` says when else."""
        if not self.ramping or self.limit >= self.ceiling or now < self.grow_at - _CLOCK_SECONDS:
            return False
        self.limit += 1
        self.credit = max(0, self.credit - 1)
        quick = self.limit < _FEW or self.credit
        self.grow_at = now + (min(_SLOW_SECONDS, max(_QUICK_SECONDS, 4 * self.lag)) if quick else _SLOW_SECONDS)
        return True


@dataclass(kw_only=True)
class Pace:
    """Belongs to one event loop. `enter` before every attempt, then exactly one `leave`."""

    ceiling: int  # of calls in flight
    start: int = FIRST
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    active: int = 0
    peak: int = 0
    _waiting: deque[_Waiter] = field(default_factory=deque)
    _allowances: dict[str, tuple[str, Allowance]] = field(default_factory=dict)
    _gate: _Gate = field(default_factory=_Gate)
    _number: int = -1
    _refused_after: float = 0.0  # seconds that the last refusal took
    _stopped: bool = False
    _timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._room = _Room(ceiling=self.ceiling, limit=min(self.start, self.ceiling), too_many=self.ceiling + 1)
        rate, tokens = self.requests_per_minute, self.tokens_per_minute
        self._requests = Bucket.per_minute(rate, now) if rate else None
        self._tokens = Bucket.per_minute(tokens, now) if tokens else None

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        return self._room.limit

    @property
    def cuts(self) -> int:
        """How often that was cut."""
        return self._room.cuts

    @property
    def _silence(self) -> float:
        return max(_SILENCE_SECONDS, 3 * self._refused_after)

    async def enter(self, read: int, written: int = 0) -> Entry | None:
        """Wait for room, first come first served; None once stopped. Tokens that are read and written are estimates."""
        if self._stopped:
            return None
        waiter = _Waiter(read, written, self._loop.create_future())
        self._waiting.append(waiter)
        self._let_in()
        try:
            return await waiter.future
        except asyncio.CancelledError:
            if waiter.future.done() and not waiter.future.cancelled() and waiter.future.result() is not None:
                self.active -= 1
            self._let_in()
            raise

    def hear(self, entry: Entry, limits: Iterable[RateLimit]) -> None:
        """Take in what the reply to a call says of the endpoint's limits."""
        for one in limits:
            unit, allowance = self._allowances.setdefault(one.name, (one.unit, Allowance()))
            allowance.hear(entry.number, entry.at, one, self._loop.time())

    def leave(
        self, entry: Entry, *, answered: bool, slow_down: bool = False, wait_seconds: float = 0.0, tokens: int = 0
    ) -> None:
        """Give room back, and learn: `tokens` corrects the estimate, `wait_seconds` closes the gate for everyone."""
        self.active -= 1
        for _, allowance in self._allowances.values():
            allowance.left(entry.number)
        if self._tokens and tokens:
            self._tokens.take(tokens)
        now = self._loop.time()
        if wait_seconds:
            self._refused_after = now - entry.at
            everybody = self._gate.told(entry, now, wait_seconds, self.active > 0, self._silence)
        else:
            everybody = False
            self._gate.left(entry, now, answered, slow_down)
        if slow_down:
            if everybody:
                self._room.rated(self._number)
            else:
                self._room.refused(entry, self._number, now)
        elif answered:
            self._room.answered(now)
        self._let_in()

    def stop(self) -> None:
        """Let nobody in any more: who waits gets None."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for waiter in self._waiting:
            if not waiter.future.done():
                waiter.future.set_result(None)
        self._waiting.clear()

    def _delay(self, waiter: _Waiter, now: float) -> float:
        """Seconds until a call may be sent that has room."""
        tokens = waiter.read + waiter.written
        amounts = {"requests": 1, "tokens": tokens, "output-tokens": waiter.written}
        return max(
            self._gate.delay(now),
            self._requests.delay(1, now) if self._requests else 0.0,
            self._tokens.delay(tokens, now) if self._tokens else 0.0,
            *(allowance.delay(amounts[unit], now) for unit, allowance in self._allowances.values()),
        )

    def _let_in(self) -> None:
        """Let in whoever may come in now, and set a timer for the next."""
        now, next_at = self._loop.time(), float("inf")
        while self._waiting and not self._stopped:
            waiter = self._waiting[0]
            if waiter.future.done():
                self._waiting.popleft()
                continue
            if self.active >= self._room.limit and not self._room.grown(now):
                next_at = self._room.grow_at if self._room.ramping else next_at
                next_at = next_at if self._room.limit < self.ceiling else float("inf")
                break
            delay = self._delay(waiter, now)
            if delay > _CLOCK_SECONDS:
                next_at = now + delay
                break
            self._waiting.popleft()
            waiter.future.set_result(self._entered(waiter, now))
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(next_at, self._on_time, next_at) if next_at < float("inf") else None

    def _on_time(self, due: float) -> None:
        self._room.lag = self._loop.time() - due
        self._let_in()

    def _entered(self, waiter: _Waiter, now: float) -> Entry:
        self.active += 1
        self._number += 1
        self.peak = max(self.peak, self.active)
        tokens = waiter.read + waiter.written
        entry = Entry(number=self._number, at=now, beside=self.active, tokens=tokens)
        self._gate.sent(entry, self._silence)
        if self._requests:
            self._requests.take(1)
        if self._tokens:
            self._tokens.take(tokens)
        amounts = {"requests": 1, "tokens": tokens, "output-tokens": waiter.written}
        for unit, allowance in self._allowances.values():
            allowance.take(entry.number, amounts[unit], now)
        return entry
