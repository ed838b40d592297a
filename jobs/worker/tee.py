"""Copies a file that somebody writes to a descriptor while it grows: a worker's log to its container's stdout."""

import os
import threading
from pathlib import Path

_LOOK_SECONDS = 0.05
_PIECE_BYTES = 1 << 16
_FINISH_SECONDS = 10.0  # a reader that takes nothing for so long is no reader


class Tee:
    """Copies byte for byte from a thread; a reader that is gone or stuck never holds up the writer of the file."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """`path` exists, or will."""
        self._path, self._descriptor = path, descriptor
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._copy, name="follow", daemon=True)

    def start(self) -> None:
        """Begin to copy."""
        self._thread.start()

    def finish(self) -> None:
        """Copy what is left and stop."""
        self._ended.set()
        self._thread.join(_FINISH_SECONDS)

    def _copy(self) -> None:
        while not self._path.exists() and not self._ended.wait(_LOOK_SECONDS):
            pass
        try:
            with self._path.open("rb", buffering=0) as file:
                while True:
                    over = self._ended.is_set()  # looked at before reading: what comes later nobody wrote for us
                    while data := file.read(_PIECE_BYTES):
                        _write(self._descriptor, data)
                    if over:
                        return
                    self._ended.wait(_LOOK_SECONDS)
        except OSError:  # nobody reads any more, or the file never came
            return


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
