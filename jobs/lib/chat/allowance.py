"""How much may still be sent before a limit is reset, as the endpoint's own headers tell it reply by reply.

A reply tells what remained when its call arrived; whatever was sent after that call is taken off. Calls that do not fit
wait for the reset that was told, a minute at most, as limits are those of a minute: one of an hour or a day tells by a
429 how long it lasts. After that nothing is known, and nothing is held back. A server that says again that nothing
remains when it was waited for, though its limit is more than one, is believed no longer.
"""

from collections import deque
from dataclasses import dataclass, field

from jobs.lib.chat.rate_headers import RateLimit

_LONGEST_SECONDS = 65.0
_STRIKES = 2


@dataclass(slots=True)
class Allowance:
    """One limit. Amounts are calls or tokens; times are the loop's."""

    _remaining: float | None = None
    _limit: float = float("inf")
    _reset_at: float = 0.0
    _heard: int = -1  # the number of the call whose reply was heard last
    _sent: deque[tuple[int, float]] = field(default_factory=deque)  # after that call: number, amount
    _total: float = 0.0  # of those
    _waited_until: float = 0.0  # the reset that calls have waited for
    _checked: bool = True  # whether something was heard of a call that was sent after it
    _strikes: int = 0

    def hear(self, number: int, sent_at: float, limit: RateLimit, now: float) -> None:
        """Take in what the reply to a call says; older ones than was heard already say nothing new."""
        if limit.remaining is None or not limit.reset_seconds or number < self._heard:
            return
        if not self._checked and sent_at >= self._waited_until:
            self._checked = True
            self._strikes += limit.remaining == 0 and limit.limit != 1
        self._heard, self._remaining = number, limit.remaining
        self._limit = limit.limit or float("inf")
        self._reset_at = now + min(limit.reset_seconds, _LONGEST_SECONDS)
        while self._sent and self._sent[0][0] <= number:
            self._total -= self._sent.popleft()[1]

    def delay(self, amount: float, now: float) -> float:
        """Seconds until so much may be sent."""
        if self._remaining is None or now >= self._reset_at or self._strikes >= _STRIKES:
            return 0.0
        if self._total + min(amount, self._limit) <= self._remaining:
            return 0.0
        self._waited_until, self._checked = self._reset_at, False
        return self._reset_at - now

    def take(self, number: int, amount: float) -> None:
        """A call of that number was sent."""
        self._sent.append((number, amount))
        self._total += amount
