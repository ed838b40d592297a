"""Rounds of train stages by several ranks: `python -m tests.kit.train_rank`, rounds as JSON on stdin.

A round is `{"inputs": {role: folder}, "out": FOLDER, "ranks": N, "stop_after": N, "params": {…}, "settings": {…}}`: an
attempt whose rank 0 alone is asked to stop after so many steps (0: never). `hang` is the POLYGLOT_TEST_HANG of
tests.kit.hanging_jobs. Rank n works in `<out>/rank<n>`; checkpoints
lie in `<out>/checkpoints`. The libraries are imported once and every rank is a fork. Prints the exit codes of each
round's ranks as JSON.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from jobs.lib.ranks import Ranks
from jobs.train import job as train
from polyglot.core.errors import Exit, Interrupted
from tests.kit.hanging_jobs.train import job as hanging
from tests.kit.ports import free_port
from tests.kit.training import context_of


def main() -> None:
    """Run all rounds."""
    for one in json.load(sys.stdin):
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()), POLYGLOT_RANKS=str(one["ranks"]))
        pids = [fork(one, rank) for rank in range(one["ranks"])]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        print(f"codes {json.dumps(codes)}", flush=True)


def fork(one: dict[str, Any], rank: int) -> int:
    """Start one rank and return its process id."""
    pid = os.fork()
    if pid:
        return pid
    os.environ["POLYGLOT_RANK"] = str(rank)
    os.environ.update(Ranks.read().for_torch())
    code = 1
    try:
        code = run(one, rank)
    except BaseException:
        traceback.print_exc()
        if one.get("hang"):  # as a worker does: others may have more to say
            time.sleep(5)
    finally:
        sys.stderr.flush()
        os._exit(code)


def run(one: dict[str, Any], rank: int) -> int:
    """Be one rank."""
    out = Path(one["out"])
    inputs = {role: Path(folder) for role, folder in one["inputs"].items()}
    context = context_of(out / f"rank{rank}", inputs, settings=one.get("settings"), **one.get("params", {}))
    context.checkpoints.root = out / "checkpoints"  # type: ignore[attr-defined]
    if one.get("stop_after") and rank == 0:
        context.stop_after = one["stop_after"]
    if one.get("hang"):
        os.environ["POLYGLOT_TEST_HANG"] = one["hang"]
    try:
        (hanging if one.get("hang") else train).run(context)
    except Interrupted:
        return Exit.INTERRUPTED_WORKER
    return Exit.FINE


if __name__ == "__main__":
    main()
