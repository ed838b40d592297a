"""How the ranks of a training find each other, and begin with the same state.

Nothing here pickles: what travels between ranks are tensors.
"""

import os
import socket
import time
from collections.abc import Sequence
from datetime import timedelta

import torch
from torch import distributed, nn

from jobs.lib.context import Context
from jobs.lib.ranks import Ranks
from jobs.train.checkpoint import MOMENTS, tensors

MEETING_SECONDS = 900.0  # pods of one Job may be a scheduling and an image pull apart
EXCHANGE_SECONDS = 1800.0  # a rank waits in an exchange while the first one uploads a checkpoint
_LOOK_SECONDS = 0.2
_TELL_SECONDS = 30.0


def meet(ranks: Ranks, context: Context) -> None:
    """Open torch's default process group: gloo on a CPU, nccl on a GPU.

    Waiting for a rank that does not come can be interrupted, as it could not inside of torch. Raises Interrupted,
    TimeoutError.
    """
    if distributed.is_initialized():
        return
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    wait = _StuckRankTimeout(context, f"{host}:{port}")
    if not ranks.first:
        while not _answers(host, port):
            wait.more("the first rank")
    store = distributed.TCPStore(  # type: ignore[attr-defined]
        host, port, ranks.ranks, is_master=ranks.first, wait_for_workers=False, timeout=timedelta(seconds=60)
    )
    store.set(f"polyglot/{ranks.rank}", "here")
    while absent := [rank for rank in range(ranks.ranks) if not store.check([f"polyglot/{rank}"])]:
        wait.more(f"rank {', '.join(map(str, absent))}")
    distributed.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        store=store,
        rank=ranks.rank,
        world_size=ranks.ranks,
        timeout=timedelta(seconds=EXCHANGE_SECONDS),
    )


def share(model: nn.Module, optimizer: torch.optim.Optimizer, losses: Sequence[float], *, rank: int) -> list[float]:
    """Give the first rank's weights, moments and losses to all; return these losses. A collective."""
    device = next(model.parameters()).device
    sizes = torch.tensor([len(losses)], device=device)
    distributed.broadcast(sizes, 0)
    if int(sizes) == 0:
        return []
    shared = torch.tensor(losses if rank == 0 else [0.0] * int(sizes), dtype=torch.float64, device=device)
    distributed.broadcast(shared, 0)
    for _, tensor in tensors(model):
        distributed.broadcast(tensor.data, 0)
    parameters = list(model.parameters())
    moved = torch.tensor([parameter in optimizer.state for parameter in parameters], dtype=torch.uint8, device=device)
    distributed.broadcast(moved, 0)
    for parameter, has_moments in zip(parameters, moved.tolist(), strict=True):
        if not has_moments:
            continue
        if rank != 0:
            optimizer.state[parameter] = {
                moment: torch.zeros((), device=device) if moment == "step" else torch.zeros_like(parameter)
                for moment in MOMENTS
            }
        for moment in MOMENTS:
            distributed.broadcast(optimizer.state[parameter][moment], 0)
    return [float(loss) for loss in shared.tolist()]


class _StuckRankTimeout:
    """Waiting that can be interrupted, has an end, and says what for."""

    def __init__(self, context: Context, where: str) -> None:
        self._context, self._where = context, where
        self._began, self._told = time.monotonic(), -_TELL_SECONDS

    def more(self, absent: str) -> None:
        self._context.raise_if_stopping()
        now = time.monotonic()
        if now - self._began > MEETING_SECONDS:
            raise TimeoutError(f"{absent} did not come to {self._where} within {MEETING_SECONDS:.0f} s")
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            self._context.log.info("waiting for %s at %s", absent, self._where)
        time.sleep(_LOOK_SECONDS)


def _answers(host: str, port: int) -> bool:
    """True when somebody listens there. A name that is not known yet is one more reason to wait."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False
