"""Steps whose loss or gradient leaps: a warning that names their samples, or the end where a profile says so.

A leap: the loss is above `factor` times the median of the steps before it and at least half a nat above that, or the
gradient's norm above five times as many medians of its own. What a run has seen is in its checkpoints, so one that was
interrupted judges as one that was not; all ranks see the same figures.
"""

import logging
from statistics import median

from jobs.train.checkpoint import History
from jobs.train.training import Trainer
from polyglot.core.errors import Permanent

FACTOR = 2.0  # that a warning is given at
NORM_FACTOR = 5.0  # norms of good steps differ by more than losses
_LEAST_NATS = 0.5
_WINDOW, _LEAST_STEPS = 100, 20
_WARNINGS = 10


class Spikes:
    """Looks at each step. `factor` ends the run; None: warnings alone, of the first rank, ten at most."""

    def __init__(self, trainer: Trainer, factor: float | None, log: logging.Logger) -> None:
        self._trainer, self._factor, self._log = trainer, factor, log
        self._warned = 0

    def look(self, history: History) -> None:
        """The last step of a history was done. Raises Permanent for a leap where the run shall end with it."""
        number = len(history.losses) - 1
        if number < _LEAST_STEPS:
            return
        factor = FACTOR if self._factor is None else self._factor
        said = _leap(history, factor)
        if not said:
            return
        of = f"step {number + 1}: {said}; its samples: {self._trainer.names(number)}"
        if self._factor is not None:
            raise Permanent(
                f"{of}. Look at these, lower learning-rate, add warmup-steps, or raise spike_factor in the profile's "
                f"settings of train (it is {self._factor:g}); `polyglot retry` goes on from the newest checkpoint"
            )
        if self._trainer.rank == 0 and self._warned < _WARNINGS:
            self._warned += 1
            self._log.warning("%s%s", of, "; later ones are not told" if self._warned == _WARNINGS else "")


def _leap(history: History, factor: float) -> str:
    """What leapt at the last step; "" when nothing did."""
    *losses, loss = history.losses[-_WINDOW - 1 :]
    *norms, norm = history.norms[-_WINDOW - 1 :]
    usual = median(losses)
    if loss > max(factor * usual, usual + _LEAST_NATS):
        return f"the loss leapt to {loss:.3g} from a median of {usual:.3g} in the {len(losses)} steps before"
    usual = median(norms)
    if norm > NORM_FACTOR * factor * usual:
        return f"the gradient's norm leapt to {norm:.3g} from a median of {usual:.3g} in the {len(norms)} steps before"
    return ""
