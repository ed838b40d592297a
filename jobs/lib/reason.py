"""Why a worker ended, in one line: from the worker through a file to its container, and on to who started that.

A store that refuses the worker cannot keep its failure record, so the line must have a way of its own. The kubelet
reads it from the container's termination log and shows it in the pod's status, at most 4,096 bytes of it.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from polyglot.core.line import one_line

TERMINATION_LOG = Path("/dev/termination-log")  # Kubernetes' default; writable although the root is not
_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "OPENAI_API_KEY", "DEEPL_AUTH_KEY", "HF_TOKEN")
_FILES = ("POLYGLOT_S3_SECRET_KEY_FILE", "OPENAI_API_KEY_FILE", "DEEPL_AUTH_KEY_FILE")
_SHORTEST_SECRET = 6  # shorter ones are parts of words


def without_secrets(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with "[secret]" for every secret that this process was given."""
    for secret in _secrets(environment):
        text = text.replace(secret, "[secret]")
    return text


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


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    found = [environment.get(name, "") for name in _VARIABLES]
    for name in _FILES:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            found.append(Path(environment[name]).read_text(encoding="utf-8") if environment.get(name) else "")
    yield from (text.strip() for text in found if len(text.strip()) >= _SHORTEST_SECRET)
