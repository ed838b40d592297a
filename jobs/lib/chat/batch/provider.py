"""The provider of batches, asked until it has answered: waits, outages, and what may have been done unseen.

Waits double up to half a minute, a Retry-After is obeyed, and an outage is waited for as long as the stage may run once
the endpoint was reached; one that was never reached, and errors that do not pass, end the attempt after the time that a
call may take. Creating a batch is the one call that must not be made twice: when its outcome is unknown, the batch is
looked for under its name before it is asked for again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from openai.types import Batch

from jobs.lib.chat.batch.client import NAME, BatchChat
from jobs.lib.chat.calls import ErrorClass, Failure
from jobs.lib.chat.settings import CallSettings
from polyglot.core.errors import Permanent, PolyglotError

T = TypeVar("T")

_LONGEST_PAUSE_SECONDS = 30.0
_LANDING_SECONDS = 30.0  # after which a request to create, that was sent, has become a batch or never will
_NO_SUCH_PATH = ("http-404", "http-405", "http-501")


class Provider:
    """Belongs to one event loop."""

    def __init__(
        self, chat: BatchChat, settings: CallSettings, *, reached: bool, remark: Callable[[str], None]
    ) -> None:
        self.chat, self._settings, self._remark, self._reached = chat, settings, remark, reached
        self._landing_seconds = min(_LANDING_SECONDS, settings.batch_poll_seconds)

    async def upload(self, path: Path, name: str) -> str:
        """Upload an input file and return its id."""
        file = await self.ask(lambda: self.chat.upload(path, name), f"upload of {path.stat().st_size} bytes")
        return file.id

    async def create(self, file_id: str, name: str, more: Mapping[str, str]) -> Batch:
        """Create the batch of that name, once."""
        tries = _Patience(self._settings)
        while True:
            asked = time.time()
            made = await self.chat.create(file_id, {NAME: name, **more})
            if not isinstance(made, Failure):
                self._heard()
                return made
            self._raise_if_hopeless(made, "creating a batch")
            if made.error is ErrorClass.TRANSIENT and made.connected:  # it may have been made, unseen by us
                found = await self.find(name, asked)
                if found is not None:
                    return found
            await self._wait(made, tries, "creating a batch")

    async def find(self, name: str, asked: float) -> Batch | None:
        """The batch of that name, if its creation was asked for at that time; waits until it would be there."""
        wait = asked + self._landing_seconds - time.time()
        if wait > 0:
            await asyncio.sleep(min(wait, self._landing_seconds))
        batches = await self.listed(asked)
        return next((batch for batch in batches if (batch.metadata or {})[NAME] == name), None)

    async def listed(self, since: float) -> Sequence[Batch]:
        """Our batches, those since then without fail; a day is taken for clocks that differ."""
        return await self.ask(lambda: self.chat.listed(since - 86_400), "listing batches")

    async def look(self, batch_id: str) -> Batch | None:
        """How a batch is; None when the endpoint knows none of that id."""

        async def look() -> Batch | None | Failure:
            found = await self.chat.retrieve(batch_id)
            return None if isinstance(found, Failure) and found.reason == "http-404" else found

        return await self.ask(look, "looking at a batch")

    async def cancel(self, batch_id: str) -> None:
        """Ask for its end, unless it has ended."""
        said = await self.chat.cancel(batch_id)
        while isinstance(said, Failure) and said.error in (ErrorClass.TRANSIENT, ErrorClass.SLOW_DOWN):
            found = await self.look(batch_id)
            if found is None or found.status not in ("validating", "in_progress"):
                return
            await asyncio.sleep(said.wait_seconds or self._settings.backoff_seconds)
            said = await self.chat.cancel(batch_id)

    async def ask(self, call: Callable[[], Awaitable[T | Failure]], what: str) -> T:
        """Ask until there is an answer. Raises Permanent, or PolyglotError for what lasts too long."""
        tries = _Patience(self._settings)
        while isinstance(found := await call(), Failure):
            self._raise_if_hopeless(found, what)
            await self._wait(found, tries, what)
        self._heard()
        return found

    def _heard(self) -> None:
        self._reached = True

    def _raise_if_hopeless(self, failure: Failure, what: str) -> None:
        if failure.error not in (ErrorClass.FATAL, ErrorClass.FINAL):
            return
        said = f"the endpoint at {self.chat.endpoint.base_url}: {what}: {failure.reason}: {failure.detail}"
        if failure.reason in _NO_SUCH_PATH:
            said = f"{said.rstrip('.')}. It has no batches: write `mode: live`, or ask an endpoint that has /v1/batches"
        raise Permanent(said)

    async def _wait(self, failure: Failure, tries: "_Patience", what: str) -> None:
        outage = failure.may_be_outage and self._reached
        if not outage and tries.used_up(failure.wait_seconds or 0.0):
            raise PolyglotError(
                f"the endpoint at {self.chat.endpoint.base_url}: {what}: {failure.reason}: {failure.detail}; for "
                f"{tries.seconds:.0f} s now. What batches answered is kept, and open ones go on"
            )
        self._remark(f"{self.chat.endpoint.base_url}: {what}: {failure.reason}: {failure.detail}; it is asked again")
        await asyncio.sleep(tries.pause(failure.wait_seconds))


class _Patience:
    """With one thing that is asked for."""

    def __init__(self, settings: CallSettings) -> None:
        self._since, self._longest, self._pause = time.monotonic(), settings.call_deadline_seconds, 0.0
        self._first = max(0.01, settings.backoff_seconds)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._since

    def used_up(self, wait_seconds: float) -> bool:
        return self.seconds + wait_seconds > self._longest

    def pause(self, wait_seconds: float | None) -> float:
        self._pause = min(_LONGEST_PAUSE_SECONDS, max(self._first, 2 * self._pause))
        return self._pause if wait_seconds is None else wait_seconds
