"""A loopback API server that speaks Kubernetes' list and watch protocol for one kind, and breaks it as told.

    with ApiServer() as server:
        server.put("a", phase="Running")     # watches see ADDED or MODIFIED, with the next resource version
        server.interrupt("cut")              # every watch that is open ends in the middle of a line

Lists are paged, watches are chunked and replay what came after their resource version. After `forget` a new watch from
an older version is answered by 410 Gone, as an API server does after it has compacted its store; one that is open goes
on and misses nothing.
"""

import json
import socket
from collections.abc import Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Condition, Thread
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from kubernetes.client import ApiClient, Configuration

from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.client import Client

Fault = Literal["end", "cut", "expire", "stall", "nonsense"]
GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}


class ApiServer:
    """The objects of one kind in one namespace. `requests` has what was asked: ("list", "") or ("watch", version)."""

    def __init__(self, *, page: int = 500) -> None:
        """`page` is the most objects that one answer to a list holds."""
        self.page = page
        self.requests: list[tuple[str, str]] = []
        self.changed = Condition()
        self._objects: dict[str, dict[str, Any]] = {}
        self._history: list[tuple[int, dict[str, Any]]] = []
        self._listed: dict[str, list[dict[str, Any]]] = {}
        self._version, self._forgotten = 100, 0
        self._interruption: tuple[int, Fault, int] = (0, "end", 0)
        self._refusals: list[int] = []
        self._uids = count(1)
        server = self

        class Handler(_Handler):
            api = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_port

    def __enter__(self) -> "ApiServer":
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.interrupt("cut")
        self._server.shutdown()
        self._server.server_close()

    def client(self) -> Api:
        """A client as the scheduler uses it."""
        configuration = Configuration()
        configuration.host = f"http://127.0.0.1:{self.port}"
        configuration.retries = False
        return Api(Client(ApiClient(configuration)), "somewhere")

    def put(self, name: str, *, replaced: bool = False, **fields: Any) -> None:
        """Create or change an object; `replaced`: it is another one of the same name."""
        with self.changed:
            old = self._objects.get(name)
            uid = old["metadata"]["uid"] if old and not replaced else f"uid-{next(self._uids)}"
            self._version += 1
            metadata = {"name": name, "uid": uid, "resourceVersion": str(self._version)}
            self._objects[name] = {"metadata": metadata, **fields}
            self._tell("MODIFIED" if old else "ADDED", self._objects[name])

    def delete(self, name: str) -> None:
        """Remove an object; watches see it as it last was."""
        with self.changed:
            gone = self._objects.pop(name)
            self._version += 1
            self._tell("DELETED", {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self._version)}})

    def bookmark(self) -> None:
        """Tell watches how far they are, with no change of theirs: others' changes have used up versions."""
        with self.changed:
            self._version += 5
            self._tell("BOOKMARK", {"metadata": {"resourceVersion": str(self._version)}})

    def forget(self) -> None:
        """Watches that begin later, at a version from before now, are too old."""
        with self.changed:
            self._version += 1
            self._forgotten = self._version

    def interrupt(self, fault: Fault) -> None:
        """End every open watch: orderly, in the middle of a line, by 410, never (silence), or with what is no event.

        It sees what changed until now, and nothing that changes after.
        """
        with self.changed:
            self._interruption = (self._interruption[0] + 1, fault, self._version)
            self.changed.notify_all()

    def refuse(self, *statuses: int) -> None:
        """Answer the next requests by these statuses."""
        self._refusals += statuses

    def objects(self) -> dict[str, dict[str, Any]]:
        """What is there, by name."""
        with self.changed:
            return deepcopy(self._objects)

    def watches(self) -> list[str]:
        """The versions that watches began at."""
        return [version for what, version in self.requests if what == "watch"]

    def lists(self) -> int:
        """How many pages of lists were asked for."""
        return sum(what == "list" for what, _ in self.requests)

    def _tell(self, type_: str, document: dict[str, Any]) -> None:
        self._history.append((self._version, {"type": type_, "object": document}))
        self.changed.notify_all()

    # What the handler asks

    def asked(self, what: str, version: str) -> int:
        """Note a request; returns how many interruptions there were before it, so that it sees every later one."""
        with self.changed:
            self.requests.append((what, version))
            return self._interruption[0]

    def refusal(self) -> int | None:
        """The status to answer by."""
        return self._refusals.pop(0) if self._refusals else None

    def listed(self, token: str) -> dict[str, Any]:
        """One page. All pages of a list are of the moment of its first one, whatever has changed since."""
        with self.changed:
            moment, _, begin = token.partition(":")
            if not token:
                moment, begin = str(self._version), "0"
                self._listed[moment] = [self._objects[name] for name in sorted(self._objects)]
            found, at = self._listed[moment], int(begin)
            more = f"{moment}:{at + self.page}" if at + self.page < len(found) else ""
            return {"items": found[at : at + self.page], "metadata": {"resourceVersion": moment, "continue": more}}

    def too_old(self, version: str) -> bool:
        """True when the changes after a version are forgotten."""
        return int(version) < self._forgotten

    def news(self, version: str, began: int) -> Iterator[dict[str, Any] | Fault]:
        """Yield the events after a version as they come, and at last how the watch ends: by what `began` is not of."""
        after = int(version)
        while True:
            with self.changed:
                while not (found := self._after(after)) and self._interruption[0] == began:
                    self.changed.wait()
                interruption, fault, last = self._interruption
                interrupted = interruption > began
            for number, event in found:
                if interrupted and number > last:
                    break
                after = number
                yield event
            if interrupted:
                yield fault
                return

    def _after(self, version: int) -> list[tuple[int, dict[str, Any]]]:
        return [(number, event) for number, event in self._history if number > version]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: ApiServer

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        watching, version = query.get("watch") == "true", query.get("resourceVersion", "")
        began = self.api.asked("watch" if watching else "list", version)
        status = self.api.refusal()
        if status is None and watching and self.api.too_old(version):
            status = 410
        if status is not None:
            self._answer(status, {**GONE, "code": status, "message": f"refused with {status}"})
        elif watching:
            self._watch(version, began)
        else:
            self._answer(200, self.api.listed(query.get("continue", "")))

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _watch(self, version: str, began: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for each in self.api.news(version, began):
            match each:
                case dict():
                    self._chunk(json.dumps(each).encode() + b"\n")
                case "end":
                    self._chunk(b"")
                case "expire":
                    self._chunk(json.dumps({"type": "ERROR", "object": GONE}).encode() + b"\n")
                    self._chunk(b"")
                case "nonsense":
                    self._chunk(b'{"type": "ADDED", "object": {}}\n')
                case "cut":
                    self._chunk(b'{"type": "ADDED", "object": {"metadata": {"name": "half')
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                case "stall":
                    self.connection.settimeout(None)
                    self.rfile.read(1)  # until the client gives up

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # the client left
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
