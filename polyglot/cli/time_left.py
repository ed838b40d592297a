"""How long a run will still take: a guess that falls with the clock and does not creep upwards while one stage runs."""

import time
from collections.abc import Iterable, Mapping

from polyglot.core.stage import PlannedStage

_SLACK_SECONDS = 10.0  # what a guess may be too low by before it is raised


class Countdown:
    """Seconds left. A new guess counts where it is lower, or so much higher that the old one was wrong."""

    def __init__(self) -> None:
        self._end: float | None = None

    def guess(self, seconds: float) -> None:
        """Take in what is thought to be left now."""
        left = self.left()
        if left is None or seconds < left or seconds > 1.5 * left + _SLACK_SECONDS:
            self._end = time.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds from now, not below zero; None before there is a guess."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())


class TimeLeft:
    """Of a whole run, from what its stages were expected to take, and what those that are done took in fact.

    `expected` are seconds by key. A stage that nothing is expected of is taken to be like the done ones of its kind;
    where there are none yet, nothing is said.
    """

    def __init__(self, expected: Mapping[str, float]) -> None:
        self._expected = expected
        self._took: list[tuple[PlannedStage, float]] = []
        self._began = time.monotonic()
        self._countdown = Countdown()

    @property
    def seconds(self) -> float | None:
        """Seconds left, None where nothing can be said."""
        return self._countdown.left()

    def done(self, stage: PlannedStage, seconds: float, todo: Iterable[PlannedStage]) -> None:
        """A stage is done; `todo` are all that are not."""
        self._took.append((stage, seconds))
        rest = [self._guess(planned) for planned in todo]
        work = sum(seconds for seconds in rest if seconds is not None)
        if None not in rest:
            beside = sum(took for _, took in self._took) / max(1e-9, time.monotonic() - self._began)
            self._countdown.guess(work / max(1.0, beside))

    def _guess(self, planned: PlannedStage) -> float | None:
        alike = [took for other, took in self._took if other.stage.kind == planned.stage.kind]
        expected = self._expected.get(planned.key)
        if expected is None:
            return sum(alike) / len(alike) if alike else None
        known = [(took, self._expected[other.key]) for other, took in self._took if other.key in self._expected]
        # as much slower as stages were so far; a few short ones say little of the long ones
        behind = 0.1 * sum(self._expected.values())
        took, thought = sum(took for took, _ in known) + behind, sum(thought for _, thought in known) + behind
        return expected * (took / thought if thought else 1.0)
