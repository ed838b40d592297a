"""The passes of a step, told one by one to who watches whether the training goes on.

On a GPU a call returns long before its kernels have run: nothing would be told of a step but that it has ended. So at
most one pass is begun while another one computes, and each has its own time until hang.py calls it one that hangs.
"""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol

from jobs.train.pulse import Pulse


class Event(Protocol):
    """A mark behind what a GPU has been told to do so far, as torch.cuda.Event is."""

    def record(self) -> None:
        """Set it."""

    def synchronize(self) -> None:
        """Wait until the GPU has come to it."""


class Passes(AbstractContextManager["Passes"]):
    """`begin()` and `end()` around each pass. Leaving it without an error waits for those that still compute.

    `event`: what makes marks; None where a call returns when all is computed. Waits change no result: what follows
    the passes of a step (its loss is read) would wait for them too.
    """

    def __init__(self, pulse: Pulse, event: Callable[[], Event] | None, *, name: str = "a pass") -> None:
        self._pulse, self._event, self._name = pulse, event, name
        self._computing: deque[Event] = deque()

    def begin(self) -> None:
        """Wait until one pass at most computes, and begin the next one."""
        self._pulse.at(self._name)
        while len(self._computing) > 1:
            self._wait()

    def end(self) -> None:
        """All of this pass has been asked for."""
        if self._event is not None:
            self._computing.append(self._event())
            self._computing[-1].record()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            return  # a GPU that has failed is not waited for
        if self._computing:
            self._pulse.at(self._name)
        while self._computing:
            self._wait()

    def _wait(self) -> None:
        self._computing.popleft().synchronize()
        self._pulse.at(self._name)
