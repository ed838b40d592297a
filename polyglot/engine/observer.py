"""What the engine tells an observer while it runs; the observer decides how to show it."""

from collections.abc import Sequence

from polyglot.attempts.progress import Progress
from polyglot.core.stage import PlannedStage


class Observer:
    """Told everything once, from the engine's thread; returns at once and never raises.

    Shows nothing: the base of those that show something.
    """

    def cached(self, stages: Sequence[PlannedStage]) -> None:
        """Before anything starts: these stages are committed already."""

    def unneeded(self, stages: Sequence[PlannedStage]) -> None:
        """Before anything starts: these stages will not run, as all that would come after them is committed."""

    def starting(self, stage: PlannedStage, attempt: int, text: str) -> None:
        """There is room for it, and its worker does not run yet; `text` says what it waits for."""

    def started(self, stage: PlannedStage, attempt: int) -> None:
        """A worker runs."""

    def waiting(self, stage: PlannedStage, text: str) -> None:
        """It was submitted and cannot start, or not end, for a reason that the scheduler gives."""

    def progress(self, stage: PlannedStage, progress: Progress) -> None:
        """A running stage has come further."""

    def retrying(self, stage: PlannedStage, reason: str, after_seconds: float) -> None:
        """An attempt ended without a result; another one follows after a wait."""

    def committed(self, stage: PlannedStage, seconds: float) -> None:
        """Done; `seconds` since the first start that this driver saw."""

    def failed(self, stage: PlannedStage, reason: str) -> None:
        """Failed for good. What needs it follows as `blocked`."""

    def blocked(self, stage: PlannedStage, needs: PlannedStage) -> None:
        """Cannot run, because `needs` failed for good."""

    def warning(self, stage: PlannedStage, text: str) -> None:
        """Something that a person should read, and that ends nothing."""
