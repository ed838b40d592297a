"""A judge that scores by the text with a little noise, `SHIFT` points off, and a webhook that says what it was told.

Only the standard library is used: the file is given to a pod as it is.
"""

import hashlib
import json
import os
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080
TOLD = "told "
SHIFT = int(os.environ.get("SHIFT", "0"))
_asked: Counter[str] = Counter()


def score(text: str, time: int) -> int:
    """Of 1 to 10; one time in six it is a point off, for this time alone."""
    usual = 5 + int(hashlib.sha256(text.encode()).hexdigest(), 16) % 5
    noise = int(hashlib.sha256(f"{SHIFT} {time} {text}".encode()).hexdigest(), 16) % 12
    return max(1, min(10, usual + (noise == 0) - (noise == 1) + SHIFT))


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """A verdict, or what the webhook is told."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if not self.path.endswith("/chat/completions"):
            sys.stdout.write(f"{TOLD}{json.dumps({**body, 'path': self.path})}\n")  # whole: threads write it
            sys.stdout.flush()
            self._send(204, b"")
            return
        text = next(message["content"] for message in body["messages"] if message["role"] == "user")
        _asked[text] += 1
        message = {"role": "assistant", "content": f"[[{score(text, _asked[text])}]]"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        reply = {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"],
                 "choices": [choice], "usage": usage}  # fmt: skip
        self._send(200, json.dumps(reply).encode())

    def do_GET(self) -> None:
        """There is no list of models."""
        self._send(404, b"{}")

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing more is said."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Handler).serve_forever()
