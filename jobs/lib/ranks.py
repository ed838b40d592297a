"""Which of an attempt's processes this one is.

POLYGLOT_RANK of POLYGLOT_RANKS is its pod, as an Indexed Job sets them; POLYGLOT_LOCAL_RANK of POLYGLOT_LOCAL_RANKS is
its place among the processes of a pod, as jobs.worker.group sets them, and left out where a pod has one.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from polyglot.core.errors import Permanent

_EXCHANGES = re.compile(r"gloo|nccl|process ?group|\bpeer\b|collective", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Process `local_rank` of `local_ranks` in pod `pod` of `pods`, all counted from 0."""

    pod: int = 0
    pods: int = 1
    local_rank: int = 0
    local_ranks: int = 1

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Ranks":
        """Read the environment. Raises Permanent for what cannot be."""
        pod, pods = _place(environment, "POLYGLOT_RANK")
        local_rank, local_ranks = _place(environment, "POLYGLOT_LOCAL_RANK")
        return cls(pod=pod, pods=pods, local_rank=local_rank, local_ranks=local_ranks)

    @property
    def rank(self) -> int:
        """Its place among all processes of the attempt."""
        return self.pod * self.local_ranks + self.local_rank

    @property
    def ranks(self) -> int:
        """How many processes the attempt has."""
        return self.pods * self.local_ranks

    @property
    def first(self) -> bool:
        """True for the process that speaks for the attempt: it claims, reports and publishes."""
        return self.rank == 0

    @property
    def first_of_pod(self) -> bool:
        """True for the process that records its pod's start and archives its pod's output."""
        return self.local_rank == 0

    def for_torch(self) -> dict[str, str]:
        """The variables of accelerate and torch.distributed; the local rank is the GPU that a process computes on."""
        return {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.ranks),
            "LOCAL_RANK": str(self.local_rank),
            "LOCAL_WORLD_SIZE": str(self.local_ranks),
            "MASTER_ADDR": os.environ.get("MASTER_ADDR", "127.0.0.1"),
            "MASTER_PORT": os.environ.get("MASTER_PORT", "29500"),
        }


def named(rank: int, reason: str) -> str:
    """A reason with the rank that gave it, unless it names one: who saw a hang is not who is to blame."""
    return reason if reason.startswith(("rank ", "none of ")) else f"rank {rank}: {reason}"


def is_of_exchange(error: BaseException) -> bool:
    """Whether an error is of the exchange among ranks, as when one was lost: no model or file is at fault."""
    return isinstance(error, RuntimeError) and bool(_EXCHANGES.search(str(error)))


def _place(environment: Mapping[str, str], name: str) -> tuple[int, int]:
    texts = environment.get(name) or "0", environment.get(f"{name}S") or "1"
    try:
        place, count = (int(text) for text in texts)
    except ValueError:
        place, count = -1, 0
    if not 0 <= place < count <= 10_000:
        raise Permanent(f"{name}, {name}S: got {texts[0]!r} of {texts[1]!r}; expected 0 ≤ rank < ranks")
    return place, count
