"""What the status of a server that holds files says about asking it again."""

_AGAIN = frozenset({408, 425, 429})


def is_transient(status: int) -> bool:
    """True when the same request may be answered later: the server is busy or broken, and has not refused it."""
    return status in _AGAIN or status >= 500
