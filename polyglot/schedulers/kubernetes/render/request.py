"""A worker's request as the text of a variable, how long that may be, and where a longer one lies in the store."""

import json
from collections.abc import Iterable

from polyglot.core.errors import BadInput
from polyglot.core.units import show_bytes
from polyglot.schedulers.base import Attempt

# Linux takes 128 KiB for one variable; a longer request goes into the store, and the Job names its path.
MAX_INLINE_BYTES = 96 * 1024


def request_bytes(attempt: Attempt) -> bytes:
    """The request as compact JSON in plain ASCII: the same bytes in a variable and in a store."""
    return json.dumps(attempt.request(), ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode("ascii")


def request_text(attempt: Attempt) -> str:
    """The request for a variable. Raises BadInput when it is too long: put `request_bytes` into the store instead."""
    found = request_bytes(attempt)
    if not fits_inline(found):
        raise BadInput(
            "a stage's request is too long for a variable",
            where=attempt.name,
            got=show_bytes(len(found)),
            expected=f"at most {show_bytes(MAX_INLINE_BYTES)}",
            remedy="The scheduler puts it into the store and renders with its path",
        )
    return found.decode("ascii")


def fits_inline(request: bytes) -> bool:
    """Whether a request can go with its Job; a dollar sign takes two bytes there."""
    return len(request) + request.count(b"$") <= MAX_INLINE_BYTES


def request_path(attempt: Attempt) -> str:
    """Where in the store the request of an attempt lies when it is too long to go with its Job."""
    return f"{attempt.planned.stage.path}/attempts/{attempt.number}/request.json"


def paths_of_large(attempts: Iterable[Attempt]) -> dict[str, str]:
    """Attempt name -> store path, of the attempts whose request does not fit: put `request_bytes` there first."""
    return {each.name: request_path(each) for each in attempts if not fits_inline(request_bytes(each))}
