"""The real training, one rank of which does not go on: POLYGLOT_TEST_HANG is `<rank> <how> <step> [<file>]`.

`sleep` for ever before its passes; `loop` for ever in its data; `native`: in a call that lets no thread of Python run;
`slow`: it takes two seconds for each of its batches. With a file only one start does, which makes it.
"""

import ctypes
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.lib.context import Context
from jobs.lib.ranks import Ranks
from jobs.train import job, training
from jobs.train.batches import MicroBatch, micro_batches


def run(context: Context) -> None:
    rank, how, step, *file = os.environ["POLYGLOT_TEST_HANG"].split()
    if Ranks.read().rank == int(rank):
        disturb(how, int(step), Path(file[0]) if file else None)
    job.run(context)


def disturb(how: str, step: int, file: Path | None) -> None:
    """Have the batches of a step come late, or never."""
    steps = itertools.count(1)

    def disturbed(*arguments: Any, **more: Any) -> Iterator[MicroBatch]:
        number = next(steps)
        if how == "slow":
            time.sleep(2)
        elif number == step and (file is None or not file.exists()):
            if file is not None:
                file.touch()
            hang(how)
        yield from micro_batches(*arguments, **more)

    training.micro_batches = disturbed  # type: ignore[attr-defined]


def hang(how: str) -> None:
    while how == "loop":
        pass
    if how == "native":
        ctypes.PyDLL(None).sleep(100_000)
    time.sleep(100_000)
