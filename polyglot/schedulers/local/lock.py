"""One lock file per store and stage key, so that two drivers on a machine never run a stage twice at the same time.

Whatever directory they were started in: the locks are the user's on this machine, below POLYGLOT_STATE when that is set
(drivers that shall see each other set it alike), else $XDG_STATE_HOME/polyglot or ~/.local/state/polyglot.

The lock is a flock on an open file that the worker inherits: it is held as long as the worker lives, whatever became
of the driver that started it, and is free the moment the worker is gone. Lock files are never deleted (a deleted
file's lock would guard nothing). Who holds one has written into it which command it is: to tell another, never the
truth.

A second sort guards nothing: drivers of a study, any number of them, share its lock as long as they live, for those
who ask whether somebody runs it.
"""

import fcntl
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polyglot.core.canonical import digest

_FILE = "file://"


def locks_directory() -> Path:
    """Where this user's locks lie on this machine."""
    if state := os.environ.get("POLYGLOT_STATE"):
        return Path(state).absolute() / "locks"
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home).absolute() / "polyglot" / "locks"


class KeyLocks:
    """The locks of one store, below a directory. `store_url` is the opened store's; symbolic links are followed."""

    def __init__(self, directory: Path, store_url: str) -> None:
        path = store_url.removeprefix(_FILE)
        self._directory = directory / digest(store_url if path == store_url else os.path.realpath(path))[:16]

    def acquire(self, key: str) -> int | None:
        """Return a descriptor that holds the lock until it and its copies are closed, or None when it is taken."""
        self._directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._directory / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _this_command().encode(), 0)
        return descriptor

    def holder(self, key: str) -> str:
        """Who works on the key, as it said itself: its command, process and folder."""
        try:
            return (self._directory / f"{key}.lock").read_text(encoding="utf-8", errors="replace") or "another driver"
        except OSError:
            return "another driver"

    def held(self, key: str) -> bool | None:
        """Whether some process of this machine works on the key now; None when none ever has."""
        return _is_locked(self._directory / f"{key}.lock", against=fcntl.LOCK_SH, access=os.O_RDONLY)

    @contextmanager
    def driving(self, study: str) -> Iterator[None]:
        """Be seen as a driver of a study. Workers have no copy of this lock."""
        self._directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._driver(study), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # who asks holds it for a moment
            yield
        finally:
            os.close(descriptor)

    def driven(self, study: str) -> bool | None:
        """Whether some process of this machine drives a study now; None when none ever has."""
        return _is_locked(self._driver(study), against=fcntl.LOCK_EX, access=os.O_RDWR)

    def _driver(self, study: str) -> Path:
        return self._directory / f"driver-{study}.lock"


def _is_locked(path: Path, *, against: int, access: int) -> bool | None:
    """Whether somebody holds what a lock `against` it would have to wait for; None where there is no such file."""
    try:
        descriptor = os.open(path, access | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, against | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _this_command() -> str:
    words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
    return f"`{shlex.join(words)}` (process {os.getpid()}, in {os.getcwd()})"
