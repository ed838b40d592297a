"""The driver's end of the fork server `python -m jobs.worker.warm`, which has the heavy libraries imported already.

One JSON line a message over a socket pair. To the server: `{"id", "kind", "arguments", "environment", "log"}`, each
with one descriptor beside it (the stage's lock). From the server: `{"id", "pid"}` once the worker exists, and
`{"id", "exit"}` at its end (minus the signal for a killed one). The server dies with the driver: it reads the end of
the connection. It does not mind SIGTERM, which may be sent to all processes of a study: its workers need it while they
save. When it is lost all the same, they stop as if they had been asked to.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

import psutil

from polyglot.schedulers.local.process import Launch

# What stages that load a model share a server with; the others' server stays small and starts at once.
MODEL_LIBRARIES = ("torch", "transformers")
_LOST_SECONDS = 40.0  # longer than a worker gives itself when its server is gone
_SEND_SECONDS = 60.0  # longer than any import takes


class _Said(TypedDict):
    """A message of the server's."""

    id: str
    pid: NotRequired[int]
    exit: NotRequired[int]


class WarmProcess:
    """A worker that the server forked."""

    def __init__(self, server: "WarmServer", launch: Launch) -> None:
        self._server = server
        self._name = launch.name
        self._pid: int | None = None
        self._worker: psutil.Process | None = None  # the same, and never another process of that number
        self._lost: float | None = None  # when its server was seen to be gone
        self._status: int | None = None

    @property
    def pid(self) -> int | None:
        """None until the server has answered."""
        return self._pid

    @property
    def begins(self) -> str:
        """What is done before it can begin; "" where that is nothing."""
        if self._server.ready:
            return ""
        return f"starts once {' and '.join(self._server.libraries)} are loaded" if self._server.libraries else ""

    def exit_status(self) -> int | None:
        """None while it runs. When its server is lost, nobody learns its exit code: it counts as asked to stop."""
        self._server.receive()
        if self._status is None and not self._server.alive:
            self._lost = self._lost or time.monotonic()
            if self._worker is None or not _runs(self._worker):
                self._status = -signal.SIGTERM
            elif time.monotonic() - self._lost > _LOST_SECONDS:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._worker.pid, signal.SIGKILL)
        return self._status

    def wakes(self) -> int | None:
        """The server's socket."""
        return self._server.fileno() if self._server.alive else None

    def abort(self) -> None:
        """End the server, which is busy or stuck; its other workers save and are started again."""
        self._server.kill()

    def close(self) -> None:
        """Nothing to release."""

    def hear(self, message: _Said) -> None:
        """Take in what the server says about this worker."""
        if "pid" in message:
            self._pid = message["pid"]
            with contextlib.suppress(psutil.Error):  # it may have ended already, which the next message says
                self._worker = psutil.Process(self._pid)
        self._status = message.get("exit", self._status)


class WarmServer:
    """A running fork server."""

    def __init__(self, *, libraries: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.libraries = libraries
        self.ready = False  # once it has said something it has imported them
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        arguments = [part for library in libraries for part in ("--import", library)]
        with theirs, log.open("ab") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "jobs.worker.warm", "--socket", str(theirs.fileno()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._socket.setblocking(False)
        self._buffer = b""
        self._processes: dict[str, WarmProcess] = {}
        self.alive = True

    @property
    def pid(self) -> int:
        """The parent of its workers."""
        return self._popen.pid

    def fileno(self) -> int:
        """The socket, to wait on."""
        return self._socket.fileno()

    def fork(self, launch: Launch) -> WarmProcess:
        """Ask for a worker. Raises OSError when the server is gone."""
        request = {
            "id": launch.name,
            "kind": launch.kind,
            "arguments": [*launch.arguments, "--parent", str(self.pid)],
            "environment": dict(launch.environment),
            "log": str(launch.log),
        }
        process = WarmProcess(self, launch)
        self._processes[launch.name] = process  # first: the answer may be there before the sending returns
        try:
            self._send(json.dumps(request).encode() + b"\n", launch.lock)
        except OSError:
            del self._processes[launch.name]
            raise
        return process

    def receive(self) -> None:
        """Hand what the server has said to the processes that it is about; never waits."""
        while self.alive:
            try:
                data = self._socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.alive = False
                return
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            for line in lines:
                message, self.ready = json.loads(line), True
                process = self._processes.get(message["id"])
                if process is not None:
                    process.hear(message)
                if "exit" in message:
                    self._processes.pop(message["id"], None)

    def kill(self) -> None:
        """End it at once."""
        self.alive = False
        self._popen.kill()

    def close(self) -> None:
        """Hang up, upon which the server asks its workers to stop and leaves."""
        self.alive = False
        self._socket.close()
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def _send(self, data: bytes, descriptor: int) -> None:
        """Write all of `data`, the descriptor beside its first byte; the server reads whenever it is not importing."""
        if not self.alive:
            raise BrokenPipeError("the fork server is gone")
        deadline = time.monotonic() + _SEND_SECONDS
        descriptors = [descriptor]
        while data:
            try:
                sent = socket.send_fds(self._socket, [data], descriptors)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    self.kill()  # half a message may be on its way: nothing that follows could be understood
                    raise
                time.sleep(0.01)  # the socket's buffer is full for as long as the server imports
                continue
            data, descriptors = data[sent:], []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
