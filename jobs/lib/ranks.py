"""Which of an attempt's ranks this process is: POLYGLOT_RANK of POLYGLOT_RANKS, as an Indexed Job sets them."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from polyglot.core.errors import Permanent

_EXCHANGES = re.compile(r"gloo|nccl|process ?group|\bpeer\b|collective", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Rank `rank` of `ranks`, counted from 0; the first one speaks for the attempt."""

    rank: int = 0
    ranks: int = 1

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Ranks":
        """Read the environment. Raises Permanent for what cannot be."""
        texts = environment.get("POLYGLOT_RANK") or "0", environment.get("POLYGLOT_RANKS") or "1"
        try:
            rank, ranks = (int(text) for text in texts)
        except ValueError:
            rank, ranks = -1, 0
        if not 0 <= rank < ranks <= 10_000:
            raise Permanent(
                f"POLYGLOT_RANK, POLYGLOT_RANKS: got {texts[0]!r} of {texts[1]!r}; expected 0 ≤ rank < ranks"
            )
        return cls(rank=rank, ranks=ranks)

    @property
    def first(self) -> bool:
        """True for the rank that claims, reports and publishes."""
        return self.rank == 0

    def for_torch(self) -> dict[str, str]:
        """The variables of accelerate and torch.distributed. Each rank is alone in its container: local rank 0."""
        return {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.ranks),
            "LOCAL_RANK": "0",
            "LOCAL_WORLD_SIZE": "1",
            "MASTER_ADDR": os.environ.get("MASTER_ADDR", "127.0.0.1"),
            "MASTER_PORT": os.environ.get("MASTER_PORT", "29500"),
        }


def is_of_exchange(error: BaseException) -> bool:
    """Whether an error is of the exchange among ranks, as when one was lost: no model or file is at fault."""
    return isinstance(error, RuntimeError) and bool(_EXCHANGES.search(str(error)))
