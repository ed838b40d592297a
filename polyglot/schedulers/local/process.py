"""One worker process: started, watched, stopped. Plain processes here; the fork server's are in `warm`.

Every worker leads its own session, so that a Ctrl-C on the terminal reaches the driver alone, and so that the worker's
whole process group can be killed at once.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Everything needed to start a worker. `lock` is a descriptor that the worker keeps open as long as it lives."""

    name: str
    kind: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    lock: int
    python: str = sys.executable


class Process(Protocol):
    """A worker that was started; `exit_status` is negative for the signal that ended it."""

    @property
    def pid(self) -> int | None:
        """None until the process exists."""
        ...

    @property
    def begins(self) -> str:
        """What has to be done before the process exists, in words; "" for nothing that takes long."""
        ...

    def exit_status(self) -> int | None:
        """None while it runs."""
        ...

    def wakes(self) -> int | None:
        """A descriptor that becomes readable at its end, where the system has such a thing."""
        ...

    def abort(self) -> None:
        """End what has no process id yet."""
        ...

    def close(self) -> None:
        """Release what watching it needed. Called once, after its end."""
        ...


class PlainProcess:
    """`python -m jobs.worker …` started directly by the driver."""

    def __init__(self, launch: Launch) -> None:
        owner = ["--parent", str(os.getpid()), "--lock-fd", str(launch.lock)]
        with launch.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [launch.python, "-m", "jobs.worker", *launch.arguments, *owner],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(launch.environment),
                pass_fds=(launch.lock,),
                start_new_session=True,
            )
        self._pidfd: int | None = None
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                self._pidfd = os.pidfd_open(self._popen.pid)

    @property
    def pid(self) -> int | None:
        """The process id."""
        return self._popen.pid

    @property
    def begins(self) -> str:
        """Nothing: it is there."""
        return ""

    def exit_status(self) -> int | None:
        """None while it runs, else the exit code or minus the signal."""
        return self._popen.poll()

    def wakes(self) -> int | None:
        """The process descriptor, on Linux."""
        return self._pidfd

    def abort(self) -> None:
        """Nothing: it has had its id from the beginning."""

    def close(self) -> None:
        """Close the process descriptor."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


@dataclass(slots=True)
class Memory:
    """Resident memory of a process and all its descendants, sampled; `peak_bytes` is the largest sum seen."""

    peak_bytes: int = 0
    _known: dict[int, psutil.Process] = field(default_factory=dict)

    def sample(self, pid: int) -> int:
        """Return the bytes in use now; pages shared by several of the processes count in each of them."""
        total = 0
        try:
            root = self._known.setdefault(pid, psutil.Process(pid))
            family = [root, *root.children(recursive=True)]
        except psutil.Error:
            return 0
        for process in family:
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        self.peak_bytes = max(self.peak_bytes, total)
        return total


class KernelKills:
    """Whether Linux has killed processes for want of memory, of the machine or of a cgroup: it counts, and names none.

    A process that was killed by SIGKILL while the count rose is taken for one of them.
    """

    _SECONDS = 5.0  # from the kill to the look at it

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()
        self.sample()

    def sample(self) -> None:
        """Keep the count of now; called every second or so."""
        now = time.monotonic()
        self._counts.append((now, _kernel_kills()))
        while len(self._counts) > 1 and now - self._counts[1][0] > self._SECONDS:
            self._counts.popleft()

    def recent(self) -> bool:
        """True when the count has risen within the last seconds."""
        return _kernel_kills() > self._counts[0][1]


def _kernel_kills() -> int:
    try:
        with open("/proc/vmstat", encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    except OSError:  # not Linux
        return 0


def ask_to_stop(process: Process) -> None:
    """SIGTERM to the worker alone; it saves its progress and stops its own children."""
    if process.pid is not None and process.exit_status() is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)


def kill(process: Process) -> None:
    """SIGKILL to the worker's whole process group; to the worker alone while it has not made one yet."""
    if process.exit_status() is not None:
        return
    if process.pid is None:
        process.abort()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            os.kill(process.pid, signal.SIGKILL)
