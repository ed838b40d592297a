"""How the ranks of a training find each other, and agree.

Nothing here pickles: what travels between ranks are tensors.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

import torch
from torch import distributed

from jobs.lib.context import Context
from jobs.lib.ranks import Ranks
from jobs.train.hang import Watchdog
from jobs.train.pulse import Pulse
from polyglot.core.errors import Interrupted

MEETING_SECONDS = 900.0  # pods of one Job may be a scheduling and an image pull apart
EXCHANGE_SECONDS = 12 * 3600.0  # a rank may wait while another one fetches gigabytes; who hangs is jobs.train.hang's
_LOOK_SECONDS = 0.2
_TELL_SECONDS = 30.0


@contextmanager
def met(ranks: Ranks, context: Context) -> Iterator[Pulse]:
    """Open torch's default process group, and watch that all of its ranks go on while the block runs.

    Several ranks use gloo on a CPU and nccl on a GPU, both where a GPU's slices are offloaded; one opens a group of its
    own where it offloads, as torch slices models in groups alone, and there is nobody to watch. Waiting for a rank that
    does not come can be interrupted, as it could not inside of torch. Raises Interrupted, TimeoutError.
    """
    pulse = Pulse()
    if ranks.ranks == 1:
        with _alone() if context.settings.get("offload") else nullcontext():
            yield pulse
        return
    watchdog = _meet(ranks, context, pulse)
    try:
        yield pulse
    except Interrupted:  # all have agreed to stop
        watchdog.close()
        raise
    watchdog.close()  # and not after another error: that a peer has ended may be seen before it is heard why


def _meet(ranks: Ranks, context: Context, pulse: Pulse) -> Watchdog:
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    wait = _StuckRankTimeout(context, f"{host}:{port}")
    if not ranks.first:
        while not _answers(host, port):
            wait.more("the first rank")
    store = distributed.TCPStore(  # type: ignore[attr-defined]
        host, port, ranks.ranks, is_master=ranks.first, wait_for_workers=False, timeout=timedelta(seconds=60)
    )
    if ranks.first:
        watchdog = Watchdog(ranks, pulse, context)
        store.set("polyglot/watchdog", watchdog.address)
    store.set(f"polyglot/{ranks.rank}", "here")
    while absent := [rank for rank in range(ranks.ranks) if not store.check([f"polyglot/{rank}"])]:
        wait.more(f"rank {', '.join(map(str, absent))}")
    if not ranks.first:
        watchdog = Watchdog(ranks, pulse, context, address=store.get("polyglot/watchdog").decode(), host=host)
    pulse.at("opening the process group")
    watchdog.start()
    distributed.init_process_group(
        _backend(offload=bool(context.settings.get("offload"))),
        store=store,
        rank=ranks.rank,
        world_size=ranks.ranks,
        timeout=timedelta(seconds=EXCHANGE_SECONDS),
    )
    return watchdog


@contextmanager
def _alone() -> Iterator[None]:
    """A process group of one rank."""
    store = distributed.HashStore()  # type: ignore[attr-defined]
    distributed.init_process_group(_backend(offload=True), store=store, rank=0, world_size=1)
    try:
        yield
    finally:
        if distributed.is_initialized():  # accelerate ends it at the end of a training
            distributed.destroy_process_group()


def _backend(*, offload: bool) -> str:
    if not torch.cuda.is_available():
        return "gloo"
    # torch 2.15's second implementation, its default, splits groups for meshes where the first does not, and was never
    # run by us; read when the backend is first asked for
    os.environ.setdefault("TORCH_DIST_USE_NCCL2", "0")
    return "cpu:gloo,cuda:nccl" if offload else "nccl"


def votes(*each: bool, device: torch.device) -> list[int]:
    """How many ranks say yes, to each question. A collective."""
    said = torch.tensor([float(one) for one in each], device=device)
    distributed.all_reduce(said)
    return [round(number) for number in said.tolist()]


def all_say(good: bool, ranks: int, device: torch.device) -> bool:
    """Whether every rank says yes; of one rank its own word. A collective of more."""
    return good if ranks == 1 else votes(good, device=device) == [ranks]


def of_all(text: str, group: distributed.ProcessGroup) -> list[str]:
    """The texts of all ranks, in their order. A collective of a group over gloo."""
    data = text.encode()
    ranks = distributed.get_world_size(group)
    sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(ranks)]
    distributed.all_gather(sizes, torch.tensor([len(data)]), group=group)
    longest = max(1, *(int(size) for size in sizes))
    mine = torch.frombuffer(bytearray(data.ljust(longest, b" ")), dtype=torch.uint8)
    texts = [torch.zeros(longest, dtype=torch.uint8) for _ in range(ranks)]
    distributed.all_gather(texts, mine, group=group)
    return [bytes(one.numpy().tobytes()[: int(size)]).decode() for one, size in zip(texts, sizes, strict=True)]


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
