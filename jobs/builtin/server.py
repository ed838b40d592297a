"""The built-in judge: an OpenAI-compatible server on the loopback interface with a rule-based grader.

    python -m jobs.builtin.server --port 8471        # by hand; OPENAI_BASE_URL=http://127.0.0.1:8471/v1

It answers POST /v1/chat/completions and GET /v1/models over HTTP/1.1 with keep-alive; equal requests get equal bytes.
No streaming, no tools, one choice. It never listens on anything but 127.0.0.1.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jobs.builtin.grader import MODEL, Grader, Template, builtin_templates, templates
from polyglot.core.canonical import Json, sha256_bytes

HOST = "127.0.0.1"
_LARGEST_BODY_BYTES = 16 * 2**20
_ACCEPT_STEPS = 5  # of the loop: asyncio loses, still open, what it was accepting when the server is closed
_TOKEN = re.compile(r"\w+|[^\w\s]")
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 411: "Length Required"}
_REASONS |= {413: "Content Too Large", 500: "Internal Server Error"}
_UNKNOWN = "This prompt was made from no template that the built-in judge knows, so it gives no rating."


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code

    def document(self) -> dict[str, Json]:
        """The error body of the protocol."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": None, "code": self.code}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Request line and headers of one request."""

    method: str
    path: str
    body_bytes: int
    keep_alive: bool


# What is said to a conversation, a list of (role, text) with the system message first; raises Refusal.
Responder = Callable[[Sequence[tuple[str, str]]], str]


class Completions:
    """The protocol, without sockets: documents in, documents out."""

    def __init__(self, respond: Responder, model: str) -> None:
        self._respond, self._model = respond, model

    def answer(self, method: str, path: str, body: bytes) -> dict[str, Json]:
        """Answer one request. Raises Refusal."""
        route = path.partition("?")[0].rstrip("/")
        if route == "/v1/models":
            _expect(method, "GET")
            return {
                "object": "list",
                "data": [{"id": self._model, "object": "model", "created": 0, "owned_by": "polyglot"}],
            }
        if route == "/v1/chat/completions":
            _expect(method, "POST")
            return self._complete(body)
        raise Refusal(404, f"no such path: {path[:200]}", "not_found")

    def _complete(self, body: bytes) -> dict[str, Json]:
        try:
            document = json.loads(body)
        except ValueError as error:
            raise Refusal(400, f"the body is not JSON: {error}") from None
        if not isinstance(document, dict):
            raise Refusal(400, "the body is no object")
        if document.get("stream") or document.get("n") not in (None, 1) or document.get("tools"):
            raise Refusal(400, "streams, tools and several choices are not offered", "unsupported_parameter")
        if not _is_text(document.get("response_format")):
            raise Refusal(400, "response_format: replies by a JSON schema are not offered", "unsupported_parameter")
        messages = _texts(document.get("messages"))
        reply = self._respond(messages)
        words, finish = _TOKEN.findall(reply), "stop"
        limit = document.get("max_completion_tokens") or document.get("max_tokens")
        if isinstance(limit, int) and len(words) > limit:
            end = [match.end() for match in _TOKEN.finditer(reply)][max(0, limit - 1)]
            reply, finish, words = reply[:end], "length", words[:limit]
        prompt_tokens = sum(len(_TOKEN.findall(text)) for _, text in messages)
        return {
            "id": f"chatcmpl-{sha256_bytes(body)[:24]}",
            "object": "chat.completion",
            "created": 0,
            "model": self._model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": reply, "refusal": None},
                    "logprobs": None,
                    "finish_reason": finish,
                }
            ],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": len(words),
                "total_tokens": prompt_tokens + len(words),
            },
        }


def _is_text(response_format: Json) -> bool:
    return response_format is None or response_format == {"type": "text"}


class ChatServer:
    """A responder behind a socket, in a thread of its own; a context manager. `base_url` is known once it is entered.

    Responders are functions of the conversation alone, so equal requests get equal bytes.
    """

    def __init__(self, respond: Responder, model: str, port: int = 0) -> None:
        """`port` 0 takes any free one."""
        self._completions, self._port = Completions(respond, model), port
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._main, name=f"built-in {model}", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.base_url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def join(self) -> None:
        """Wait until the server ends, which it does not by itself."""
        self._thread.join()

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        connections: set[asyncio.StreamWriter] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.add(writer)
            try:
                await self._converse(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                pass  # the other side left
            finally:
                connections.discard(writer)
                writer.close()

        server = await asyncio.start_server(connected, HOST, self._port, limit=64 * 1024)
        self.base_url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._stop.wait()
        for _ in range(_ACCEPT_STEPS):
            await asyncio.sleep(0)
        server.close()
        for writer in list(connections):
            writer.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=1)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            keep_alive = False
            try:
                head = await _head(reader)
                if head is None:
                    return
                body = await reader.readexactly(head.body_bytes)
                keep_alive = head.keep_alive
                status, document = 200, self._completions.answer(head.method, head.path, body)
            except Refusal as refusal:
                status, document = refusal.status, refusal.document()
            except (ConnectionError, asyncio.IncompleteReadError):
                raise
            except Exception as error:  # a bug of ours is the server's error, and the connection goes on
                logging.getLogger(__name__).exception("the built-in server failed")
                status, document = 500, Refusal(500, f"{type(error).__name__}").document()
            writer.write(_response(status, document, keep_alive))
            await writer.drain()
            if not keep_alive:
                return


class JudgeServer(ChatServer):
    """The built-in judge."""

    def __init__(self, templates: Sequence[Template], port: int = 0) -> None:
        """`templates` are the prompts that it knows."""
        grader = Grader(templates)

        def respond(messages: Sequence[tuple[str, str]]) -> str:
            texts = dict(messages)
            if len(texts) < len(messages) or "user" not in texts or "assistant" in texts:
                raise Refusal(400, "expected at most one system message and one user message")
            return grader.reply(texts.get("system", ""), texts["user"]) or _UNKNOWN

        super().__init__(respond, MODEL, port)


async def _head(reader: asyncio.StreamReader) -> Head | None:
    """Read up to the empty line; None when the other side has closed. Raises Refusal for what HTTP is not."""
    try:
        block = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    except asyncio.LimitOverrunError:
        raise Refusal(400, "the headers are too long") from None
    lines = block.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise Refusal(400, "not an HTTP/1 request")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if "transfer-encoding" in headers:
        raise Refusal(411, "send a Content-Length")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise Refusal(400, "Content-Length is no number")
    if int(length) > _LARGEST_BODY_BYTES:
        raise Refusal(413, f"the body is over {_LARGEST_BODY_BYTES} bytes")
    keep_alive = headers.get("connection", "").lower() != "close" and parts[2] == "HTTP/1.1"
    return Head(method=parts[0], path=parts[1], body_bytes=int(length), keep_alive=keep_alive)


def _response(status: int, document: Mapping[str, Json], keep_alive: bool) -> bytes:
    body = json.dumps(document, ensure_ascii=False).encode()
    lines = [
        f"HTTP/1.1 {status} {_REASONS[status]}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _expect(method: str, allowed: str) -> None:
    if method != allowed:
        raise Refusal(405, f"got {method}; expected {allowed}")


def _texts(messages: object) -> list[tuple[str, str]]:
    """The conversation as (role, text), the last of them the user's. Raises Refusal."""
    texts: list[tuple[str, str]] = []
    for message in messages if isinstance(messages, list) else []:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role not in ("system", "user", "assistant") or not isinstance(content, str):
            raise Refusal(400, "expected system, user and assistant messages, all of text")
        texts.append((role, content))
    if not texts or texts[-1][0] != "user":
        raise Refusal(400, "no user message")
    return texts


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the prompts of a benchmark until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m jobs.builtin.server", description="The built-in judge.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--prompts",
        metavar="LANG=FILE",
        action="append",
        default=[],
        help="judge_prompts.jsonl of another benchmark in a language; without any, the built-in benchmark's",
    )
    options = parser.parse_args(arguments)
    named = {language: Path(path) for language, _, path in (item.partition("=") for item in options.prompts)}
    known = templates(named) if named else builtin_templates()
    with JudgeServer(known, options.port) as server, contextlib.suppress(KeyboardInterrupt):
        sys.stderr.write(f"the built-in judge listens: OPENAI_BASE_URL={server.base_url}\n")
        server.join()


if __name__ == "__main__":
    main()
