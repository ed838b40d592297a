"""Each rank does what the parameter `do` says at its place; all that are to fail do so once all are there."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from jobs.lib.context import Context
from jobs.lib.ranks import Ranks
from polyglot.core.errors import Permanent


def run(context: Context) -> None:
    ranks = Ranks.read()
    assert os.environ["RANK"] == str(ranks.rank)
    place = Path(os.environ["POLYGLOT_TEST_LEDGER"])
    place.mkdir(exist_ok=True)
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "OMP_NUM_THREADS")
    (place / f"part{ranks.rank}").write_text(" ".join([str(os.getpid()), *(os.environ[name] for name in names)]))
    (place / f"part{ranks.rank}").rename(place / f"rank{ranks.rank}")
    do = context.stage.params["do"]
    how = str(do[ranks.rank]) if isinstance(do, list | tuple) else str(do)
    while len(list(place.glob("rank*"))) < ranks.ranks:
        time.sleep(0.02)
        if how != "stuck":  # the other may be there, and both be told to stop, while this one sleeps
            context.raise_if_stopping()
    act(context, ranks, how)
    (context.out / "text").write_text(f"by {ranks.ranks}")


def act(context: Context, ranks: Ranks, how: str) -> None:
    if how.startswith("late "):
        time.sleep(1)
        how = how.removeprefix("late ")
    if how == "permanent":
        raise Permanent("this can never work")
    if how == "memory":
        raise MemoryError
    if how == "peer":
        raise RuntimeError("Connection closed by peer")
    if how == "exit":
        sys.exit(7)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "talk":
        print("said with an end", flush=True)
        print("and with none", end="" if ranks.rank else "\n", flush=True)
    while how in ("stuck", "polite"):
        time.sleep(0.05)
        if how == "polite":
            context.raise_if_stopping()


def written(ledger: Path) -> Mapping[int, list[str]]:
    """What each rank left on its way: its process id, and the variables above."""
    return {int(path.name.removeprefix("rank")): path.read_text().split() for path in ledger.glob("rank*")}
