"""A loopback chat endpoint that misbehaves as told, and remembers every request that reached it.

    with ScriptedJudge(lambda call: status(429, retry_after="0.2") if call.nth == 1 else reply("[[7]]")) as server:
        server.base_url, server.calls

A script is a function from a `Call` to a `Step`; `nth` counts the requests with the same body, from 1.
"""

import asyncio
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from polyglot.core.canonical import sha256_bytes


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request as it arrived; `id` is the content key that the client ought to have given it."""

    index: int
    nth: int
    id: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    in_flight: int

    @property
    def user(self) -> str:
        return next(m["content"] for m in self.body["messages"] if m["role"] == "user")


Step = Callable[[asyncio.StreamWriter], Awaitable[None]]
Script = Callable[[Call], Step]


class ScriptedJudge:
    """A context manager; the server runs in a thread of its own. `peak` is the most requests that were in flight.

    Asked for its models it says 404, or 503 when `is_there` says no; `looks` counts that, and no script hears of it.
    """

    def __init__(
        self,
        script: Script,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        is_there: Callable[[], bool] = lambda: True,
    ) -> None:
        self._script, self._host, self._port, self.is_there = script, host, port, is_there
        self.looks = 0
        self.calls: list[Call] = []
        self.peak = 0
        self._in_flight = 0
        self._counts: Counter[str] = Counter()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.base_url = ""

    @property
    def ids(self) -> list[str]:
        return [call.id for call in self.calls]

    def __enter__(self) -> "ScriptedJudge":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                while await self._one(reader, writer):
                    pass
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                tasks.discard(task)
                writer.close()

        server = await asyncio.start_server(connected, self._host, self._port, limit=2**20, backlog=512)
        self.base_url = f"http://{self._host}:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.readexactly(1)
        if first == b"\x16":  # a TLS hello: servers answer it in plain words
            await raw(http("400 Bad Request", b"{}"), close=True)(writer)
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if head[0].startswith("GET ") and head[0].split(" ")[1].endswith("/models"):  # whether it is there at all
            self.looks += 1
            await status(404 if self.is_there() else 503)(writer)
            return True
        id_ = sha256_bytes(body)
        self._counts[id_] += 1
        self._in_flight += 1
        self.peak = max(self.peak, self._in_flight)
        call = Call(
            index=len(self.calls),
            nth=self._counts[id_],
            id=id_,
            path=head[0].split(" ")[1],
            headers=headers,
            body=_parsed(body, headers.get("content-type", "")),
            in_flight=self._in_flight,
        )
        self.calls.append(call)
        try:
            await self._script(call)(writer)
        finally:
            self._in_flight -= 1
        return not writer.is_closing()


def _parsed(body: bytes, content_type: str) -> Mapping[str, Any]:
    """JSON, or a form whose fields are lists."""
    if "form-urlencoded" in content_type:
        return parse_qs(body.decode())
    found: Mapping[str, Any] = json.loads(body or b"{}")
    return found


@dataclass(kw_only=True)
class Usage:
    prompt: int = 100
    completion: int = 20


def completion(
    text: str | None, *, finish: str | None = "stop", refusal: str | None = None, usage: Usage | None = None
) -> dict[str, Any]:
    """A well-formed chat completion."""
    usage = usage or Usage()
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "judge-1-2024",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": refusal},
                "finish_reason": finish,
            }
        ],
        "usage": {"prompt_tokens": usage.prompt, "completion_tokens": usage.completion, "total_tokens": 0},
    }


def http(status_line: str, body: bytes, headers: Mapping[str, str] | None = None, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status_line}", f"Content-Length: {len(body) if length is None else length}"]
    lines += [
        f"{name}: {value}" for name, value in ({"Content-Type": "application/json"} | dict(headers or {})).items()
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def raw(data: bytes, *, close: bool = False) -> Step:
    """Send exactly these bytes."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return step


def reply(text: str | None, *, after: float = 0.0, **message: Any) -> Step:
    """Send a completion, `after` so many seconds."""
    data = http("200 OK", json.dumps(completion(text, **message)).encode())
    return raw(data) if not after else slow(after, raw(data))


def slow(seconds: float, then: Step) -> Step:
    async def step(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await then(writer)

    return step


def status(code: int, message: str = "no", *, error: Mapping[str, Any] | None = None, **headers: str) -> Step:
    """Send an error of the protocol; headers by name with "_" for "-"."""
    body = json.dumps({"error": {"message": message, "type": "error", "param": None, "code": None} | dict(error or {})})
    return raw(http(f"{code} X", body.encode(), {name.replace("_", "-"): value for name, value in headers.items()}))


def hang() -> Step:
    """Say nothing until the other side leaves."""

    async def step(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    return step


def drip(seconds: float) -> Step:
    """Send headers, then one byte at a time for ever: a read timeout alone never ends this."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(http("200 OK", b"", length=10**6))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(seconds)

    return step


def truncated() -> Step:
    """Promise more bytes than are sent, then close."""
    body = json.dumps(completion("Rating: [[7]]")).encode()
    return raw(http("200 OK", body[: len(body) // 2], length=len(body)), close=True)


def reset() -> Step:
    """Drop the connection by RST, without an answer."""

    async def step(writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        writer.close()

    return step


@dataclass
class Limiter:
    """A script: 429 whenever more than `limit` requests are in flight, else a reply after `latency` seconds."""

    limit: int
    latency: float
    retry_after: str | None = None
    refused: int = field(default=0)

    def __call__(self, call: Call) -> Step:
        if call.in_flight > self.limit:
            self.refused += 1
            headers = {"retry_after": self.retry_after} if self.retry_after else {}
            return status(429, "slow down", error={"code": "rate_limit_exceeded"}, **headers)
        return reply("Fine.\n\nRating: [[7]]", after=self.latency)
