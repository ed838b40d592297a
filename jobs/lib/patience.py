"""Asking a hub or a web server that may be away for a while: waited for, and told, instead of failing the attempt.

What is an outage: no connection, one that broke, a time-out, 5xx, 429. An address that has not answered in this attempt
is given up after a minute; then, as always, the engine tries again a few times.
"""

import http.client
import time
import urllib.error
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from jobs.lib.context import Context
from polyglot.core.http_status import is_transient

T = TypeVar("T")

NEVER_REACHED_SECONDS = 60.0
# Python's own, and those of httpx, requests and urllib3, which are not imported to know them
_NETWORK = frozenset({"ConnectionError", "TransportError", "Timeout", "NewConnectionError", "ProtocolError"})
_LONGEST_SECONDS, _LOOK_SECONDS = 10.0, 0.1


class Patience:
    """One a job: it remembers that something answered."""

    def __init__(self, context: Context, *, give_up_seconds: float = NEVER_REACHED_SECONDS) -> None:
        self._context, self._give_up, self._reached = context, give_up_seconds, False

    def ask(self, what: str, call: Callable[[], T]) -> T:
        """Return what `call` does, called again while `what` is away. Raises as `call` does, and Interrupted."""
        since: float | None = None
        while True:
            try:
                found = call()
            except Exception as error:
                if not is_outage(error):
                    raise
                if since is None:
                    since = time.monotonic()
                    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
                    self._context.remark(f"{what} does not answer since {when} ({type(error).__name__})")
                away = time.monotonic() - since
                if not self._reached and away >= self._give_up:
                    raise
                self._pause(min(_LONGEST_SECONDS, max(1.0, away / 4), max(0.01, self._give_up / 4)))
                continue
            self._reached = True
            if since is not None:
                self._context.remark("")
            return found

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._context.raise_if_stopping()
            time.sleep(min(left, _LOOK_SECONDS))


def is_outage(error: BaseException) -> bool:
    """Whether an error of a client says that the other side is away or overloaded, and not what it thinks of us."""
    for cause in causes(error):
        status = getattr(cause, "code", None) or getattr(getattr(cause, "response", None), "status_code", None)
        if isinstance(status, int):
            return is_transient(status)
        if isinstance(cause, TimeoutError | http.client.HTTPException):
            return True
        if _NETWORK & {kind.__name__ for kind in type(cause).__mro__}:
            return True
        if isinstance(cause, urllib.error.URLError) and isinstance(cause.reason, OSError):
            return True
    return False


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and in turn what led to each."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
