"""Cores that nobody uses: a computation takes them while they are idle, and gives them back when others come.

For computations whose bits are the same with either number of threads: the caller has seen to that. Two threads on
a core that another process wants wait for each other most of the time, so what others use is looked at every second.
"""

import os
import time
from collections.abc import Callable

import psutil
import torch

from polyglot.core.devices import MACHINE_CPUS, usable_cpus

LOOK_SECONDS = 1.0
_ALMOST = 0.3  # of a core: what housekeeping takes of one counts as idle


class SpareCores:
    """Sets torch's threads to `own` or to all that the machine's scheduler lends; `look` costs next to nothing."""

    def __init__(self, own: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Takes none where the environment lends none, as on a cluster, whose pods have a limit."""
        self.own, self.most = own, max(own, int(os.environ.get(MACHINE_CPUS) or 0))
        self.taken_seconds = 0.0  # by the clock, with more threads than `own`
        self._clock, self._threads = clock, own
        self._at, self._others = clock(), others_seconds()

    def look(self) -> None:
        """Take or give back, by what others used since the last look."""
        now = self._clock()
        passed = now - self._at
        if self.most == self.own or passed < LOOK_SECONDS:
            return
        if self._threads > self.own:
            self.taken_seconds += passed
        others = others_seconds()
        busy, self._at, self._others = (others - self._others) / passed, now, others
        threads = self.most if usable_cpus() - busy + _ALMOST >= self.most else self.own  # no number that was not tried
        if threads != self._threads:
            self._threads = threads
            torch.set_num_threads(threads)


def others_seconds() -> float:
    """Processor seconds of all other processes of this machine since it started."""
    whole = psutil.cpu_times()
    busy = sum(whole[:3]) + sum(getattr(whole, name, 0.0) for name in ("irq", "softirq", "steal"))
    return busy - time.process_time()
