"""One lock file per stage key, so that two drivers on a machine never run a stage twice at the same time.

The lock is a flock on an open file that the worker inherits: it is held as long as the worker lives, whatever became
of the driver that started it, and is free the moment the worker is gone. Lock files are never deleted (a deleted
file's lock would guard nothing); they are empty.
"""

import fcntl
import os
from pathlib import Path


class KeyLocks:
    """The locks below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def acquire(self, key: str) -> int | None:
        """Return a descriptor that holds the lock until it and its copies are closed, or None when it is taken."""
        descriptor = os.open(self._directory / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def held(self, key: str) -> bool:
        """True when some process works on the key now."""
        try:
            descriptor = os.open(self._directory / f"{key}.lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False
