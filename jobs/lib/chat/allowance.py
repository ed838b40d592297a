"""How much may still be sent before a limit is reset, as the endpoint's own headers tell it reply by reply.

Nobody knows whether a reply has counted the calls that were sent at about the same time as its own, so they count as
not: less may remain than was told, and never more. Until a call comes back that was sent after the last news, news only
lower what remains. Calls that do not fit wait for the reset that was told, a minute at most, as limits are those of a
minute: one of an hour or a day tells by a 429 how long it lasts. After that nothing is known, and nothing is held back.
A server that says again that nothing remains when it was waited for, though its limit is more than one, is believed no
longer.
"""

from dataclasses import dataclass, field

from jobs.lib.chat.rate_headers import RateLimit

_LONGEST_SECONDS = 65.0
_STRIKES = 2
_TOGETHER_SECONDS = 0.2  # within which calls may arrive in another order than they were sent in


@dataclass(slots=True)
class Allowance:
    """One limit. Amounts are calls or tokens; times are the loop's."""

    _remaining: float = 0.0
    _limit: float = float("inf")
    _reset_at: float = 0.0  # until then the above holds
    _fresh_at: float = 0.0  # when news came last that were all new
    _open: dict[int, tuple[float, float]] = field(default_factory=dict)  # calls that may not be counted: moment, amount
    _total: float = 0.0  # of those
    _waited_until: float = 0.0  # the reset that calls have waited for
    _checked: bool = True  # whether something was heard of a call that was sent after it
    _strikes: int = 0

    def hear(self, number: int, sent_at: float, limit: RateLimit, now: float) -> None:
        """Take in what the reply to a call says."""
        if limit.remaining is None or not limit.reset_seconds:
            return
        self._settle(number)
        for other, (at, _) in tuple(self._open.items()):
            if at < sent_at - _TOGETHER_SECONDS:
                self._settle(other)
        if not self._checked and sent_at >= self._waited_until:
            self._checked = True
            self._strikes += limit.remaining == 0 and limit.limit != 1
        if now >= self._reset_at or sent_at >= self._fresh_at:
            self._remaining, self._fresh_at = limit.remaining, now
        self._remaining = min(self._remaining, limit.remaining)
        self._limit = limit.limit or float("inf")
        self._reset_at = now + min(limit.reset_seconds, _LONGEST_SECONDS)

    def delay(self, amount: float, now: float) -> float:
        """Seconds until so much may be sent, if nothing is heard before."""
        if now >= self._reset_at or self._strikes >= _STRIKES:
            return 0.0
        if self._total + min(amount, self._limit) <= self._remaining:
            return 0.0
        self._waited_until, self._checked = self._reset_at, False
        return self._reset_at - now

    def take(self, number: int, amount: float, now: float) -> None:
        """A call of that number was sent."""
        self._open[number] = now, amount
        self._total += amount

    def left(self, number: int) -> None:
        """It came back; where nothing was heard with it, it may have been counted."""
        self._remaining = max(0.0, self._remaining - self._settle(number))

    def _settle(self, number: int) -> float:
        _, amount = self._open.pop(number, (0.0, 0.0))
        self._total -= amount
        return amount
