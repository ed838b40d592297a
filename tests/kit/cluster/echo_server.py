"""A server that quotes the key that it was given, as some do: a judge that answers, a judge and a hub that refuse.

`POST …/chat/completions` answers with a verdict, or with 401 when the model is called `refusing`; everything else is
401. It runs in a pod of the worker's image, says on stdout the SHA-256 of every Authorization that it saw, and knows no
secret itself. Only the standard library is used: the file is given to the pod as it is.
"""

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080
REFUSING = "refusing"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """A judge."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if not self.path.endswith("/chat/completions") or body.get("model") == REFUSING:
            self._refuse()
            return
        text = f"Your header was {self._key()}. Rating: [[7]]"
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        self._send(200, {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"],
                         "choices": [choice], "usage": usage})  # fmt: skip

    def do_GET(self) -> None:
        """A hub."""
        self._refuse()

    do_HEAD = do_GET

    def _refuse(self) -> None:
        self._send(401, {"error": {"message": f"Incorrect API key provided: {self._key()}", "code": "invalid_api_key"}})

    def _key(self) -> str:
        key = self.headers.get("Authorization", "")
        sys.stdout.write(f"authorization {hashlib.sha256(key.encode()).hexdigest()}\n")  # whole: threads write it
        sys.stdout.flush()
        return key

    def _send(self, status: int, document: object) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 401:
            self.send_header("X-Error-Message", f"{self.headers.get('Authorization', '')} may not")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing more is said."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Handler).serve_forever()
