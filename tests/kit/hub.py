"""A model hub on loopback that speaks as much of the Hugging Face API as downloading a model needs."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository at one revision. `lies` maps a file to the SHA-256 that the hub states for it."""

    name: str
    files: Mapping[str, bytes]
    address: str = ""
    lies: Mapping[str, str] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def info(self) -> dict[str, object]:
        return {"id": self.name, "sha": REVISION, "siblings": [self._sibling(path) for path in sorted(self.files)]}

    def _sibling(self, path: str) -> dict[str, object]:
        data = self.files[path]
        entry: dict[str, object] = {"rfilename": path, "size": len(data), "blobId": "0" * 40}
        if path.endswith(".safetensors"):
            sha256 = self.lies.get(path, hashlib.sha256(data).hexdigest())
            entry["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 134}
        return entry


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve a hub on a free port of this machine while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            path = urlsplit(self.path).path
            resolved = f"/{hub.name}/resolve/{REVISION}/"
            headers = {"X-Repo-Commit": REVISION}
            if path == f"/api/models/{hub.name}/revision/{REVISION}":
                status, body = 200, json.dumps(hub.info()).encode()
                headers["Content-Type"] = "application/json"
            elif path.startswith(resolved) and path.removeprefix(resolved) in hub.files:
                name = path.removeprefix(resolved)
                status, body = 200, hub.files[name]
                headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()}"'
                if with_body:
                    hub.fetched.append(name)
            else:
                status, body = 404, b""
                headers["X-Error-Code"] = "RepoNotFound" if hub.name not in path else "RevisionNotFound"
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
