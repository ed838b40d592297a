"""Sizes, durations and lists as people write them."""

import re
from collections.abc import Sequence

from polyglot.core.errors import BadInput

_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_BYTES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}  # as Kubernetes writes them
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_bytes(text: str) -> int:
    """`4GiB`, `4Gi`, `500 MB` or `1024` -> bytes. Raises BadInput."""
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,3})?)\s*([KMGT]?i?B|[KMGT]i)?\s*", text, re.ASCII)
    if not found or (found[2] or "") not in _BYTES:
        raise BadInput("bad size", got=repr(text[:40]), expected="a size such as 4GiB or 500MB")
    return int(float(found[1]) * _BYTES[found[2] or ""])


def parse_seconds(text: str) -> int:
    """`90s`, `30m`, `2h` or `1d` -> seconds. Raises BadInput."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*([smhd])\s*", text, re.ASCII)
    if not found:
        raise BadInput("bad duration", got=repr(text[:40]), expected="a duration such as 90s, 30m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def show_first(names: Sequence[str], count: int = 1) -> str:
    """`a, b and 3 more`: the first `count` of them."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def show_bytes(count: int) -> str:
    """1610612736 -> `1.5 GiB`."""
    value, units = float(count), ["B", "KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    if units[0] == "GiB" and value >= 1024:
        return f"{value / 1024:.1f} TiB"
    return f"{value:.0f} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def show_seconds(seconds: float) -> str:
    """3.2 -> `3.2 s`, 245 -> `4 m 05 s`, 7500 -> `2 h 05 m`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} m {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} m"
