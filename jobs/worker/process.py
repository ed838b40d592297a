"""A worker as a process: it stops when asked, does not outlive who started it, and blocks imports that cost seconds."""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType


class _Blocked(MetaPathFinder, Loader):
    """Finds one top-level module and refuses to load it; it is found, as who only looks for it expects no error."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Claim the module."""
        del path, target
        return ModuleSpec(fullname, self) if fullname == self._name else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Refuse with what every `except ImportError` catches."""
        raise ImportError(f"{spec.name} is not used in this process", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Never reached."""
        del module


def block_import(name: str) -> None:
    """Let `import name` raise ImportError in this process from now on; what is imported already stays."""
    sys.meta_path.insert(0, _Blocked(name))


_PR_SET_PDEATHSIG = 1


def peak_memory_bytes(whose: int = resource.RUSAGE_SELF) -> int:
    """Largest resident size of this process so far; with RUSAGE_CHILDREN, of the largest of those that it reaped."""
    peak = resource.getrusage(whose).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def pod_peak_bytes() -> int:
    """The sum of the largest resident sizes of this process and its peers: the children of its parent."""
    peaks = []
    with contextlib.suppress(OSError, ValueError):
        parent = os.getppid()
        for peer in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split():
            with contextlib.suppress(OSError):  # it has ended
                lines = Path(f"/proc/{peer}/status").read_text(encoding="utf-8", errors="replace").splitlines()
                peaks += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return max(sum(peaks), peak_memory_bytes())


class StopSign:
    """Set by SIGTERM, SIGINT, the deadline, or the loss of the parent; never unset."""

    def __init__(self, *, deadline_seconds: float) -> None:
        self._asked = False
        self._deadline = time.monotonic() + deadline_seconds

    def listen(self) -> None:
        """Turn SIGTERM and SIGINT into this sign, also those that came while they were blocked. Main thread only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})  # jobs.worker.container blocks them

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._asked = True

    @property
    def late(self) -> bool:
        """True when the deadline has passed and nobody had asked to stop before."""
        return not self._asked and time.monotonic() >= self._deadline

    def __bool__(self) -> bool:
        return self._asked or time.monotonic() >= self._deadline


def stay_on_leash(parent: int, *, grace_seconds: float) -> None:
    """Ask ourselves to stop when `parent` dies, and kill our process group when that took longer than the grace.

    Linux sends the SIGTERM at once (PR_SET_PDEATHSIG); the thread serves other systems, and kills a main thread that
    sits in native code and hears no signal.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_seconds)
        if os.getpgid(0) == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="leash", daemon=True).start()
