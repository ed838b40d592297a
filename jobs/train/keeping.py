"""When the state of a run is kept, and how it comes back: by all ranks together.

The state is written to a local file between two steps and stored in the background while the training goes on. The
files of all ranks are one checkpoint: its record is made once all of them are stored. What goes wrong with the store
once is tried again with the next one; twice in a row, or when the run is to stop, it ends the attempt on all ranks.
"""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from torch import distributed

from jobs.lib.context import Context
from jobs.train import agreement, checkpoint
from jobs.train.checkpoint import History
from jobs.train.sharding import release
from jobs.train.training import Trainer
from polyglot.core.errors import StoreError

EVERY_SECONDS = 60.0
STALL_SHARE = 0.02  # of the time, at most, the training stands still for checkpoints that nobody asked for
_FAILED = ""  # what a rank says that could not store its file
_DONE = "done"


def _group() -> Any:
    """For what ranks tell each other from the thread that stores: one may be done long before the slowest is."""
    return distributed.new_group(backend="gloo", timeout=timedelta(seconds=agreement.EXCHANGE_SECONDS))


class Keeper:
    """The checkpoints of one training. Every method that is named a collective is called by all ranks."""

    def __init__(self, context: Context, trainer: Trainer, *, every_steps: int = 0, every_seconds: float = 0.0) -> None:
        """Kept after every so many steps (0: by time alone) and seconds. A collective."""
        self._context, self._trainer, self._every_steps = context, trainer, every_steps
        self._every_seconds = self._interval = every_seconds or EVERY_SECONDS
        self._saved = time.monotonic()
        self._group: Any = _group() if trainer.ranks > 1 else None
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None  # of the last one that was not stored
        self._failures = 0  # in a row
        self.stalled_seconds, self.stored = 0.0, 0

    def resume(self) -> History:
        """Put the newest state back that every rank can read; a new history where there is none. A collective."""
        trainer, target = self._trainer, self._context.work / "resumed"
        passed = 0
        for saved in self._found():
            trainer.pulse.at("fetching a checkpoint", files=True)
            wanted = checkpoint.needed(trainer.model, trainer.rank, trainer.ranks)
            step = self._context.checkpoints.fetch(saved, target, wanted)
            good = step is not None and self._is_usable(target, step)
            if agreement.all_say(good, trainer.ranks, trainer.device):
                history = checkpoint.read(
                    target, trainer.model, trainer.optimizer, rank=trainer.rank, ranks=trainer.ranks
                )
                shutil.rmtree(target)
                trainer.pulse.at("going on from a checkpoint")
                self._context.log.info("resumed after step %d of %d", len(history.losses), trainer.steps)
                self._saved = time.monotonic()
                return history
            passed += 1
        if passed:
            self._context.log.warning("beginning again: none of %d checkpoints is of use", passed)
        shutil.rmtree(target, ignore_errors=True)
        return History()

    def after_step(self, history: History) -> bool:
        """Keep the state when it is time; True when the run is to stop, its state stored. A collective.

        Raises what went wrong when the state before was stored.
        """
        number, trainer = len(history.losses), self._trainer
        trainer.pulse.at("the end", step=number)
        by_steps = self._every_steps > 0 and number % self._every_steps == 0
        stop, due = self._context.stopping(), time.monotonic() - self._saved >= self._interval
        ready, failed = self._thread is None or not self._thread.is_alive(), self._error is not None
        if trainer.ranks > 1:  # the slowest disk says how often
            *agreed, failures = agreement.votes(stop, due, ready, failed, device=trainer.device)
            stop, due, ready, failed = (
                agreed[0] > 0,
                agreed[1] == trainer.ranks,
                agreed[2] == trainer.ranks,
                failures > 0,
            )
        if failed:
            self._settle(needed=stop)
        if number < trainer.steps and (stop or by_steps or (due and ready)):
            self._keep(history)
        if stop and number < trainer.steps:
            self._settle(needed=True)
            return True
        return False

    def finish(self) -> None:
        """Wait until what was kept is stored, or was not: nobody needs it any more."""
        self._trainer.pulse.at("storing a checkpoint", files=True)
        if self._thread is not None:
            self._thread.join()
        if isinstance(self._error, StoreError | OSError):
            self._context.log.warning("the last checkpoint was not stored: %s", self._error)
        elif self._error is not None:
            raise self._error

    def _settle(self, *, needed: bool) -> None:
        """Wait until what was kept is stored. Raises what went wrong, where that is not the store's first failure."""
        self._trainer.pulse.at("storing a checkpoint", files=True)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is None:
            return
        self._failures += 1
        if needed or self._failures > 1 or not isinstance(error, StoreError | OSError):
            raise error
        self._context.log.warning("a checkpoint was not stored, the next one will say whether it can be: %s", error)

    def _keep(self, history: History) -> None:
        began, trainer = time.monotonic(), self._trainer
        self._settle(needed=False)
        writing = time.monotonic()
        trainer.pulse.at("writing a checkpoint", files=True)
        directory = self._context.work / "checkpoint"
        shutil.rmtree(directory, ignore_errors=True)
        release(trainer.model)
        checkpoint.write(directory, trainer.model, trainer.optimizer, history, rank=trainer.rank, ranks=trainer.ranks)
        self._saved = time.monotonic()
        self.stalled_seconds += self._saved - began
        self._interval = max(self._every_seconds, (self._saved - writing) / STALL_SHARE)
        self._thread = threading.Thread(
            target=self._store, args=(directory, len(history.losses)), name="checkpoint", daemon=True
        )
        self._thread.start()

    def _store(self, directory: Path, step: int) -> None:
        """Store this rank's files, and the record once all ranks have; in the background."""
        try:
            if self._group is None:
                self._context.checkpoints.save(directory, step)
            else:
                self._store_together(directory, step)
            self.stored, self._failures = self.stored + 1, 0
            self._context.log.info("checkpoint after step %d", step)
        except BaseException as error:  # raised where the training sees it
            self._error = error
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _store_together(self, directory: Path, step: int) -> None:
        """All ranks know at the end whether there is a checkpoint. A collective of the background's group."""
        said = ended = _FAILED
        try:
            said = json.dumps(self._context.checkpoints.put(directory))
        finally:
            beside = agreement.of_all(said, self._group)
            if said == _FAILED:
                agreement.of_all(_FAILED, self._group)
        try:
            if self._trainer.rank == 0 and _FAILED not in beside:
                self._context.checkpoints.record(step, [row for one in beside for row in json.loads(one)])
            ended = _FAILED if _FAILED in beside else _DONE
        finally:
            all_ended = agreement.of_all(ended, self._group)
        if _FAILED in all_ended:
            raise StoreError(f"the checkpoint of step {step} was not stored by all ranks")

    def _found(self) -> Iterator[str]:
        """What there is to go on from, newest first, as the first rank sees it. Every rank takes as many."""
        found = iter(self._context.checkpoints.saved()) if self._trainer.rank == 0 else iter(())
        while True:
            saved = next(found, "")
            if self._group is not None:
                saved = agreement.of_all(saved, self._group)[0]
            if not saved:
                return
            yield saved

    def _is_usable(self, directory: Path, step: int) -> bool:
        try:
            checkpoint.check(directory, self._trainer.model)
        except checkpoint.Unusable as error:  # written by another version of this job
            self._context.log.warning("passing over the checkpoint of step %d: %s", step, error)
            return False
        return True
