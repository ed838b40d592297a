"""An endpoint that is away: waited for by one look at a time, as long as the stage may run, and told meanwhile.

One that has never answered in any attempt at the stage is given up after the time that a call may take. A probe is what
tells a wrong address soon; behind one that was answered it is an outage like any, so that gives up this attempt alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from jobs.lib.chat.calls import Failure
from polyglot.core.errors import Permanent, PolyglotError

PROBE_SECONDS = 60.0  # that a probe waits for an address which has never answered
_LONGEST_SECONDS = 10.0  # between two looks


class Outage:
    """Belongs to one event loop."""

    def __init__(
        self,
        base_url: str,
        *,
        reached: bool,
        first_wait_seconds: float,
        give_up_seconds: float,
        for_good: bool = False,
        look: Callable[[], Awaitable[bool]],
        remark: Callable[[str], None],
    ) -> None:
        """`look` says whether the endpoint is there; `remark` is told of an outage, and "" at its end.

        `for_good`: no later attempt shall wait for one that was given up.
        """
        self._url, self._look, self._remark = base_url, look, remark
        self._first_wait, self._give_up = first_wait_seconds, give_up_seconds
        self.reached, self._for_good = reached, for_good
        self._since: float | None = None
        self._reason = ""
        self._looking, self._waiting = asyncio.Lock(), asyncio.Lock()

    def answered(self, asked_at: float) -> None:
        """Something was heard of the endpoint itself, asked at that moment of the monotonic clock."""
        self.reached = True
        if self._since is not None and asked_at >= self._since:
            self._since = None
            self._remark("")

    async def is_away(self, failure: Failure) -> bool:
        """Whether a failure that may be an outage is one."""
        async with self._looking:
            if self._since is not None:
                return True
            if failure.connected and await self._look():
                self.reached = True
                return False
            self._since, self._reason = time.monotonic(), f"{failure.reason}: {failure.detail}"
            when = datetime.now(UTC)
            self._remark(f"{self._url} does not answer since {when:%Y-%m-%d %H:%M:%S} UTC ({self._reason})")
            return True

    async def wait(self, sleep: Callable[[float], Awaitable[None]], stopping: Callable[[], bool]) -> None:
        """Return when the endpoint is there, or when asked to stop. Raises PolyglotError for one that never was."""
        async with self._waiting:
            while self._since is not None and not stopping():
                away = time.monotonic() - self._since
                if not self.reached and away > self._give_up:
                    kind = Permanent if self._for_good else PolyglotError
                    raise kind(
                        f"the endpoint at {self._url}: {self._reason}; it has never answered, for {away:.0f} s now. "
                        "Set the address (base-url in the profile, else the environment), or start it, then "
                        "`polyglot retry`"
                    )
                await sleep(min(_LONGEST_SECONDS, max(self._first_wait, away / 4)))
                looked = time.monotonic()
                if await self._look():
                    self.answered(looked)
