"""How many requests go into one batch, and what it is called."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from polyglot.core.canonical import sha256_bytes

MOST_BYTES = 200_000_000  # of an input file
_KEY_DIGITS = 16


@dataclass(slots=True, kw_only=True)
class Room:
    """What still fits into a batch. `usd` is None where there is no budget."""

    requests: int
    usd: float | None
    num_bytes: int = MOST_BYTES

    def take(self, num_bytes: int, usd: float) -> bool:
        """Take a request in; False, and nothing is taken, when it does not fit."""
        if self.requests < 1 or num_bytes > self.num_bytes or (self.usd is not None and usd > self.usd):
            return False
        self.requests, self.num_bytes = self.requests - 1, self.num_bytes - num_bytes
        if self.usd is not None:
            self.usd -= usd
        return True


def batch_name(stage_key: str, attempts: Iterable[tuple[str, int]]) -> str:
    """A new name: the stage's, a digest of the requests with the number of each one's attempt, and a random part.

    Without the last, a stage that is made anew after its result was withdrawn would find what was answered before.
    """
    digest = sha256_bytes(b"".join(f"{id_} {attempt}\n".encode() for id_, attempt in attempts))
    return f"polyglot-{stage_key[:_KEY_DIGITS]}-{digest[:_KEY_DIGITS]}-{secrets.token_hex(4)}"


def same_requests(name: str, names: Sequence[str]) -> str | None:
    """The first of names that stands for the same requests of the same stage, or None."""
    stem = name.rpartition("-")[0]
    return next((other for other in names if other.rpartition("-")[0] == stem), None)
