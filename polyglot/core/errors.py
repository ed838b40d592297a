"""The errors of the whole program, each with the exit code that it ends a command with.

Controller exit codes: 0 fine, 1 failed, 2 usage or bad input, 3 over budget, 124 timed out, 130 interrupted.
Worker exit codes: 0 committed, 3 over budget, 42 permanent, 43 interrupted with a checkpoint, 44 out of
memory, 45 an input was withdrawn, 124 timed out, anything else transient.
"""

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """What a command of the controller, or a worker process, ends with."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    OVER_BUDGET = 3
    PERMANENT = 42  # workers only: the same input fails the same way again
    INTERRUPTED_WORKER = 43  # workers only: asked to stop, progress saved
    OUT_OF_MEMORY_WORKER = 44  # workers only: the job itself saw a MemoryError; the OOM killer leaves no exit code
    INPUT_WITHDRAWN = 45  # workers only: an input is not committed any more, so that only the engine can go on
    TIMED_OUT = 124
    INTERRUPTED = 130


class PolyglotError(Exception):
    """Any error with a message for the user: one line, no traceback unless --debug."""

    exit_code: Exit = Exit.FAILED


class BadInput(PolyglotError):
    """Something that a user wrote cannot be accepted. Nothing was started."""

    exit_code = Exit.USAGE

    def __init__(self, what: str, *, where: str = "", got: str = "", expected: str = "", remedy: str = "") -> None:
        """`where` is file:line and path, `got` and `expected` the values, `remedy` what to do about it."""
        self.what, self.where, self.got, self.expected, self.remedy = what, where, got, expected, remedy
        parts = [f"{where}: {what}" if where else what]
        parts += [f"{name} {text}" for name, text in (("got", got), ("expected", expected)) if text]
        super().__init__("; ".join(parts) + (f". {remedy}" if remedy else ""))


class OverBudget(PolyglotError):
    """Going on would cost more than the study's budget allows."""

    exit_code = Exit.OVER_BUDGET


class TimedOut(PolyglotError):
    """A deadline passed."""

    exit_code = Exit.TIMED_OUT


class Interrupted(PolyglotError):
    """The user or the machine asked to stop; what was saved is kept."""

    exit_code = Exit.INTERRUPTED


class Hang(PolyglotError):
    """Ranks of a job have not gone on within their time; the message names them. Another attempt may well go on."""


class Permanent(PolyglotError):
    """A job's bad input, bad configuration or bug: another attempt would fail in the same way (worker exit 42)."""

    exit_code = Exit.PERMANENT


class Faults(Permanent):
    """Several things that are wrong, each told in a line of its own; none of them mends itself."""

    def __init__(self, lines: Iterable[str]) -> None:
        """There is at least one line."""
        self.lines = tuple(lines)
        count = f"{len(self.lines)} problems: " if len(self.lines) > 1 else ""
        super().__init__(count + "\n".join(self.lines))


class StoreError(PolyglotError):
    """The store refused or could not be reached; the message names the store and never a secret."""


class Missing(StoreError):
    """No object lies at this path."""


class Refused(StoreError):
    """The store said no and will say it again: credentials, permissions, no bucket, a wrong clock (worker exit 42)."""

    exit_code = Exit.USAGE


class Corrupt(StoreError):
    """Bytes that were read are not the bytes that were recorded."""


class Conflict(StoreError):
    """Two executions of a deterministic stage committed different results."""
