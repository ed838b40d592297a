"""A worker that runs, and how its end is told to the engine.

| what is seen                                    | Outcome        |
|-------------------------------------------------|----------------|
| the stage's lock was another driver's, now free | INTERRUPTED    |
| exit 0                                          | COMMITTED      |
| exit 3                                          | OVER_BUDGET    |
| exit 42                                         | PERMANENT      |
| exit 43                                         | INTERRUPTED    |
| exit 45 (an input was withdrawn)                | INTERRUPTED    |
| exit 44 (MemoryError), killed by us for memory  | OUT_OF_MEMORY  |
| SIGKILL while Linux killed for want of memory   | OUT_OF_MEMORY  |
| 137: that of one of its processes, as above     | OUT_OF_MEMORY  |
| exit 124, killed by us after the deadline       | TIMED_OUT      |
| any end after `cancel`, SIGTERM from outside    | INTERRUPTED    |
| any other exit or signal                        | TRANSIENT      |
"""

import signal
from dataclasses import dataclass, field

from polyglot.core.errors import Exit
from polyglot.schedulers.base import Attempt, Ended, Outcome
from polyglot.schedulers.local.budget import GIB, Allocation
from polyglot.schedulers.local.process import Memory, Process

_KILLED_RANK = 128 + signal.SIGKILL  # as jobs.worker.group says it


@dataclass(slots=True, kw_only=True)
class Worker:
    """A worker process with its attempt and its share of the machine."""

    attempt: Attempt
    process: Process
    share: Allocation
    started: float
    memory: Memory = field(default_factory=Memory)
    killed_as: Outcome | None = None  # why we killed it, when we did
    stop_asked: float | None = None  # when the engine asked it to stop
    stop_sent: bool = False
    announced: bool = False

    def end(self, status: int, *, killed_by_kernel: bool = False) -> Ended:
        """Return how it ended; `status` is the exit code, or minus the signal.

        `killed_by_kernel`: Linux has just killed processes for want of memory.
        """
        peak = self.memory.peak_bytes or None
        said = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"
        if status == _KILLED_RANK:
            said = "one of its processes was killed by SIGKILL"
        if self.killed_as is Outcome.OUT_OF_MEMORY:
            limit = self.share.memory_bytes / GIB
            said = f"used {self.memory.peak_bytes / GIB:.2f} GiB of memory, allowed were {limit:.2f} GiB"
            outcome = Outcome.OUT_OF_MEMORY
        elif self.killed_as is not None:
            said = f"ran longer than {self.attempt.planned.resources.deadline_seconds} s and did not stop"
            outcome = self.killed_as
        elif status == -signal.SIGTERM or (self.stop_asked is not None and status not in (Exit.FINE, Exit.PERMANENT)):
            outcome = Outcome.INTERRUPTED
        elif status in (-signal.SIGKILL, _KILLED_RANK) and killed_by_kernel:
            outcome = Outcome.OUT_OF_MEMORY
            said = (
                f"killed by the system for want of memory; its peak was at least {self.memory.peak_bytes / GIB:.2f} GiB"
            )
        else:
            outcome = Outcome.of_exit(status)
        return Ended(attempt=self.attempt, outcome=outcome, text=said, peak_memory_bytes=peak)
