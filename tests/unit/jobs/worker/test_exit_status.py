"""What a worker's errors mean: one row an exit code, and the reason in one line."""

from json import JSONDecodeError

import pytest

from jobs.worker.exit_status import exit_status_of
from polyglot.core.errors import BadInput, Conflict, Exit, Interrupted, OverBudget, Permanent, Refused, StoreError


class AcceleratorError(RuntimeError):
    """As torch names what a GPU reports."""


class OutOfMemoryError(RuntimeError):
    """Has the name of torch's."""


class NotThere(FileNotFoundError, ValueError):
    """As the hub's client tells an outage."""


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (OverBudget("Raise budget.usd"), Exit.OVER_BUDGET, "Raise budget.usd"),
        (Permanent("no such\nrow"), Exit.PERMANENT, "no such row"),
        (BadInput("no such language", got="'XX'"), Exit.PERMANENT, "no such language; got 'XX'"),
        (Refused("403"), Exit.PERMANENT, "403"),
        (Conflict("other result"), Exit.PERMANENT, "other result"),
        (TypeError("int() argument"), Exit.PERMANENT, "TypeError: int() argument"),
        (IndexError("index out of range in self"), Exit.PERMANENT, "IndexError: index out of range in self"),
        (KeyError("wte"), Exit.PERMANENT, "KeyError: 'wte'"),
        (ValueError("no such dtype"), Exit.PERMANENT, "ValueError: no such dtype"),
        (ZeroDivisionError(), Exit.PERMANENT, "ZeroDivisionError"),
        (Exception("WordLevel error"), Exit.PERMANENT, "Exception: WordLevel error"),
        (
            RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
            Exit.PERMANENT,
            "RuntimeError: mat1 and mat2 shapes cannot be multiplied",
        ),
        (RuntimeError("NCCL: peer gone"), Exit.FAILED, "RuntimeError: NCCL: peer gone"),
        (NotThere("no answer, and not kept here"), Exit.FAILED, "NotThere: no answer, and not kept here"),
        (
            JSONDecodeError("Unterminated string", '{"a', 1),
            Exit.FAILED,
            "JSONDecodeError: Unterminated string: line 1 column 2 (char 1)",
        ),
        (Interrupted("asked to stop"), Exit.INTERRUPTED_WORKER, "asked to stop"),
        (OutOfMemoryError("CUDA: 80 GiB"), Exit.OUT_OF_MEMORY_WORKER, "OutOfMemoryError: CUDA: 80 GiB"),
        (
            AcceleratorError("CUDA error: out of memory"),
            Exit.OUT_OF_MEMORY_WORKER,
            "AcceleratorError: CUDA error: out of memory",
        ),
        (
            AcceleratorError("CUDA error: device-side assert triggered"),
            Exit.PERMANENT,
            "AcceleratorError: CUDA error: device-side assert triggered",
        ),
        (
            AcceleratorError("CUDA error: uncorrectable ECC error"),
            Exit.FAILED,
            "AcceleratorError: CUDA error: uncorrectable ECC error",
        ),
        (StoreError("503"), Exit.FAILED, "503"),
        (ConnectionResetError(), Exit.FAILED, "ConnectionResetError"),
        (SystemExit(7), Exit.FAILED, "SystemExit: 7"),
    ],
)
def test_every_error_has_a_code_and_a_line(error: BaseException, code: Exit, reason: str) -> None:
    end = exit_status_of(error, late=False, deadline_seconds=9)
    assert (end.code, end.reason, end.peak_memory_bytes) == (code, reason, None)


def test_a_gpu_s_memory_is_told_from_the_machine_s() -> None:
    end = exit_status_of(OutOfMemoryError("CUDA out of memory"), late=False, deadline_seconds=9)
    assert end.outcome == "out-of-device-memory"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_out_of_memory_names_the_peak(error: Exception) -> None:
    end = exit_status_of(error, late=False, deadline_seconds=9)
    assert (end.code, end.outcome) == (Exit.OUT_OF_MEMORY_WORKER, "out-of-memory")
    assert end.peak_memory_bytes
    assert end.reason.endswith(f"; its peak was {end.peak_memory_bytes / 2**30:.2f} GiB")


def test_a_stop_after_the_deadline_is_told_as_one() -> None:
    end = exit_status_of(Interrupted("asked to stop"), late=True, deadline_seconds=9)
    assert (end.code, end.outcome, end.reason) == (Exit.TIMED_OUT, "timed-out", "the deadline of 9 s passed")
