"""A proxy between one driver and the real API server that misbehaves on purpose.

    with api_proxy(target) as proxy:
        proxy.refusals = 3          # the next creations of Jobs are answered by 429
        proxy.lost_replies = 2      # the next ones work, and nobody hears of it
        proxy.events_a_watch = 1    # then every watch ends in 410 Gone
        … KUBECONFIG=proxy.kubeconfig …

It speaks plain HTTP to the driver and has the administrator's certificate for the server.
"""

import http.client
import json
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.kit.cluster.target import Target

_GONE = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "message": "too old resource version"}
_BUSY = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 429, "message": "too many requests"}


class ApiProxy(ThreadingHTTPServer):
    """What goes wrong is in its attributes; `done` counts what did."""

    daemon_threads = True

    def __init__(self, target: Target, folder: Path) -> None:
        """Listens on a free port; `folder` takes the kubeconfig."""
        super().__init__(("127.0.0.1", 0), _Handler)
        configuration = target.api.configuration
        self.server_host = str(urlsplit(configuration.host).netloc)
        self.tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        self.tls.load_cert_chain(configuration.cert_file, configuration.key_file)
        self.refusals = self.lost_replies = 0
        self.events_a_watch: int | None = None
        self.done: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.kubeconfig = folder / "proxied.kubeconfig"
        cluster = {"name": "proxied", "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}
        context = {"name": "proxied", "context": {"cluster": "proxied", "user": "nobody"}}
        content = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context]}
        users = [{"name": "nobody", "user": {}}]
        self.kubeconfig.write_text(json.dumps({**content, "users": users, "current-context": "proxied"}))

    def takes(self, what: str) -> bool:
        """Whether this is one of the next requests that go wrong in that way."""
        with self._lock:
            left: int = getattr(self, what)
            setattr(self, what, max(0, left - 1))
            self.done[what] += left > 0
            return left > 0


class _Handler(BaseHTTPRequestHandler):
    server: ApiProxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.takes("refusals"):
            self._answer(429, json.dumps(_BUSY).encode())
        else:
            self._pass_on(body)

    def do_DELETE(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _pass_on(self, body: bytes) -> None:
        connection = http.client.HTTPSConnection(self.server.server_host, context=self.server.tls, timeout=600)
        kept = {name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers}
        try:
            connection.request(self.command, self.path, body=body or None, headers=kept)
            response = connection.getresponse()
            if "watch=true" in self.path and response.status == 200:
                self._pass_on_watch(response)
                return
            data = response.read()
            if self.command == "POST" and self.server.takes("lost_replies"):
                self._reset()
            else:
                self._answer(response.status, data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            connection.close()

    def _pass_on_watch(self, response: http.client.HTTPResponse) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")  # as API servers do, so that clients see each event at once
        self.end_headers()
        for number, line in enumerate(iter(response.readline, b"")):
            if number == self.server.events_a_watch:
                self.server.done["watches gone"] += 1
                line = json.dumps({"type": "ERROR", "object": _GONE}).encode() + b"\n"
            self._write_chunk(line)
            if number == self.server.events_a_watch:
                break
        self._write_chunk(b"")

    def _write_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


@contextmanager
def api_proxy(target: Target, folder: Path) -> Iterator[ApiProxy]:
    """Run a proxy until the block ends."""
    proxy = ApiProxy(target, folder)
    thread = threading.Thread(target=proxy.serve_forever, name="api-proxy", daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
