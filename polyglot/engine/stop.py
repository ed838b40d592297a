"""How a user or the system asks a driver to stop: once to save and leave, twice to leave at once.

The second signal raises KeyboardInterrupt where the driver is, which may be in a request that a store does not answer.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Counts how often stopping was asked for."""

    def __init__(self) -> None:
        self.times = 0

    def ask(self) -> None:
        """Ask to stop; a second time means at once."""
        self.times += 1

    def __bool__(self) -> bool:
        return self.times > 0

    @contextmanager
    def on_signals(self) -> Iterator["StopRequest"]:
        """Count SIGINT and SIGTERM here instead of dying of the first one. Main thread only."""

        def hear(number: int, frame: FrameType | None) -> None:
            del number, frame
            self.ask()
            if self.times > 1:
                raise KeyboardInterrupt

        before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
