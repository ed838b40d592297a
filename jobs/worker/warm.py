"""A fork server: imports the heavy libraries once and forks a worker per attempt, which saves seconds a stage.

    python -m jobs.worker.warm --socket FD [--import LIBRARY]…

Started by the local scheduler only; the messages are described in polyglot.schedulers.local.warm. The server runs one
thread and no tensor operation, ever: a fork copies only the calling thread, so a pool of threads made before it would
be dead in the child while its locks stay taken. Should an import have started threads all the same, workers are
started as plain processes instead. When the driver's end of the socket closes, the workers are asked to stop and the
server ends.
"""

import argparse
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, TypedDict

from jobs.worker import worker
from polyglot.kinds.registry import kind_of

_STOPS = (signal.SIGINT, signal.SIGTERM)


class _Request(TypedDict):
    """A worker that is wanted: what it is started with, and the file that its output goes to."""

    id: str
    kind: str
    arguments: list[str]
    environment: dict[str, str]
    log: str


class Server:
    """Requests in, workers out."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        self._descriptors: deque[int] = deque()
        self._names: dict[int, str] = {}  # pid -> id of the request
        self._imported: set[str] = set()

    def serve(self) -> None:
        """Work until the driver hangs up."""
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        os.set_blocking(read_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler of ours makes the signal wake the selector
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            selector.register(read_end, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == read_end:
                        os.read(read_end, 4096)
                    elif not self._receive():
                        return
                self._reap()

    def stop_workers(self) -> None:
        """Ask every worker to stop; each kills itself when that takes longer than its grace."""
        for pid in self._names:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _receive(self) -> bool:
        """Read what there is and fork for each complete request; False at the end of the connection."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._connection, 1 << 16, 16)
        except ConnectionError:
            return False
        self._descriptors.extend(descriptors)
        if not data:
            return False
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._start(json.loads(line), self._descriptors.popleft())
        return True

    def _start(self, request: _Request, lock: int) -> None:
        for module in (worker.module_name(request["kind"]), *kind_of(request["kind"]).warm_imports):
            self._import(module)
        if _num_threads() == 1:
            sys.stdout.flush()
            sys.stderr.flush()
            signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # until the child hears them as a worker does
            pid = os.fork()
            if pid == 0:
                for other in self._descriptors:  # locks of requests that are still to be served
                    os.close(other)
                _become_worker(request, lock, self._connection)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        else:
            pid = _spawn(request, lock)
        os.close(lock)
        self._names[pid] = request["id"]
        self._say({"id": request["id"], "pid": pid})

    def _import(self, module: str) -> None:
        """Import a job once, here. What is wrong with it shows again in the worker, which reports it."""
        if module not in self._imported:
            self._imported.add(module)
            try:
                importlib.import_module(module)
            except Exception:
                traceback.print_exc()

    def _reap(self) -> None:
        while self._names:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self._names.pop(pid, None)
            if name is not None:
                self._say({"id": name, "exit": os.waitstatus_to_exitcode(status)})

    def _say(self, message: Mapping[str, str | int]) -> None:
        with contextlib.suppress(ConnectionError):  # the next read sees the end of the connection
            self._connection.sendall(json.dumps(message).encode() + b"\n")


def keep_imports_quiet() -> None:
    """Make libraries start no thread, and touch no GPU, when they are imported; workers get their own environment."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")  # pyarrow's allocator
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # a worker shall be the first to touch CUDA


def _num_threads() -> int:
    """Threads of this process, native ones included; 1 where the system does not tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


def _become_worker(request: _Request, lock: int, connection: socket.socket) -> NoReturn:
    """In the child: be as a process of our own, run the worker, end with its exit code."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, *_STOPS):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        connection.close()
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.close(null)
        os.close(log)
        os.environ.clear()
        os.environ.update(request["environment"])
        code = worker.main([*request["arguments"], "--lock-fd", str(lock)])
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _spawn(request: _Request, lock: int) -> int:
    """Start the worker as a new interpreter."""
    with Path(request["log"]).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs.worker", *request["arguments"], "--lock-fd", str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=request["environment"],
            pass_fds=(lock,),
            start_new_session=True,
        )
    process.returncode = 0  # the server reaps by pid; this object shall not
    return process.pid


def main() -> None:
    """Import, then serve."""
    parser = argparse.ArgumentParser(prog="jobs.worker.warm", description="fork workers from a warm process")
    parser.add_argument("--socket", type=int, required=True, metavar="FD")
    parser.add_argument("--import", action="append", default=[], dest="libraries", metavar="LIBRARY")
    options = parser.parse_args()
    keep_imports_quiet()
    for number in _STOPS:  # it ends with its driver; were they ignored, they would be so in workers that are spawned
        signal.signal(number, lambda *_: None)
    for library in options.libraries:
        with contextlib.suppress(ImportError):  # without it the worker's own message is the better one
            importlib.import_module(library)
    gc.collect()
    gc.freeze()  # the collector of a worker leaves these pages alone, so they stay shared
    server = Server(socket.socket(fileno=options.socket))
    server.serve()
    server.stop_workers()


if __name__ == "__main__":
    main()
