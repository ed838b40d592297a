"""A data set hub on the loopback: the few answers of the Hugging Face hub that reading one pinned repository needs.

It serves exactly one revision of one repository, and remembers what was asked for.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"
NAME = "someone/parallel"


@dataclass
class Hub:
    """`files` maps paths of the repository to bytes; with a `token`, whoever does not bring it is told nothing."""

    files: Mapping[str, bytes]
    token: str = ""
    endpoint: str = ""
    asked: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.hub.asked.append(f"POST {self.path}")
        if self.path == f"/api/datasets/{NAME}/paths-info/{REVISION}":
            wanted = json.loads(body)["paths"] if body.startswith(b"{") else re.findall(r"paths=([^&]+)", body.decode())
            found = [unquote(path) for path in wanted]
            self._json(200, [self._entry(path) for path in found if path in self.hub.files])
        else:
            self._json(404, {"error": "no such page"})

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        if self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._json(401, {"error": "Invalid username or password."}, {"X-Error-Message": "Invalid credentials"})
            return
        resolved = f"/datasets/{NAME}/resolve/{REVISION}/"
        if path.startswith(resolved):
            self._file(path.removeprefix(resolved))
        elif path in (f"/api/datasets/{NAME}/revision/{REVISION}", f"/api/datasets/{NAME}"):
            siblings = [{"rfilename": name} for name in self.hub.files]
            self._json(200, {"id": NAME, "sha": REVISION, "siblings": siblings, "tags": [], "private": False})
        elif path.startswith(f"/api/datasets/{NAME}/tree/{REVISION}"):
            folder = path.removeprefix(f"/api/datasets/{NAME}/tree/{REVISION}").strip("/")
            below = [name for name in self.hub.files if not folder or name.startswith(f"{folder}/")]
            self._json(200, [self._entry(name) for name in below])
        else:
            missing = "EntryNotFound" if NAME in path else "RepoNotFound"
            self._json(404, {"error": "no such page"}, {"X-Error-Code": missing})

    def _entry(self, name: str) -> dict[str, object]:
        data = self.hub.files[name]
        return {"type": "file", "oid": hashlib.sha1(data).hexdigest(), "size": len(data), "path": name}  # noqa: S324

    def _file(self, name: str) -> None:
        data = self.hub.files.get(name)
        if data is None:
            self._json(404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound"})
            return
        headers = {
            "X-Repo-Commit": REVISION,
            "ETag": f'"{hashlib.sha1(data).hexdigest()}"',  # noqa: S324 - as the hub names small files
            "Accept-Ranges": "bytes",
        }
        status = 200
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, end = int(wanted[1]), int(wanted[2] or len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{min(end, len(data) - 1)}/{len(data)}"
            data, status = data[start : end + 1], 206
        self._send(status, data, headers)

    def _json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def hub_server(files: Mapping[str, bytes], *, token: str = "", port: int = 0) -> Iterator[Hub]:
    """Serve a repository of these files until the block ends."""
    hub = Hub(files=files, token=token)
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"hub": hub}))
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
