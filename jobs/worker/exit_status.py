"""How an attempt ended, from what was raised: its exit code, and the reason in one line."""

from dataclasses import dataclass
from json import JSONDecodeError

from jobs.worker.process import peak_memory_bytes
from jobs.worker.secrecy import without_secrets
from polyglot.attempts.attempts import OVER_BUDGET, PERMANENT
from polyglot.core.errors import BadInput, Conflict, Exit, Interrupted, OverBudget, Permanent, PolyglotError, Refused
from polyglot.core.line import one_line

# What Python raises for mistakes in a program, or for values that it cannot work with: the same attempt would end in
# the same way. What the world outside causes are OSErrors, and a reply that broke off, which is no JSON.
_BUGS = (
    SyntaxError,
    ModuleNotFoundError,
    NameError,
    AttributeError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
)
# Words of torch's RuntimeErrors about shapes, types and ids; its others may be those of a device or of a peer.
_OF_TENSORS = (
    "shapes cannot be multiplied",
    "size mismatch",
    "must match the size of tensor",
    "sizes of tensors must match",
    "is invalid for input of size",
    "expected scalar type",
    "expected all tensors to be on the same device",
    "index out of range",
    "device-side assert triggered",
)
# torch's, by name, as a worker of another kind never imports it: of a GPU's memory, whose message has the sizes, and of
# all else that a GPU reports.
_DEVICE_MEMORY, _DEVICE = "OutOfMemoryError", "AcceleratorError"
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
        if _is_of_device_memory(error):
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
    if isinstance(error, BadInput | Permanent | Conflict | Refused) or _is_bug(error):
        return Exit.PERMANENT
    if isinstance(error, MemoryError) or _is_of_device_memory(error) or "can't allocate memory" in str(error):
        return Exit.OUT_OF_MEMORY_WORKER
    return Exit.FAILED


def _is_of_device_memory(error: BaseException) -> bool:
    name = type(error).__name__
    return name == _DEVICE_MEMORY or (name == _DEVICE and "out of memory" in str(error))


def _is_bug(error: BaseException) -> bool:
    """Whether the error is of the program and its values alone. The Rust tokenizers raise a bare Exception for such."""
    if type(error) is RuntimeError or type(error).__name__ == _DEVICE:
        return any(words in str(error).lower() for words in _OF_TENSORS)
    return type(error) is Exception or (isinstance(error, _BUGS) and not isinstance(error, OSError | JSONDecodeError))


def _reason(error: BaseException) -> str:
    """What went wrong, for a person: a PolyglotError's message stands alone, others need their class."""
    text, name = without_secrets(str(error)).strip(), type(error).__name__
    if isinstance(error, PolyglotError) and text:
        return one_line(text)
    return one_line(f"{name}: {text}" if text else name)
