"""When the state of a run is kept, and how it comes back: by all ranks together.

The state is written to a local file between two steps and stored in the background while the training goes on. The
files of all ranks are one checkpoint: its record is made once all of them are stored.
"""

import json
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import distributed

from jobs.lib.context import Context
from jobs.train import agreement, checkpoint
from jobs.train.checkpoint import History
from jobs.train.sharding import release
from jobs.train.training import Trainer

EVERY_SECONDS = 60.0
STALL_SHARE = 0.02  # of the time, at most, the training stands still for checkpoints that nobody asked for
_FAILED = ""  # what a rank says that could not store its file


class Keeper:
    """The checkpoints of one training. Every method that is named a collective is called by all ranks."""

    def __init__(self, context: Context, trainer: Trainer, *, every_steps: int = 0, every_seconds: float = 0.0) -> None:
        """Kept after every so many steps (0: by time alone) and seconds. A collective."""
        self._context, self._trainer, self._every_steps = context, trainer, every_steps
        self._every_seconds = self._interval = every_seconds or EVERY_SECONDS
        self._saved = time.monotonic()
        self._group: Any = distributed.new_group(backend="gloo") if trainer.ranks > 1 else None
        self._thread: threading.Thread | None = None
        self._failed: BaseException | None = None
        self.stalled_seconds, self.stored = 0.0, 0

    def resume(self) -> History:
        """Put the newest state back that every rank can read; a new history where there is none. A collective."""
        trainer, target = self._trainer, self._context.work / "resumed"
        for saved in self._found():
            wanted = checkpoint.needed(trainer.rank, trainer.ranks)
            step = self._context.checkpoints.fetch(saved, target, wanted)
            if self._all(step is not None and self._is_usable(target, step)):
                history = checkpoint.read(target, trainer.model, trainer.optimizer)
                shutil.rmtree(target)
                self._context.log.info("resumed after step %d of %d", len(history.losses), trainer.steps)
                self._saved = time.monotonic()
                return history
        shutil.rmtree(target, ignore_errors=True)
        return History()

    def after_step(self, history: History) -> bool:
        """Keep the state when it is time; True when the run is to stop, its state stored. A collective.

        Raises what went wrong when the state before was stored.
        """
        number, trainer = len(history.losses), self._trainer
        if self._failed is not None:
            raise self._failed
        by_steps = self._every_steps > 0 and number % self._every_steps == 0
        idle = self._thread is None or not self._thread.is_alive()
        stop, due, ready = self._context.stopping(), time.monotonic() - self._saved >= self._interval, idle
        if trainer.ranks > 1:
            stops, dues, readies = agreement.votes(stop, due, ready, device=trainer.model.device)
            stop, due, ready = stops > 0, dues > 0, readies == trainer.ranks
        if number < trainer.steps and (stop or by_steps or (due and ready)):
            self._keep(history)
        if stop and number < trainer.steps:
            self.finish()
            return True
        return False

    def finish(self) -> None:
        """Wait until what was kept is stored. Raises what went wrong."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failed is not None:
            raise self._failed

    def _keep(self, history: History) -> None:
        self.finish()
        began, trainer = time.monotonic(), self._trainer
        directory = self._context.work / "checkpoint"
        shutil.rmtree(directory, ignore_errors=True)
        release(trainer.model)
        checkpoint.write(directory, trainer.model, trainer.optimizer, history, rank=trainer.rank, ranks=trainer.ranks)
        stall = time.monotonic() - began
        self.stalled_seconds += stall
        self._saved = time.monotonic()
        self._interval = max(self._every_seconds, stall / STALL_SHARE)
        self._thread = threading.Thread(
            target=self._store, args=(directory, len(history.losses)), name="checkpoint", daemon=True
        )
        self._thread.start()

    def _store(self, directory: Path, step: int) -> None:
        """Store this rank's file, and the record once all ranks have; in the background."""
        beside: Sequence[str] = ()
        try:
            if self._group is None:
                self._context.checkpoints.save(directory, step)
            else:
                said = _FAILED
                try:
                    said = json.dumps(self._context.checkpoints.put(directory))
                finally:
                    beside = agreement.of_all(said, self._group)
                if self._trainer.rank == 0 and _FAILED not in beside:
                    self._context.checkpoints.record(step, [row for one in beside for row in json.loads(one)])
            if _FAILED not in beside:
                self.stored += 1
                self._context.log.info("checkpoint after step %d", step)
        except BaseException as error:  # raised where the training sees it
            self._failed = error
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _found(self) -> list[str]:
        """What there is to go on from, newest first, as the first rank sees it."""
        found = list(self._context.checkpoints.saved()) if self._trainer.rank == 0 else []
        if self._group is None:
            return found
        names: list[str] = json.loads(agreement.of_all(json.dumps(found), self._group)[0])
        return names

    def _all(self, good: bool) -> bool:
        if self._group is None:
            return good
        return agreement.votes(good, device=self._trainer.model.device) == [self._trainer.ranks]

    def _is_usable(self, directory: Path, step: int) -> bool:
        try:
            checkpoint.check(directory, self._trainer.model)
        except checkpoint.Unusable as error:  # written by another version of this job
            self._context.log.warning("passing over the checkpoint of step %d: %s", step, error)
            return False
        return True
