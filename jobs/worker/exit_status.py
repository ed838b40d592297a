"""How an attempt ended, from what was raised: its exit code, and the reason in one line."""

from dataclasses import dataclass

from jobs.worker.process import peak_memory_bytes
from jobs.worker.secrecy import without_secrets
from polyglot.attempts.attempts import OVER_BUDGET, PERMANENT
from polyglot.core.errors import BadInput, Conflict, Exit, Interrupted, OverBudget, Permanent, PolyglotError, Refused
from polyglot.core.line import one_line

# What Python raises for mistakes in a program: the same attempt would end in the same way.
_BUGS = (SyntaxError, ModuleNotFoundError, NameError, AttributeError, TypeError, AssertionError, NotImplementedError)
_DEVICE_MEMORY = "OutOfMemoryError"  # torch's, for a GPU's memory; its message has the sizes
_OUTCOMES = {
    Exit.PERMANENT: PERMANENT,
    Exit.OUT_OF_MEMORY_WORKER: "out-of-memory",
    Exit.TIMED_OUT: "timed-out",
    Exit.OVER_BUDGET: OVER_BUDGET,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitStatus:
    """`peak_memory_bytes` is that of this process, where it ran out of memory."""

    code: Exit
    reason: str
    peak_memory_bytes: int | None = None
    of_device: bool = False  # the memory that it ran out of is a GPU's

    @property
    def outcome(self) -> str:
        """In the words of failure records."""
        if self.of_device:
            return "out-of-device-memory"
        return _OUTCOMES.get(self.code, "transient")


def exit_status_of(error: BaseException, *, late: bool, deadline_seconds: int) -> ExitStatus:
    """Classify an error. `late`: the deadline has passed, and nobody had asked to stop before."""
    code, reason = _code(error, late=late), _reason(error)
    if code is Exit.TIMED_OUT:
        return ExitStatus(code=code, reason=f"the deadline of {deadline_seconds} s passed")
    if code is Exit.OUT_OF_MEMORY_WORKER:
        if type(error).__name__ == _DEVICE_MEMORY:
            return ExitStatus(code=code, reason=reason, of_device=True)
        peak = peak_memory_bytes()
        said = one_line(f"{reason}; its peak was {peak / 2**30:.2f} GiB")
        return ExitStatus(code=code, reason=said, peak_memory_bytes=peak)
    return ExitStatus(code=code, reason=reason)


def _code(error: BaseException, *, late: bool) -> Exit:
    if isinstance(error, OverBudget):
        return Exit.OVER_BUDGET
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return Exit.TIMED_OUT if late else Exit.INTERRUPTED_WORKER
    if isinstance(error, (BadInput, Permanent, Conflict, Refused, *_BUGS)):
        return Exit.PERMANENT
    if (
        isinstance(error, MemoryError)
        or type(error).__name__ == _DEVICE_MEMORY
        or "can't allocate memory" in str(error)
    ):
        return Exit.OUT_OF_MEMORY_WORKER
    return Exit.FAILED


def _reason(error: BaseException) -> str:
    """What went wrong, for a person: a PolyglotError's message stands alone, others need their class."""
    text, name = without_secrets(str(error)).strip(), type(error).__name__
    if isinstance(error, PolyglotError) and text:
        return one_line(text)
    return one_line(f"{name}: {text}" if text else name)
