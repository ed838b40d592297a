"""Which paths a store and an artifact accept.

Store paths are made by this program alone, so they are plain ASCII. Paths of files in an artifact come from jobs and
libraries and may be any language's words, yet never escape the directory that they are unpacked into, never look
alike while they differ, and never mean a file and a directory at once. Nothing that was read is trusted: manifests are
checked when they are parsed, not only when they are written.
"""

import re
import unicodedata
from collections.abc import Iterable

_STORE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+=-]*(/[A-Za-z0-9_][A-Za-z0-9._@+=-]*)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_BYTES = 900  # S3 allows keys of 1,024 bytes; the rest is left for the bucket's prefix
_MAX_NAME_BYTES = 255  # of one segment, on common file systems
# Cc control, Cf invisible (zero width, right-to-left marks), Cs lone surrogates, Zl/Zp line ends, Cn/Co unassigned: two
# names that print alike must not differ, and no name may hide its end
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def check_path(path: str) -> str:
    """Return a store path unchanged. Raises ValueError for anything but plain relative segments."""
    if not _STORE_PATH.fullmatch(path) or len(path) > _MAX_BYTES or _longest_name(path) > _MAX_NAME_BYTES:
        raise ValueError(f"not a path of a store: {path!r}")
    return path


def check_prefix(prefix: str) -> str:
    """Return a prefix unchanged: "" or a store path that ends in "/"."""
    if prefix:
        if not prefix.endswith("/"):
            raise ValueError(f"a prefix ends in '/': {prefix!r}")
        check_path(prefix[:-1])
    return prefix


def is_sha256(text: str) -> bool:
    """Whether a text is written as a SHA-256 is: 64 lower-case hex digits."""
    return _SHA256.fullmatch(text) is not None


def check_sha256(text: object) -> str:
    """Return 64 lower-case hex digits unchanged. Raises ValueError."""
    if not isinstance(text, str) or not is_sha256(text):
        raise ValueError(f"not a SHA-256: {text!r}")
    return text


def check_member(path: str) -> str:
    """Return the path of a file inside an artifact unchanged. Raises ValueError with the reason."""
    reason = _member_fault(path)
    if reason:
        raise ValueError(f"{path!r} {reason}")
    return path


def check_members(paths: Iterable[str]) -> None:
    """Check every path, and that no two of them collide (twice, or a file that is also a directory)."""
    seen: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        check_member(path)
        if path in seen:
            raise ValueError(f"{path!r} is there twice")
        seen.add(path)
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    for path in sorted(seen & folders):
        raise ValueError(f"{path!r} is a file and a directory")


def _member_fault(path: str) -> str:
    if len(path) <= _MAX_NAME_BYTES and _STORE_PATH.fullmatch(path):
        return ""  # as nearly all are
    if not path:
        return "is empty"
    if path.startswith("/"):
        return "is absolute"
    if "\\" in path:
        return "has a backslash"
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return "has an empty, '.' or '..' segment"
    if not (path.isascii() and path.isprintable()) and any(unicodedata.category(char) in _HIDDEN for char in path):
        return "has control or invisible characters"
    if not unicodedata.is_normalized("NFC", path):
        return "is not in Unicode's NFC form"
    if len(path.encode()) > _MAX_BYTES or _longest_name(path) > _MAX_NAME_BYTES:
        return "is too long"
    return ""


def _longest_name(path: str) -> int:
    return max(len(part.encode()) for part in path.split("/"))
