"""Hours of GPUs that a study has used, and whether it may use more.

What was used before a run is read from the store: from each start's first sign to its last, of stages that are done and
of attempts that failed or were interrupted, so no restart forgets it. A run then counts on what it sees. GPUs are those
that the plan gives a stage now. What a start does after its last sign (seconds as a rule) is not seen after a kill.
"""

import time
from collections.abc import Callable, Sequence

from polyglot.attempts.history import History
from polyglot.core.errors import OverBudget
from polyglot.core.stage import PlannedStage
from polyglot.store.committed import committed_many
from polyglot.store.futures import concurrently
from polyglot.store.manifest import manifest_path
from polyglot.store.store import Store


def used_hours(stages: Sequence[PlannedStage], store: Store) -> float:
    """Hours of GPUs that all attempts at these stages have had so far."""
    return sum(concurrently(lambda planned: _used(planned, store), [one for one in stages if _gpus(one)]))


def _used(planned: PlannedStage, store: Store) -> float:
    spans = History(store, planned.stage).spans()
    committed = store.head(manifest_path(planned.stage.kind, planned.key)) if spans else None
    seconds = sum((end - begin).total_seconds() for begin, end in spans)
    if committed is not None and committed.modified > spans[-1][1]:
        seconds += (committed.modified - spans[-1][1]).total_seconds()
    return seconds * _gpus(planned) / 3600


def _gpus(planned: PlannedStage) -> int:
    return planned.resources.total_gpus


class GpuHours:
    """The budget of one run. Without a limit nothing is looked up, and nothing is ever refused."""

    def __init__(
        self,
        stages: Sequence[PlannedStage],
        store: Store,
        limit: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._clock = limit, clock
        self._used = 0.0 if limit is None else used_hours(stages, store)
        self._running: dict[str, tuple[int, float]] = {}  # key -> GPUs, since when

    def begin(self, planned: PlannedStage) -> None:
        """A worker of a stage runs from now on."""
        if _gpus(planned):
            self._running.setdefault(planned.key, (_gpus(planned), self._clock()))

    def end(self, planned: PlannedStage) -> None:
        """It has ended."""
        gpus, since = self._running.pop(planned.key, (0, 0.0))
        self._used += gpus * (self._clock() - since) / 3600 if gpus else 0.0

    @property
    def used(self) -> float:
        """Hours so far, those that run now included."""
        now = self._clock()
        return self._used + sum(gpus * (now - since) for gpus, since in self._running.values()) / 3600

    def refuses(self, planned: PlannedStage) -> str:
        """Why a stage may not run (any more); "" when it may."""
        if self._limit is None or not _gpus(planned) or self.used < self._limit:
            return ""
        return f"the budget: {self.used:.2f} of {self._limit:g} GPU hours are used. {_REMEDY}"


_REMEDY = "Raise budget.gpu-hours in the study file and submit again; what was saved is kept"


def check_gpu_hours(stages: Sequence[PlannedStage], store: Store, limit: float | None) -> None:
    """Raise OverBudget when a stage with GPUs is still to run and nothing is left for it."""
    if limit is None:
        return
    done = committed_many(store, [planned.stage for planned in stages])
    waiting = [planned for planned in stages if _gpus(planned) and planned.key not in done]
    used = used_hours(stages, store) if waiting else 0.0
    if used >= limit:
        raise OverBudget(
            f"budget: {used:.2f} of {limit:g} GPU hours are used, and {len(waiting)} stages that need GPUs are still "
            "to run. Raise budget.gpu-hours in the study file to go on"
        )
