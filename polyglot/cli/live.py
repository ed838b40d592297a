"""Shows a run while it runs: a live table on a terminal, plain lines everywhere else. Everything goes to stderr."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

from polyglot.attempts.progress import Progress
from polyglot.cli.time_left import Countdown, TimeLeft
from polyglot.core.stage import PlannedStage
from polyglot.engine.observer import Observer
from polyglot.engine.survey import Observation, StageState, describe_progress
from polyglot.plan.plan import checks

_PLAIN_PROGRESS_SECONDS = 10.0
_ROWS = 12
_BAR = 24
_NARROW = 120  # columns of a terminal below which a stage's label, bar and words do not fit into one line


Remarks = Callable[[PlannedStage], Sequence[str]]


@contextlib.contextmanager
def live_observer(
    stages: Sequence[PlannedStage],
    stream: TextIO | None = None,
    *,
    expected: Mapping[str, float] | None = None,
    remarks: Remarks = lambda stage: (),
) -> Iterator["LiveObserver"]:
    """Open the view that fits the stream (stderr), and close it cleanly whatever happens.

    `expected` are the seconds that stages were estimated to take, by key; `remarks` are of a stage that is committed.
    """
    stream = stream or sys.stderr
    if not stream.isatty():
        yield PlainLines(stages, stream, remarks=remarks)
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream)
    table = LiveTable(stages, console, expected=expected, remarks=remarks)
    with Live(table, console=console, refresh_per_second=4, transient=True, redirect_stdout=False):
        yield table


class LiveObserver(Observer):
    """What both views know: which stages run, which have ended."""

    def __init__(self, stages: Sequence[PlannedStage], remarks: Remarks = lambda stage: ()) -> None:
        self.remarks = remarks
        self.total = len(stages)
        self.began = time.monotonic()
        self.num_cached = self.num_committed = self.num_failed = self.num_blocked = 0
        self.running: dict[str, _Running] = {}
        self._ended: set[str] = set()
        self._checks = {planned.key for planned in checks(stages)}
        self._stages = {planned.key: planned for planned in stages}
        self._observed: dict[str, Observation] = {}

    @property
    def num_ended(self) -> int:
        """Stages that nothing will happen to any more."""
        return self.num_cached + self.num_committed + self.num_failed + self.num_blocked

    def cached(self, stages: Sequence[PlannedStage]) -> None:
        """See Observer."""
        self.num_cached = len(stages)
        self._ended.update(stage.key for stage in stages)

    def unneeded(self, stages: Sequence[PlannedStage]) -> None:
        """See Observer."""
        self.total -= len(stages)
        self._ended.update(stage.key for stage in stages)

    def starting(self, stage: PlannedStage, attempt: int, text: str) -> None:
        """See Observer."""
        self.running[stage.key] = _Running(stage, attempt, begins=text)

    def started(self, stage: PlannedStage, attempt: int) -> None:
        """See Observer."""
        self.running[stage.key] = _Running(stage, attempt)

    def progress(self, stage: PlannedStage, progress: Progress) -> None:
        """See Observer."""
        if stage.key in self.running:
            self.running[stage.key].add(progress)

    def retrying(self, stage: PlannedStage, reason: str, after_seconds: float) -> None:
        """See Observer."""
        self.running.pop(stage.key, None)

    def committed(self, stage: PlannedStage, seconds: float) -> None:
        """See Observer."""
        self.running.pop(stage.key, None)
        self._ended.add(stage.key)
        self.num_committed += 1

    def failed(self, stage: PlannedStage, reason: str) -> None:
        """See Observer."""
        self.running.pop(stage.key, None)
        self._ended.add(stage.key)
        self.num_failed += 1

    def blocked(self, stage: PlannedStage, needs: PlannedStage) -> None:
        """See Observer."""
        self._ended.add(stage.key)
        self.num_blocked += 1

    def _failure(self, stage: PlannedStage, reason: str) -> str:
        """What is said at once of a failure; what a check found is said at the end, whole, and not twice."""
        return "what it found is told at the end" if stage.key in self._checks else reason

    def observe(self, seen: Mapping[str, Observation]) -> None:
        """Take in a survey: what has changed since the last one is shown as if the engine had told it."""
        first = not self._observed
        if first:
            self.cached([self._stages[key] for key, row in seen.items() if row.state is StageState.COMMITTED])
            self.unneeded([self._stages[key] for key, row in seen.items() if row.state is StageState.UNNEEDED])
        for key, row in seen.items():
            stage, before = self._stages[key], self._observed.get(key)
            changed = before is None or before.state is not row.state
            if row.state is StageState.RUNNING:
                if changed:
                    self.started(stage, row.attempts)
                if row.progress is not None and (before is None or before.progress != row.progress):
                    self.progress(stage, row.progress)
            elif row.state in (StageState.PENDING, StageState.STUCK):
                if before is None or before.detail != row.detail:
                    self.waiting(stage, row.detail)
            elif changed and row.state is StageState.COMMITTED and not first:
                self.committed(stage, time.monotonic() - self.began)
            elif changed and row.state is StageState.FAILED:
                self.failed(stage, row.detail)
            elif changed and row.state is StageState.BLOCKED:
                ended = (StageState.FAILED, StageState.BLOCKED)
                needs = [other for other in stage.needs if seen[other].state in ended]
                self.blocked(stage, self._stages[needs[0]] if needs else stage)
            elif changed and key in self.running:
                del self.running[key]
                self.warning(stage, row.detail or "does not run now")
        self._observed = dict(seen)


class _Running:
    """A running stage with its newest progress and its speed; `begins` says what it still loads."""

    def __init__(self, stage: PlannedStage, attempt: int, begins: str = "") -> None:
        self.stage, self.attempt, self.begins = stage, attempt, begins
        self.began = time.monotonic()
        self.progress: Progress | None = None
        self._first: tuple[float, int] | None = None  # when progress was first seen, and how much it was then
        self._countdown = Countdown()

    def add(self, progress: Progress) -> None:
        self.progress = progress
        if self._first is None:
            self._first = (time.monotonic(), progress.done)
        elapsed, done = time.monotonic() - self._first[0], progress.done - self._first[1]
        if done > 0:
            self._countdown.guess((progress.total - progress.done) * elapsed / done)

    @property
    def label(self) -> str:
        """The stage's, with the number of an attempt that is not the first."""
        return self.stage.label + (f" (attempt {self.attempt})" if self.attempt > 1 else "")

    def seconds_left(self) -> float | None:
        """At the speed since progress was first seen; None before there are two reports."""
        return self._countdown.left()

    def told(self) -> str:
        """Its clock, what it does, and how long that will take."""
        parts = [_clock(time.monotonic() - self.began)]
        if self.progress is not None:
            parts.append(describe_progress(self.progress))
            left = self.seconds_left()
            parts += [f"{_clock(left)} left"] if left is not None else []
        elif self.begins:
            parts.append(self.begins)
        return "  ".join(parts)


class PlainLines(LiveObserver):
    """A line for everything that happens; progress of a stage at most every ten seconds."""

    def __init__(self, stages: Sequence[PlannedStage], stream: TextIO, *, remarks: Remarks = lambda stage: ()) -> None:
        super().__init__(stages, remarks)
        self._stream = stream
        self._said: dict[str, float] = {}

    def cached(self, stages: Sequence[PlannedStage]) -> None:
        """See Observer."""
        super().cached(stages)
        if stages:
            self._say(f"{len(stages)} of {self.total} stages are committed already")

    def starting(self, stage: PlannedStage, attempt: int, text: str) -> None:
        """See Observer."""
        super().starting(stage, attempt, text)
        self._say(f"{stage.label}: {text}")

    def started(self, stage: PlannedStage, attempt: int) -> None:
        """See Observer."""
        super().started(stage, attempt)
        self._said[stage.key] = time.monotonic()
        self._say(f"{stage.label}: started" + (f", attempt {attempt}" if attempt > 1 else ""))

    def waiting(self, stage: PlannedStage, text: str) -> None:
        """See Observer."""
        self._say(f"{stage.label}: waits: {text}")

    def progress(self, stage: PlannedStage, progress: Progress) -> None:
        """See Observer."""
        super().progress(stage, progress)
        if time.monotonic() - self._said.get(stage.key, 0) >= _PLAIN_PROGRESS_SECONDS:
            self._said[stage.key] = time.monotonic()
            self._say(f"{stage.label}: {describe_progress(progress)}")

    def retrying(self, stage: PlannedStage, reason: str, after_seconds: float) -> None:
        """See Observer."""
        super().retrying(stage, reason, after_seconds)
        self._say(f"{stage.label}: {reason}; next attempt in {after_seconds:.0f} s")

    def committed(self, stage: PlannedStage, seconds: float) -> None:
        """See Observer."""
        super().committed(stage, seconds)
        self._say(f"{stage.label}: committed after {seconds:.1f} s ({self.num_ended} of {self.total})")
        for line in self.remarks(stage):
            self._say(f"{stage.label}: remark: {line}")

    def failed(self, stage: PlannedStage, reason: str) -> None:
        """See Observer."""
        super().failed(stage, reason)
        self._say(f"{stage.label}: FAILED: {self._failure(stage, reason)}")

    def blocked(self, stage: PlannedStage, needs: PlannedStage) -> None:
        """See Observer."""
        super().blocked(stage, needs)
        self._say(f"{stage.label}: blocked, it needs {needs.label}")

    def warning(self, stage: PlannedStage, text: str) -> None:
        """See Observer."""
        self._say(f"{stage.label}: warning: {text}")

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class LiveTable(LiveObserver):
    """The running stages with bar and time left, a bar over all; what failed or needs attention scrolls above."""

    def __init__(
        self,
        stages: Sequence[PlannedStage],
        console: "Console",
        *,
        expected: Mapping[str, float] | None = None,
        remarks: Remarks = lambda stage: (),
    ) -> None:
        super().__init__(stages, remarks)
        self._console, self._left = console, TimeLeft(expected or {})

    def committed(self, stage: PlannedStage, seconds: float) -> None:
        """See Observer."""
        super().committed(stage, seconds)
        for line in self.remarks(stage):
            self._above("yellow", f"{stage.label}: remark: {line}")
        self._left.done(stage, seconds, [planned for key, planned in self._stages.items() if key not in self._ended])

    def retrying(self, stage: PlannedStage, reason: str, after_seconds: float) -> None:
        """See Observer."""
        super().retrying(stage, reason, after_seconds)
        self._above("yellow", f"{stage.label}: {reason}; next attempt in {after_seconds:.0f} s")

    def waiting(self, stage: PlannedStage, text: str) -> None:
        """See Observer."""
        self._above("yellow", f"{stage.label}: waits: {text}")

    def failed(self, stage: PlannedStage, reason: str) -> None:
        """See Observer."""
        super().failed(stage, reason)
        self._above("red", f"{stage.label}: failed: {self._failure(stage, reason)}")

    def warning(self, stage: PlannedStage, text: str) -> None:
        """See Observer."""
        self._above("yellow", f"{stage.label}: {text}")

    def _above(self, style: str, text: str) -> None:
        self._console.print(text, style=style, markup=False, highlight=False)

    def __rich__(self) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if self._console.width < _NARROW:
            return self._narrow()
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=44)
        table.add_column(width=_BAR)
        table.add_column(no_wrap=True, overflow="ellipsis")
        for row in self._shown():
            bar: RenderableType = Text("")
            if row.progress is not None:
                bar = ProgressBar(total=max(1, row.progress.total), completed=row.progress.done, width=_BAR)
            table.add_row(Text(row.label), bar, Text(row.told()))
        if (more := len(self.running) - _ROWS) > 0:
            table.add_row(Text(f"and {more} more running", style="dim"))
        table.add_row(
            Text(f"{self.num_ended} of {self.total} stages", style="bold"),
            ProgressBar(total=max(1, self.total), completed=self.num_ended, width=_BAR),
            Text(self._counts()),
        )
        return table

    def _narrow(self) -> "RenderableType":
        """Without bars, and what is said of a stage below its label: nothing is cut."""
        from rich.text import Text

        lines = [line for row in self._shown() for line in (row.label, f"  {row.told()}")]
        if (more := len(self.running) - _ROWS) > 0:
            lines.append(f"and {more} more running")
        return Text("\n".join([*lines, f"{self.num_ended} of {self.total} stages  {self._counts()}"]))

    def _shown(self) -> list[_Running]:
        return list(self.running.values())[:_ROWS]

    def _counts(self) -> str:
        parts = [_clock(time.monotonic() - self.began), f"{self.num_committed} computed", f"{self.num_cached} cached"]
        if self.num_failed or self.num_blocked:
            parts.append(f"{self.num_failed} failed, {self.num_blocked} blocked")
        left = self._left.seconds
        if left and self.total > self.num_ended:  # stages differ, so this is a guess, and says so
            parts.insert(1, f"about {_clock(left)} left")
        return "  ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
