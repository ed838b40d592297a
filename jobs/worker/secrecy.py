"""What may be said: text without secrets, and the reason of an end where the container looks for it."""

import contextlib
import logging
import os
from functools import cache
from pathlib import Path

from polyglot.core.endpoint import ENDPOINTS, TRACKER_KEYS
from polyglot.core.line import one_line
from polyglot.core.secret_file import read_secret

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


_KEYS = tuple(kind.key_variable for kind in ENDPOINTS.values())
_FILES = ("POLYGLOT_S3_SECRET_KEY_FILE", "HF_TOKEN_PATH", *(f"{name}_FILE" for name in _KEYS))
_VALUES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", *TRACKER_KEYS, *_KEYS)
_SHORTEST = 8


def without_secrets(text: str) -> str:
    """Return a text with `[secret]` in place of each secret of this process."""
    for secret in _known(*(os.environ.get(name, "") for name in (*_FILES, *_VALUES))):
        text = text.replace(secret, "[secret]")
    return text


class Formatter(logging.Formatter):
    """Writes log lines, with their tracebacks, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        return without_secrets(super().format(record))


@cache
def _known(*variables: str) -> tuple[str, ...]:
    """The secrets, the longest first, by the values of the variables above."""
    files, values = variables[: len(_FILES)], variables[len(_FILES) :]
    found = {value.strip() for value in values}
    for name in filter(None, files):
        try:
            found.add(read_secret(name))
        except (OSError, UnicodeDecodeError):  # whoever needs it says so
            continue
    return tuple(sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True))
