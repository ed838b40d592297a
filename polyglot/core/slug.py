"""Any text as the value of a Kubernetes label: at most 63 characters A-Z a-z 0-9 . _ -, alphanumeric at both ends."""

import hashlib
import re

_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_DIGITS = 8


def slug(text: str) -> str:
    """The text itself where it is such a value, else what can be kept of it and a digest; "" stays "".

    Different texts get different slugs: a bare truncation would make two of one.
    """
    if not text or _VALUE.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    kept = re.sub(r"[^A-Za-z0-9._]+", "-", text[:500])[: 62 - _DIGITS].strip("._-")
    return f"{kept}-{digest}" if kept else f"x-{digest}"
