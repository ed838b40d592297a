"""The Batch API through the openai SDK: files, batches, and the lines of their results told as Replies and Failures.

What an answer means is the chat client's to say, so that a line of a file and a live call are read alike. As there, no
call raises for what a network or a server can do, retries are others' affair, and keys are in nothing that is said.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, Omit
from openai.types import Batch, FileObject

from jobs.lib.chat.calls import ErrorClass, Failure, Reply, Request
from jobs.lib.chat.chat import Chat
from jobs.lib.chat.refusals import LIMITS

T = TypeVar("T")

PATH: Final = "/v1/chat/completions"  # as batches name it, whatever the address
NAME = "polyglot"  # the field of a batch's metadata that has its name
_PAGE = 100
# What a request's own error means that was never executed; any other may have cost something
_NOT_EXECUTED = frozenset({"batch_expired", "batch_cancelled"})


class BatchChat(Chat):
    """Use as an async context manager, inside one event loop."""

    async def __aenter__(self) -> "BatchChat":
        return self

    @property
    def limit(self) -> str:
        """The field that bounds a reply's length, as far as is known by now."""
        return self._limit_field

    @limit.setter
    def limit(self, field: str) -> None:
        if field in LIMITS:
            self._limit_field = field

    def line(self, request: Request) -> bytes:
        """A request as a line of an input file, its end included."""
        head = json.dumps({"custom_id": request.id, "method": "POST", "url": PATH})
        return head[:-1].encode() + b', "body": ' + self._body(request) + b"}\n"

    async def upload(self, path: Path, name: str) -> FileObject | Failure:
        """Upload an input file under a name; it is read as it is sent."""
        with path.open("rb") as content:
            upload = (f"{name}.jsonl", content, "application/jsonl")
            return await self._ask(
                FileObject, lambda: self._api.files.create(file=upload, purpose="batch", extra_headers=self._auth)
            )

    async def create(self, file_id: str, metadata: Mapping[str, str]) -> Batch | Failure:
        """Have a file answered; metadata is there before anything is."""
        return await self._ask(
            Batch,
            lambda: self._api.batches.create(
                input_file_id=file_id,
                endpoint=PATH,
                completion_window="24h",
                metadata=dict(metadata),
                extra_headers=self._auth,
            ),
        )

    async def retrieve(self, batch_id: str) -> Batch | Failure:
        """Look at one batch."""
        return await self._ask(Batch, lambda: self._api.batches.retrieve(batch_id, extra_headers=self._auth))

    async def cancel(self, batch_id: str) -> Batch | Failure:
        """Ask for its end; what was answered until then is kept."""
        return await self._ask(Batch, lambda: self._api.batches.cancel(batch_id, extra_headers=self._auth))

    async def listed(self, since: float) -> Sequence[Batch] | Failure:
        """Batches of the account that are ours, those created since then (Unix seconds) without fail; all pages.

        Providers list the newest first. Where one does not, nothing is left out.
        """

        async def read() -> list[Batch]:
            found: list[Batch] = []
            newest_first, last = True, float("inf")
            async for batch in self._api.batches.list(limit=_PAGE, extra_headers=self._auth):
                newest_first &= batch.created_at <= last
                last = batch.created_at
                if newest_first and last < since:
                    break
                if (batch.metadata or {}).get(NAME):
                    found.append(batch)
            return found

        return await self._ask(list, read)

    async def lines(self, file_id: str) -> AsyncIterator[bytes]:
        """The lines of a file as they come in, without their ends. Raises what `failure` reads."""
        rest = b""
        async with self._api.files.with_streaming_response.content(file_id, extra_headers=self._auth) as response:
            async for chunk in response.iter_bytes(1 << 16):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line
        if rest:
            yield rest

    def read_line(self, document: Mapping[str, Any], limit: str) -> Reply | Failure:
        """One line of a result; `limit` is the field by which the batch bounded replies."""
        response = document.get("response")
        if isinstance(response, Mapping) and type(response.get("status_code")) is int:
            status, body = response["status_code"], response.get("body")
            if 200 <= status < 300:
                return self._reply(json.dumps(body).encode())
            request = httpx2.Request("POST", f"{self.endpoint.base_url}/chat/completions")
            said = httpx2.Response(status, json=body, request=request)
            inner = body.get("error", body) if isinstance(body, Mapping) else body
            error = APIStatusError(f"Error code: {status}", response=said, body=inner)
            return self._renamed(limit, error) or self._status(error)
        error_said = document.get("error")
        code = str(error_said.get("code") or "unknown") if isinstance(error_said, Mapping) else "unknown"
        detail = str(error_said.get("message") or "") if isinstance(error_said, Mapping) else ""
        return Failure(
            reason=self._say(code).replace("_", "-")[:40],
            error=ErrorClass.TRANSIENT,
            detail=self._say(detail),
            may_be_billed=code not in _NOT_EXECUTED,
        )

    def failure(self, error: Exception) -> Failure:
        """What a call's exception means. Raises it when it is none of a network's or a server's."""
        if isinstance(error, APIStatusError):
            return self._status(error)
        if isinstance(error, APIConnectionError):
            return self._connection(error)
        if isinstance(error, httpx2.HTTPError | ValueError):
            detail = self._say(f"{type(error).__name__}: {error}")
            return Failure(reason="connection", error=ErrorClass.TRANSIENT, detail=detail, may_be_billed=True)
        raise error

    def say(self, text: str) -> str:
        """One line of bounded length without the key."""
        return self._say(text)

    @property
    def _auth(self) -> dict[str, str | Omit]:
        """The headers by which an endpoint knows us; the SDK says what a body is."""
        return {name: value for name, value in self._headers.items() if name != "Content-Type"}

    @property
    def _api(self) -> AsyncOpenAI:
        return next(iter(self._loads))

    async def _ask(self, kind: type[T], what: Callable[[], Awaitable[T]]) -> T | Failure:
        try:
            found = await what()
        except (APIStatusError, APIConnectionError, httpx2.HTTPError, ValueError) as error:
            return self.failure(error)
        if not isinstance(found, kind):
            detail = self._say(f"it is no {kind.__name__}: {str(found)[:80]!r}")
            return Failure(reason="bad-json", error=ErrorClass.TRANSIENT, detail=detail, may_be_billed=True)
        return found
