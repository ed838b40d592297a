"""The processes of one pod: one worker for each, started, listened to and ended together.

`python -m jobs.worker` becomes this where the request asks for several processes a pod (Kind.processes). They are the
same module with POLYGLOT_LOCAL_RANK of POLYGLOT_LOCAL_RANKS, a work directory each, and one cache of inputs. The first
writes to this process's output and archives it; what the others say comes there too, each line with its rank.

SIGTERM and SIGINT go on to all. When one has ended badly its peers get a few seconds to see it themselves, then
SIGTERM, and SIGKILL when the grace is over: a peer that is stuck in a collective hears nothing else. This process ends
when all have, with 0 where one has seen the manifest; else with what is of the request, whoever saw it first (42, 44,
45, 124); else with the first bad end (128 + n for signal n); with 43 where that is all. The reason names the rank. When
this process dies the workers' own leash ends them. On Linux only, as signals are waited for with a timeout.
"""

import argparse
import contextlib
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.lib.ranks import Ranks, named
from jobs.worker import secrecy
from jobs.worker.process import peak_memory_bytes, stay_on_leash
from polyglot.core.errors import Exit, Permanent

_STOP = (signal.SIGTERM, signal.SIGINT)
_HEARD = (*_STOP, signal.SIGCHLD)
_PATIENCE_SECONDS = 3.0  # for peers of one that ended badly; less than a worker waits for the SIGTERM that explains it
_LEFT_BEHIND_SECONDS = 30.0  # for what peers of such a one still write
_DONE_SECONDS = 30.0  # for peers of one that saw the manifest: they look for it, and archive
_LEASH_SECONDS = 30.0  # nobody waits for workers whose starter is dead
_DRAIN_SECONDS = 2.0  # for output that a process outside of ours may hold open
_LINE_BYTES = 1 << 16
_FOREMOST = (Exit.FINE, Exit.PERMANENT, Exit.OUT_OF_MEMORY_WORKER, Exit.INPUT_WITHDRAWN, Exit.TIMED_OUT)


def is_member() -> bool:
    """True in a process that a group has started."""
    return "POLYGLOT_LOCAL_RANKS" in os.environ


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How one process ended: its exit code, or minus the signal. `killed`: by us, after its grace."""

    rank: int
    status: int
    killed: bool = False


def decisive(ends: list[End]) -> End:
    """The end, of all in their order, that is that of the group."""
    for code in _FOREMOST:
        for end in ends:
            if end.status == code:
                return end
    own = [end for end in ends if not end.killed]
    first_bad = next((end for end in own if end.status != Exit.INTERRUPTED_WORKER), None)
    return first_bad or (own or ends)[0]


class Group:
    """All processes of this pod."""

    def __init__(self, options: argparse.Namespace, count: int, *, grace_seconds: float) -> None:
        """`options` are those of jobs.worker; nothing is started yet."""
        self._options, self._count, self._grace_seconds = options, count, grace_seconds
        self._work: Path = options.work or Path(tempfile.mkdtemp(prefix="polyglot-"))
        self._first_rank = 0  # that of this pod's first process
        self._alive: dict[int, int] = {}  # process id -> local rank
        self._ends: list[End] = []
        self._readers: list[threading.Thread] = []
        self._tell_at = self._kill_at = float("inf")
        self._killed = False

    def run(self) -> int:
        """Run all to their ends and return the exit code of the pod."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        if self._options.parent is not None:
            stay_on_leash(self._options.parent, grace_seconds=min(self._grace_seconds, _LEASH_SECONDS))
        try:
            pod = Ranks.read()
        except Permanent as error:
            self._explain(str(error))
            return Exit.PERMANENT
        self._first_rank = pod.pod * self._count
        try:
            environment = self._environment(pod)
            for local_rank in range(self._count):
                self._start(local_rank, environment)
            self._wait()
        finally:
            self._signal(signal.SIGKILL)  # of a group that could not be started whole
            for reader in self._readers:
                reader.join(_DRAIN_SECONDS)
            end = decisive(self._ends) if self._ends else None
            reason = self._reason(end) if end is not None else ""
            shutil.rmtree(self._work, ignore_errors=True)
        assert end is not None  # noqa: S101 # there are two processes at least
        if end.status != Exit.FINE:
            self._explain(reason)
        return end.status if end.status >= 0 else 128 - end.status

    def _environment(self, pod: Ranks) -> Mapping[str, str]:
        """What all processes get; pods of one attempt have been told where to meet, one alone chooses a port."""
        found = {**os.environ, "PYTHONUNBUFFERED": "1", "POLYGLOT_LOCAL_RANKS": str(self._count)}
        if pod.pods == 1 and "MASTER_PORT" not in found:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                found["MASTER_PORT"] = str(free.getsockname()[1])
        return found

    def _start(self, local_rank: int, environment: Mapping[str, str]) -> None:
        """Start one process, its stop signals blocked until it listens."""
        options, place = self._options, self._work / f"rank{local_rank}"
        command = [sys.executable, "-m", "jobs.worker", "--request", str(options.request), "--work", str(place)]
        command += ["--cache", str(options.cache or self._work / "cache"), "--parent", str(os.getpid())]
        command += ["--reason", str(self._reason_file(local_rank))]
        if options.lock_fd is not None:
            command += ["--lock-fd", str(options.lock_fd)]  # so that nobody else begins while one of them lives
        if local_rank == 0:
            for name, path in (("--log", options.log), ("--log-mark", options.log_mark)):
                command += [name, str(path)] if path is not None else []
        self._work.mkdir(parents=True, exist_ok=True)
        environment = {**environment, "POLYGLOT_LOCAL_RANK": str(local_rank)}
        actions: list[tuple[int, ...]] = []
        read_end, write_end = (-1, -1) if local_rank == 0 else os.pipe()
        if local_rank:
            actions = [(os.POSIX_SPAWN_DUP2, write_end, target) for target in (1, 2)]
        pid = os.posix_spawn(sys.executable, command, environment, file_actions=actions, setsigmask=_STOP)
        self._alive[pid] = local_rank
        if local_rank:
            os.close(write_end)
            prefix = f"rank {self._first_rank + local_rank} | ".encode()
            reader = threading.Thread(target=_copy_lines, args=(read_end, prefix), daemon=True)
            reader.start()
            self._readers.append(reader)

    def _wait(self) -> None:
        """Forward signals, reap, and end those that a peer has left behind, until none is left."""
        while True:
            self._reap()
            now = time.monotonic()
            if now >= self._kill_at:
                self._killed, self._kill_at = True, float("inf")
                self._signal(signal.SIGKILL)
            elif now >= self._tell_at:
                self._tell_at = float("inf")
                self._signal(signal.SIGTERM)
            if not self._alive:
                return
            left = min(self._tell_at, self._kill_at) - now
            heard = signal.sigtimedwait(_HEARD, min(max(left, 0.0), 3600.0))
            if heard is not None and heard.si_signo in _STOP:
                self._kill_at = min(self._kill_at, time.monotonic() + self._grace_seconds)
                self._signal(heard.si_signo)

    def _reap(self) -> None:
        while self._alive:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if pid not in self._alive:  # adopted, where we are the first process of a container
                continue
            end = End(
                rank=self._first_rank + self._alive.pop(pid),
                status=os.waitstatus_to_exitcode(status),
                killed=self._killed,
            )
            if end.status < 0:
                _say(_how(end))
            if not self._ends:
                patience = _DONE_SECONDS if end.status == Exit.FINE else min(_PATIENCE_SECONDS, self._grace_seconds / 2)
                self._tell_at = time.monotonic() + patience
                left = max(1.0, self._grace_seconds - _PATIENCE_SECONDS)
                if end.status not in (Exit.FINE, Exit.INTERRUPTED_WORKER):
                    left = min(left, _LEFT_BEHIND_SECONDS)  # there is no checkpoint without all ranks
                self._kill_at = min(self._kill_at, self._tell_at + left)
            self._ends.append(end)

    def _signal(self, number: int) -> None:
        for pid in self._alive:  # they cannot be gone: they are reaped above only
            os.kill(pid, number)

    def _reason_file(self, local_rank: int) -> Path:
        return self._work / f"rank{local_rank}.reason"

    def _reason(self, end: End) -> str:
        """Why the group ended so, in one line."""
        if end.status < 0:
            peak = peak_memory_bytes(resource.RUSAGE_CHILDREN) / 2**30
            return f"{_how(end)}; the largest peak of a process was {peak:.2f} GiB"
        said = secrecy.said(self._reason_file(end.rank - self._first_rank))
        return named(end.rank, said) if said else f"rank {end.rank} ended with {end.status} and gave no reason"

    def _explain(self, reason: str) -> None:
        _say(reason)
        if self._options.reason is not None:
            secrecy.say(self._options.reason, reason)


def _how(end: End) -> str:
    by = "after its grace, " if end.killed else ""
    return f"rank {end.rank} was killed {by}by {signal.Signals(-end.status).name}"


def _say(text: str) -> None:
    print(f"polyglot.group: {secrecy.without_secrets(text)}", file=sys.stderr, flush=True)


def _copy_lines(descriptor: int, prefix: bytes) -> None:
    """Copy a process's output to ours, each line in one write; what cannot be written never blocks who said it."""
    with open(descriptor, "rb") as source:
        for line in iter(lambda: source.readline(_LINE_BYTES), b""):
            with contextlib.suppress(OSError):  # the disk may be full
                os.write(1, prefix + line + (b"" if line.endswith(b"\n") else b"\n"))
