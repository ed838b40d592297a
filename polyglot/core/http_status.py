"""What the status of an HTTP reply says of a failure."""

_AGAIN = frozenset({408, 425, 429})


def is_transient(status: int) -> bool:
    """True when the same request may be answered later: the server is busy or broken, and has not refused it."""
    return status in _AGAIN or status >= 500
