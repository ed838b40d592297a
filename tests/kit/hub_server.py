"""A hub on the loopback: the few answers of the Hugging Face hub that reading pinned repositories needs.

Models and data sets, each at exactly one revision; it remembers what was asked for.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Literal
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"
NAME = "someone/parallel"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """`files` maps paths to bytes; with a `token`, whoever does not bring it is told nothing."""

    name: str
    files: Mapping[str, bytes]
    kind: Literal["models", "datasets"] = "datasets"
    revision: str = REVISION
    token: str = ""

    @property
    def resolved(self) -> str:
        """What the paths of its files begin with."""
        return f"/{'datasets/' if self.kind == 'datasets' else ''}{self.name}/resolve/{self.revision}/"

    @property
    def api(self) -> str:
        """What the paths of questions about it begin with."""
        return f"/api/{self.kind}/{self.name}"

    def info(self) -> dict[str, object]:
        """What it is, and its files."""
        siblings = [self._sibling(path) for path in sorted(self.files)]
        return {"id": self.name, "sha": self.revision, "siblings": siblings, "tags": [], "private": False}

    def entry(self, name: str) -> dict[str, object]:
        """A file, as listings of folders have it."""
        data = self.files[name]
        return {"type": "file", "oid": hashlib.sha1(data).hexdigest(), "size": len(data), "path": name}  # noqa: S324

    def _sibling(self, path: str) -> dict[str, object]:
        data = self.files[path]
        found: dict[str, object] = {"rfilename": path, "size": len(data), "blobId": hashlib.sha1(data).hexdigest()}  # noqa: S324
        if path.endswith(".safetensors"):
            found["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return found


@dataclass(kw_only=True)
class Hub:
    """What is served, where, and what was asked for."""

    repositories: tuple[Repository, ...]
    write_token: str = ""  # who brings it may make repositories and commit to them
    written: dict[str, dict[str, bytes]] = field(default_factory=dict)  # files of such a repository, by its name
    private: set[str] = field(default_factory=set)  # those of them that not everybody sees
    fails: Literal["", "upload", "commit"] = ""  # refuses large files, or hangs up before a commit's end
    messages: list[str] = field(default_factory=list)  # of commits
    large: dict[str, bytes] = field(default_factory=dict)  # by SHA-256
    endpoint: str = ""
    asked: list[str] = field(default_factory=list)

    def find(self, path: str) -> Repository | None:
        """The repository that a path is about."""
        for one in self.repositories:
            if path.startswith(one.resolved) or path == one.api or path.startswith(f"{one.api}/"):
                return one
        return None


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.asked.append(f"POST {self.path}")
        if self.hub.write_token:
            self._write(urlsplit(self.path).path, body)
            return
        one = self.hub.find(self.path)
        if one is not None and self.path == f"{one.api}/paths-info/{one.revision}":
            wanted = json.loads(body)["paths"] if body.startswith(b"{") else re.findall(r"paths=([^&]+)", body.decode())
            self._json(200, [one.entry(path) for path in map(unquote, wanted) if path in one.files])
        else:
            self._json(404, {"error": "no such page"})

    def do_PUT(self) -> None:
        """A large file, by its SHA-256."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.hub.fails == "upload":
            self._json(400, {"error": "The upload ended early"})
            return
        self.hub.large[hashlib.sha256(body).hexdigest()] = body
        self._send(200, b"", {})

    def _write(self, path: str, body: bytes) -> None:
        """Making a repository, and a commit to it: small files in its body, large ones put before."""
        if self.headers.get("Authorization") != f"Bearer {self.hub.write_token}":
            self._json(403, {"error": "You have no right to do this"})
        elif path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(part for part in (asked.get("organization"), asked["name"]) if part)
            if name not in self.hub.written and asked.get("visibility") == "private":
                self.hub.private.add(name)
            fresh = self.hub.written.setdefault(name, {})
            self._json(409 if fresh else 200, {"url": f"{self.hub.endpoint}/{name}", "name": name, "id": name})
        elif path == "/api/validate-yaml":
            self._json(200, {"errors": [], "warnings": []})
        elif path.endswith("/preupload/main"):
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            self._json(200, {"files": modes})
        elif path.endswith("/info/lfs/objects/batch"):
            upload = {"href": f"{self.hub.endpoint}/put", "header": {}}
            objects = [{**one, "actions": {"upload": upload}} for one in json.loads(body)["objects"]]
            self._json(200, {"transfer": "basic", "objects": objects})
        elif path.endswith("/commit/main"):
            self._commit(path.removeprefix("/api/models/").removesuffix("/commit/main"), body)
        else:
            self._json(404, {"error": "no such page"})

    def _commit(self, name: str, body: bytes) -> None:
        if self.hub.fails == "commit":
            self.close_connection = True
            return
        files = self.hub.written[name]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                self.hub.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        self._json(200, {"commitUrl": f"{self.hub.endpoint}/{name}/commit/{REVISION}", "commitOid": REVISION})

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        one = self.hub.find(path) or self._written(path)
        if one is not None and one.token and self.headers.get("Authorization") != f"Bearer {one.token}":
            self._json(401, {"error": "Invalid username or password."}, {"X-Error-Message": "Invalid credentials"})
        elif one is None:
            known = any(repository.name in path for repository in self.hub.repositories)
            self._json(
                404, {"error": "no such page"}, {"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"}
            )
        elif path.startswith(one.resolved):
            self._file(one, path.removeprefix(one.resolved))
        elif path in (one.api, f"{one.api}/revision/{one.revision}", f"{one.api}/revision/main"):
            self._json(200, {**one.info(), "private": one.name in self.hub.private})
        elif listed := re.match(f"{one.api}/tree/({one.revision}|main)", path):
            folder = path.removeprefix(listed[0]).strip("/")
            self._json(200, [one.entry(name) for name in one.files if not folder or name.startswith(f"{folder}/")])
        else:
            self._json(404, {"error": "no such page"}, {"X-Error-Code": "EntryNotFound"})

    def _written(self, path: str) -> Repository | None:
        """The repository that a path is about, of those that were made here."""
        made = (Repository(name=name, files=files, kind="models") for name, files in self.hub.written.items())
        return next((one for one in made if path == one.api or path.startswith(f"{one.api}/")), None)

    def _file(self, one: Repository, name: str) -> None:
        data = one.files.get(name)
        if data is None:
            self._json(404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound"})
            return
        large = name.endswith(".safetensors")
        headers = {
            "X-Repo-Commit": one.revision,
            # as the hub names small files, and large ones
            "ETag": f'"{(hashlib.sha256 if large else hashlib.sha1)(data).hexdigest()}"',
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
def serve(*repositories: Repository, host: str = "127.0.0.1", port: int = 0, write_token: str = "") -> Iterator[Hub]:
    """Serve repositories until the block ends."""
    hub = Hub(repositories=repositories, write_token=write_token)
    server = ThreadingHTTPServer((host, port), type("Handler", (_Handler,), {"hub": hub}))
    hub.endpoint = f"http://{host}:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def hub_server(files: Mapping[str, bytes], *, token: str = "", port: int = 0) -> Iterator[Hub]:
    """Serve a data set of these files, NAME, until the block ends."""
    with serve(Repository(name=NAME, files=files, token=token), port=port) as hub:
        yield hub
