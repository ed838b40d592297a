"""Why a worker ended, in one line: from the worker through a file to its container, and on to who started that.

A store that refuses the worker cannot keep its failure record, so the line must have a way of its own. The kubelet
reads it from the container's termination log and shows it in the pod's status, at most 4,096 bytes of it.
"""

import contextlib
import os
from pathlib import Path

from jobs.worker.secrecy import without_secrets
from polyglot.core.line import one_line

TERMINATION_LOG = Path("/dev/termination-log")  # Kubernetes' default; writable although the root is not


def say(path: Path, text: str) -> None:
    """Leave a reason in a file. What cannot be written is not worth another failure."""
    with contextlib.suppress(OSError):
        path.write_text(one_line(without_secrets(text)), encoding="utf-8", errors="replace")


def said(path: Path) -> str:
    """The reason that was left in a file; "" for none."""
    try:
        return one_line(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""


def tell(text: str, *, to: Path = TERMINATION_LOG) -> None:
    """Put a reason into the container's termination log, where there is one: it is never made here."""
    line = one_line(without_secrets(text)).encode(errors="replace")
    with contextlib.suppress(OSError):
        descriptor = os.open(to, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
