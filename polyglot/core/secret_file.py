"""Files that hold one secret: a key or a token."""

from pathlib import Path


def read_secret(path: str) -> str:
    """The text of a file without the white space around it; a byte order mark is no part of a key.

    Raises OSError, and UnicodeDecodeError for what is no text.
    """
    return Path(path).read_text(encoding="utf-8-sig").strip()
