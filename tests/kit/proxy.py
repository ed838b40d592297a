"""A small HTTP proxy between a client and a real S3 server that injects faults on purpose.

    with FaultProxy(gateway) as proxy:
        proxy.inject(DropReply(), method="PUT", path="manifest.json", times=1)
        store = bucket.store(endpoint=proxy.endpoint)

A fault applies to the next `times` requests that match. Every request that arrives is kept in `proxy.seen`.
"""

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.kit.versitygw import Gateway

_STALL_LIMIT_SECONDS = 60.0


@dataclass(kw_only=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(kw_only=True)
class Reply:
    """What the server answered."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


class Fault:
    """Does nothing; its children say what goes wrong. Either method may end the connection by raising `Cut`."""

    def request(self, request: Request, proxy: "FaultProxy") -> Reply | None:
        """Before the server sees it: change the request, or answer in the server's place."""
        return None

    def reply(self, reply: Reply, client: socket.socket, proxy: "FaultProxy") -> None:
        """After the server answered: change or withhold the reply."""


class Cut(Exception):  # noqa: N818 - an order
    """Reset the client's connection."""


@dataclass
class DropReply(Fault):
    """The server does its work, and nobody hears of it."""

    def reply(self, reply: Reply, client: socket.socket, proxy: "FaultProxy") -> None:
        raise Cut


@dataclass
class Reset(Fault):
    """The connection breaks before the server sees the request."""

    def request(self, request: Request, proxy: "FaultProxy") -> Reply | None:
        raise Cut


@dataclass
class Answer(Fault):
    """An error in the server's place; the server never sees the request."""

    status: int
    code: str = ""

    def request(self, request: Request, proxy: "FaultProxy") -> Reply | None:
        body = f"<?xml version='1.0'?><Error><Code>{self.code}</Code><Message>injected</Message></Error>".encode()
        if request.method == "HEAD" or not self.code:
            body = b""
        return Reply(status=self.status, reason="Injected", headers=[("Content-Type", "application/xml")], body=body)


@dataclass
class Rival(Fault):
    """Someone else acts first: runs `act`, then lets the request through."""

    act: Callable[[], object]

    def request(self, request: Request, proxy: "FaultProxy") -> Reply | None:
        self.act()
        return None


@dataclass
class Stall(Fault):
    """The head and the first bytes of the body arrive, then nothing more, and the connection stays open."""

    after_bytes: int = 10

    def reply(self, reply: Reply, client: socket.socket, proxy: "FaultProxy") -> None:
        client.sendall(_head(reply) + reply.body[: self.after_bytes])
        proxy.stop.wait(_STALL_LIMIT_SECONDS)
        raise Cut


@dataclass
class Truncate(Fault):
    """The body breaks off although the head announced all of it."""

    after_bytes: int = 10

    def reply(self, reply: Reply, client: socket.socket, proxy: "FaultProxy") -> None:
        client.sendall(_head(reply) + reply.body[: self.after_bytes])
        raise Cut


@dataclass
class FlipBit(Fault):
    """One bit of the reply's body is wrong."""

    at: int = -1

    def reply(self, reply: Reply, client: socket.socket, proxy: "FaultProxy") -> None:
        if reply.body:
            damaged = bytearray(reply.body)
            damaged[self.at] ^= 1
            reply.body = bytes(damaged)


@dataclass
class FlipRequestBit(Fault):
    """One bit of the request's body is wrong when the server gets it."""

    def request(self, request: Request, proxy: "FaultProxy") -> Reply | None:
        request.body = request.body[:-1] + bytes([request.body[-1] ^ 1])
        return None


@dataclass
class StripHeader(Fault):
    """A header does not reach the server: a store that ignores what the header asks for.

    The header is part of the signature, so the request is signed anew.
    """

    name: str

    def request(self, request: Request, proxy: "FaultProxy") -> Reply | None:
        if request.headers.pop(self.name.lower(), None) is not None:
            proxy.sign(request)
        return None


@dataclass
class Throttle(Fault):
    """Requests reach the server slowly."""

    bytes_per_second: float

    def request(self, request: Request, proxy: "FaultProxy") -> Reply | None:
        proxy.stop.wait(len(request.body) / self.bytes_per_second)
        return None


@dataclass
class _Rule:
    fault: Fault
    method: str
    path: str
    times: float
    used: int = 0


@dataclass
class FaultProxy:
    """Listens on a free loopback port; one thread a connection. `seen` lists what arrived, in order."""

    gateway: Gateway
    seen: list[Request] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._clients: list[socket.socket] = []
        self.endpoint = f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def inject(self, fault: Fault, *, method: str = "", path: str = "", times: float = float("inf")) -> None:
        """Apply a fault to the next `times` requests of a method whose path and query contain `path`."""
        with self._lock:
            self._rules.append(_Rule(fault, method, path, times))

    def count(self, method: str, path: str = "") -> int:
        """Return how many requests of a method arrived whose path and query contain `path`."""
        with self._lock:
            return sum(request.method == method and path in request.path for request in self.seen)

    def sign(self, request: Request) -> None:
        """Sign a changed request with the server's own credentials."""
        kept = {name: value for name, value in request.headers.items() if name not in {"authorization", "x-amz-date"}}
        url = f"http://{request.headers['host']}{request.path}"
        again = AWSRequest(method=request.method, url=url, headers=kept, data=request.body)
        S3SigV4Auth(Credentials(self.gateway.access_key, self.gateway.secret_key), "s3", "us-east-1").add_auth(again)
        request.headers = {name.lower(): str(value) for name, value in again.headers.items()}

    def __enter__(self) -> "FaultProxy":
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop.set()
        with socket.socket() as last:  # wakes the thread that waits in accept
            last.connect_ex(self._server.getsockname())
        self._server.close()
        with self._lock:
            for client in self._clients:  # wakes the threads that wait for another request on a kept connection
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 5
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stop.is_set():
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, client.makefile("rb") as stream:
                with self._lock:
                    self._clients.append(client)
                while not self.stop.is_set() and (request := _receive(stream, client)):
                    self._handle(request, client)
        except (Cut, OSError, ValueError):
            return

    def _handle(self, request: Request, client: socket.socket) -> None:
        try:
            faults = self._faults(request)
            answers = (fault.request(request, self) for fault in faults)
            reply = next((answer for answer in answers if answer), None) or self._forward(request)
            for fault in faults:
                fault.reply(reply, client, self)
        except Cut:
            # close with a reset, not with a polite end
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise
        body = b"" if request.method == "HEAD" else reply.body
        client.sendall(_head(reply) + body)

    def _faults(self, request: Request) -> list[Fault]:
        with self._lock:
            self.seen.append(Request(**vars(request)))
            chosen = []
            for rule in self._rules:
                if rule.used < rule.times and rule.method in {"", request.method} and rule.path in request.path:
                    rule.used += 1
                    chosen.append(rule.fault)
            return chosen

    def _forward(self, request: Request) -> Reply:
        upstream = http.client.HTTPConnection(self.gateway.endpoint.removeprefix("http://"), timeout=30)
        try:
            upstream.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(request.body)
            answer = upstream.getresponse()
            body = answer.read()
            return Reply(status=answer.status, reason=answer.reason, headers=answer.getheaders(), body=body)
        finally:
            upstream.close()


def _receive(stream: BinaryIO, client: socket.socket) -> Request | None:
    """Read one request; bodies have a Content-Length (the client sends no chunks with checksum trailers off)."""
    line = stream.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    parsed = http.client.parse_headers(stream)
    headers = {name.lower(): value for name, value in parsed.items()}
    if headers.pop("expect", ""):
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = stream.read(int(headers.get("content-length", 0)))
    return Request(method=line[0], path=line[1], headers=headers, body=body)


def _head(reply: Reply) -> bytes:
    kept = [(n, v) for n, v in reply.headers if n.lower() not in {"transfer-encoding", "connection"}]
    if reply.body or not any(name.lower() == "content-length" for name, _ in kept):
        kept = [(n, v) for n, v in kept if n.lower() != "content-length"] + [("Content-Length", str(len(reply.body)))]
    lines = [f"HTTP/1.1 {reply.status} {reply.reason}", *(f"{name}: {value}" for name, value in kept)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
