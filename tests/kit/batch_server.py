"""A loopback of OpenAI's files, batches and chat completions, which remembers everything that somebody would pay for.

    with BatchServer(answer=lambda line: failed(500) if line.nth == 1 else answered("[[7]]")) as server:
        server.base_url, server.batches, server.billed

A batch goes on by being looked at, one status a look, so nothing hangs on time: validating, in_progress (half of it is
done), finalizing, and what `course` says is its end. `billed` counts by the content of what was asked: each line with a
200, and each live call. `before` and `after` hear of every request, and may do harm, such as killing who asks.
"""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from polyglot.core.canonical import canonical, sha256_bytes
from tests.kit.judge_server import completion


@dataclass(frozen=True, kw_only=True)
class Line:
    """A request of a batch, or a live one (`batch` is None then). `nth` counts how often it was asked, from 1."""

    id: str
    body: Mapping[str, Any]
    nth: int
    batch: int | None

    @property
    def user(self) -> str:
        return str(next(m["content"] for m in self.body["messages"] if m["role"] == "user"))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status and a body, or (0) an error of the line itself."""

    status: int
    body: Mapping[str, Any]


def answered(text: str, **more: Any) -> Answer:
    return Answer(status=200, body=completion(text, **more))


def failed(status: int, message: str = "no", **error: Any) -> Answer:
    said = {"message": message, "type": "error", "param": None, "code": None} | error
    return Answer(status=status, body={"error": said})


def broken(code: str) -> Answer:
    return Answer(status=0, body={"code": code, "message": "said by the batch"})


@dataclass(frozen=True, kw_only=True)
class Half:
    """The first half of a file, then `then`, then a connection that breaks."""

    then: Callable[[], None]


MISSING = Answer(status=-1, body={})  # it has no line in either file


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a batch ends. `done` is how many of its lines are executed before it does; the rest say so in their error."""

    end: str = "completed"
    done: int | None = None
    errors: tuple[Mapping[str, Any], ...] = ()
    looks: int = 3  # until the end


@dataclass(kw_only=True)
class Made:
    """A batch at the provider."""

    number: int  # from 1
    id: str
    name: str
    input_file: str
    lines: list[dict[str, Any]]
    course: Course
    status: str = "validating"
    looks: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    output_file: str | None = None
    error_file: str | None = None
    errors: tuple[Mapping[str, Any], ...] = ()
    created_at: int = field(default_factory=lambda: int(time.time()))

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "created_at": self.created_at,
            "input_file_id": self.input_file,
            "status": self.status,
            "output_file_id": self.output_file,
            "error_file_id": self.error_file,
            "errors": {"object": "list", "data": list(self.errors)} if self.errors else None,
            "request_counts": self.counts,
            "metadata": {"polyglot": self.name} if self.name else None,
        }


class BatchServer:
    """A context manager; it serves in threads of this process."""

    def __init__(
        self,
        *,
        answer: Callable[[Line], Answer] = lambda line: answered("Rating: [[7]]"),
        course: Callable[[int], Course] = lambda number: Course(),
        before: Callable[[str, str, int], Answer | None] = lambda method, path, nth: None,
        after: "Callable[[str, str, int], Answer | Half | None]" = lambda method, path, nth: None,
        page: int = 100,
    ) -> None:
        """`before` and `after` get method, path (without /v1) and the how manieth of both; what they return is sent
        in place of the usual, `after` once it was done."""
        self.answer, self.course, self.before, self.after, self.page = answer, course, before, after, page
        self.files: dict[str, bytes] = {}
        self.file_names: dict[str, str] = {}
        self.batches: dict[str, Made] = {}
        self.billed: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.live = 0
        self.requests: Counter[tuple[str, str]] = Counter()
        self.keys: set[str | None] = set()
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> "BatchServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forget(self, batch_id: str) -> None:
        with self.lock:
            del self.batches[batch_id]

    # What requests do

    def store_file(self, name: str, content: bytes) -> dict[str, Any]:
        file_id = f"file-{len(self.files) + 1}"
        self.files[file_id], self.file_names[file_id] = content, name
        purpose = {"purpose": "batch", "status": "processed", "created_at": int(time.time())}
        return {"id": file_id, "object": "file", "bytes": len(content), "filename": name} | purpose

    def create(self, given: Mapping[str, Any]) -> Answer:
        if given["endpoint"] != "/v1/chat/completions" or given["completion_window"] != "24h":
            return failed(400, "Invalid value")
        content = self.files[given["input_file_id"]]
        lines = [json.loads(line) for line in content.splitlines()]
        number = len(self.batches) + 1
        made = Made(
            number=number,
            id=f"batch_{number}",
            name=(given.get("metadata") or {}).get("polyglot", ""),
            input_file=given["input_file_id"],
            lines=lines,
            course=self.course(number),
            counts={"total": 0, "completed": 0, "failed": 0},
        )
        assert len({line["custom_id"] for line in lines}) == len(lines) <= 50_000
        self.batches[made.id] = made
        return Answer(status=200, body=made.document())

    def look(self, made: Made) -> Answer:
        if made.status in ("validating", "in_progress", "finalizing", "cancelling"):
            made.looks += 1
            if made.looks >= made.course.looks or made.status == "cancelling":
                self._end(made)
            else:
                made.status = "in_progress" if made.looks < made.course.looks - 1 else "finalizing"
                made.counts = {"total": len(made.lines), "completed": len(made.lines) // 2, "failed": 0}
        return Answer(status=200, body=made.document())

    def cancel(self, made: Made) -> Answer:
        if made.status not in ("validating", "in_progress", "finalizing"):
            return failed(409, f"Cannot cancel a batch with status {made.status}")
        made.status, made.course = "cancelling", Course(end="cancelled", done=made.counts["completed"])
        return Answer(status=200, body=made.document())

    def list_batches(self, query: Mapping[str, list[str]]) -> Answer:
        newest_first = list(reversed(self.batches.values()))
        after = query.get("after", [""])[0]
        if after:
            newest_first = newest_first[[made.id for made in newest_first].index(after) + 1 :]
        size = min(self.page, int(query.get("limit", ["20"])[0]))
        data, more = newest_first[:size], len(newest_first) > size
        return Answer(status=200, body={"object": "list", "data": [m.document() for m in data], "has_more": more})

    def complete(self, body: Mapping[str, Any]) -> Answer:
        id_ = sha256_bytes(canonical(body))
        self.live += 1
        return self._execute(id_, body, None)

    def _execute(self, id_: str, body: Mapping[str, Any], batch: int | None) -> Answer:
        self.asked[id_] += 1
        said = self.answer(Line(id=id_, body=body, nth=self.asked[id_], batch=batch))
        self.billed[id_] += said.status == 200
        return said

    def _end(self, made: Made) -> None:
        made.status, course = made.course.end, made.course
        if made.status == "failed":
            made.errors = course.errors
            return
        output, errors = list[str](), list[str]()
        done = len(made.lines) if course.done is None else course.done
        for number, line in enumerate(made.lines):
            if number < done:
                assert sha256_bytes(canonical(line["body"])) == line["custom_id"] or "max_tokens" not in line["body"]
                said = self._execute(line["custom_id"], line["body"], made.number)
            else:
                said = broken(f"batch_{made.status}")
            if said.status < 0:
                continue
            response = {"status_code": said.status, "request_id": f"r{number}", "body": said.body}
            entry = {"id": f"batch_req_{number}", "custom_id": line["custom_id"]}
            entry |= {"response": response, "error": None} if said.status else {"response": None, "error": said.body}
            (output if said.status == 200 else errors).append(json.dumps(entry))
        made.counts = {"total": len(made.lines), "completed": len(output), "failed": len(errors)}
        if output:  # in another order than they were asked
            made.output_file = f"file-output-{made.number}"
            self.files[made.output_file] = ("\n".join(reversed(output)) + "\n").encode()
        if errors:
            made.error_file = f"file-errors-{made.number}"
            self.files[made.error_file] = ("\n".join(errors) + "\n").encode()


def _handler(server: BatchServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or self._chunked()
            url = urlsplit(self.path)
            path = url.path.removeprefix("/v1")
            with server.lock:
                server.keys.add(self.headers.get("Authorization"))
                server.requests[method, path] += 1
                nth = server.requests[method, path]
            said: Answer | Half | bytes | None = server.before(method, path, nth)
            if said is None:
                with server.lock:
                    said = self._route(method, path, parse_qs(url.query), body)
                said = server.after(method, path, nth) or said
            if isinstance(said, Half):
                content = server.files[path.split("/")[2]]
                self._head(200, "application/octet-stream", len(content))
                self.wfile.write(content[: len(content) // 2])
                said.then()
                self.close_connection = True
            elif isinstance(said, bytes):
                self._send(200, "application/octet-stream", said)
            else:
                self._send(said.status, "application/json", json.dumps(said.body).encode())

        def _route(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Answer | bytes:
            match method, path.strip("/").split("/"):
                case "POST", ["files"]:
                    name, content = _uploaded(body)
                    return Answer(status=200, body=server.store_file(name, content))
                case "GET", ["files", file_id, "content"] if file_id in server.files:
                    return server.files[file_id]
                case "POST", ["batches"]:
                    return server.create(json.loads(body))
                case "GET", ["batches"]:
                    return server.list_batches(query)
                case "GET", ["batches", batch_id] if batch_id in server.batches:
                    return server.look(server.batches[batch_id])
                case "POST", ["batches", batch_id, "cancel"] if batch_id in server.batches:
                    return server.cancel(server.batches[batch_id])
                case "POST", ["chat", "completions"]:
                    return server.complete(json.loads(body))
            return failed(404, f"no {path}")

        def _chunked(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return b""
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self._head(status, kind, len(body))
            self.wfile.write(body)

        def _head(self, status: int, kind: str, length: int) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is said."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                """The other side was killed."""

    return Handler


def _uploaded(body: bytes) -> tuple[str, bytes]:
    """The name and content of the one file of a multipart form."""
    boundary = body[: body.index(b"\r\n")]
    for part in body.split(boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'filename="([^"]*)"', head)
        if name is not None:
            return name[1].decode(), content.removesuffix(b"\r\n")
    raise ValueError("no file in the form")


def lines_of(number: int) -> Iterator[bytes]:
    """A result file of so many lines, for what only reads."""
    reply = "The answer is helpful and complete, and says what it does not know. " * 12 + "Rating: [[7]]"
    for count in range(number):
        response = {"status_code": 200, "request_id": f"r{count}", "body": completion(reply)}
        yield json.dumps(
            {"id": f"b{count}", "custom_id": f"{count:064x}", "response": response, "error": None}
        ).encode()
