"""The secrets that a process was given are in none of its messages, whoever puts them there: servers quote keys.

Secrets are files that variables name, or variables. Shorter ones than eight characters are no secrets, and would
make holes into ordinary words.
"""

import logging
import os
from functools import cache
from pathlib import Path

_FILES = ("POLYGLOT_S3_SECRET_KEY_FILE", "OPENAI_API_KEY_FILE", "DEEPL_AUTH_KEY_FILE", "HF_TOKEN_PATH")
_VALUES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "OPENAI_API_KEY", "DEEPL_AUTH_KEY", "HF_TOKEN")
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
            found.add(Path(name).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError):  # whoever needs it says so
            continue
    return tuple(sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True))
