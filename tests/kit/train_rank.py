"""Rounds of a train stage by several ranks: `python -m tests.kit.train_rank ROOT PORT RANKS STOP_AFTER [STOP_AFTER …]`.

ROOT holds `base`, `tokens/out` and `mix`. Each STOP_AFTER is a round, the next attempt at the stage: the number of
steps after which rank 0 alone is asked to stop, 0 for never. The libraries are imported once and every rank is a fork,
which meets its peers through accelerate's environment. Prints the exit codes of
each round's ranks as JSON. POLYGLOT_TEST_CHANGES has parameters that differ, as JSON.
"""

import json
import os
import sys
import traceback
from pathlib import Path

from jobs.lib.ranks import Ranks
from jobs.train import job as train
from polyglot.core.errors import Exit, Interrupted
from tests.kit.training import context_of


def main() -> None:
    """Run all rounds."""
    root, port, ranks = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for number, stop_after in enumerate(map(int, sys.argv[4:])):
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port + number), POLYGLOT_RANKS=str(ranks))
        pids = [fork(root, rank, stop_after) for rank in range(ranks)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        print(json.dumps(codes), flush=True)


def fork(root: Path, rank: int, stop_after: int) -> int:
    """Start one rank and return its process id."""
    pid = os.fork()
    if pid:
        return pid
    os.environ["POLYGLOT_RANK"] = str(rank)
    os.environ.update(Ranks.read().for_torch())
    code = 1
    try:
        code = run(root, rank, stop_after)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def run(root: Path, rank: int, stop_after: int) -> int:
    """Be one rank."""
    inputs = {"base": root / "base", "mix": root / "mix", "tokens:DE": root / "tokens" / "out"}
    changes = json.loads(os.environ.get("POLYGLOT_TEST_CHANGES", "{}"))
    context = context_of(root / f"rank{rank}", inputs, steps=6, batch_size=5, **changes)
    context.checkpoints.root = root / "checkpoints"  # type: ignore[attr-defined]
    if stop_after and rank == 0:
        context.stop_after = stop_after
    try:
        train.run(context)
    except Interrupted:
        return Exit.INTERRUPTED_WORKER
    return Exit.FINE


if __name__ == "__main__":
    main()
