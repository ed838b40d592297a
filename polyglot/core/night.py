"""What a nightly evaluation is called: after the instant at which it was due, or any word."""

import re
from datetime import UTC, datetime

from polyglot.core.errors import BadInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]{0,99}")


def night_name(text: str) -> str:
    """The name under which a night is evaluated. Raises BadInput.

    An instant (RFC 3339, in any zone) is written in UTC, so that it is one night however it was spelled; anything else
    is a plain word.
    """
    instant = instant_of(text)
    if instant is not None:
        return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
    if not _NAME.fullmatch(text):
        expected = "a word of at most 100 letters, digits and . _ + = -, or an instant such as 2026-01-31T02:00:00Z"
        raise BadInput("not the name of a night", where="night", got=repr(text[:80]), expected=expected)
    return text


def instant_of(name: str) -> datetime | None:
    """The instant that a night is named after, in UTC; None for another name, and for a time without a zone."""
    try:
        found = datetime.fromisoformat(name)
    except ValueError:
        return None
    if found.tzinfo is None or found.microsecond:
        return None
    try:
        return found.astimezone(UTC)
    except OverflowError:  # in UTC it is before year 1 or after 9999
        return None
