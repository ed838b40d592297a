"""The view of a running study: lines when nobody looks at a terminal, a table when somebody does."""

import contextlib
import io
import os
import pty
import time

import pytest

from polyglot.attempts.progress import Progress
from polyglot.cli.live import LiveTable, PlainLines, live_observer
from polyglot.engine.survey import Observation, StageState
from tests.kit.graphs import chain, stage


def told(observer: PlainLines | LiveTable) -> None:
    """A short life of a plan of four."""
    one, two, three, four = [*chain(3), stage("noop", "four")]
    observer.cached([four])
    observer.started(one, 1)
    observer.committed(one, 1.25)
    observer.started(two, 2)
    observer.retrying(two, "exit code 1", 4)
    observer.started(two, 3)
    observer.progress(two, Progress(done=3, total=10, unit="steps", figures={"loss": 2.3111}))
    observer.failed(two, "[red]no[/red] memory")
    observer.blocked(three, two)


def read_to_end(master: int) -> bytes:
    """Everything that a closed terminal showed: the kernel hands it over piece by piece, then says EIO."""
    shown = b""
    with os.fdopen(master, "rb", buffering=0) as file, contextlib.suppress(OSError):
        while piece := file.read(1 << 16):
            shown += piece
    return shown


def stages() -> list:  # type: ignore[type-arg]
    return [*chain(3), stage("noop", "four")]


class TestLines:
    def test_every_piece_of_news_is_a_line(self) -> None:
        out = io.StringIO()
        told(PlainLines(stages(), out))
        assert out.getvalue().splitlines() == [
            "1 of 4 stages are committed already",
            "noop link0: started",
            "noop link0: committed after 1.2 s (2 of 4)",
            "noop link1: started, attempt 2",
            "noop link1: exit code 1; next attempt in 4 s",
            "noop link1: started, attempt 3",
            "noop link1: FAILED: [red]no[/red] memory",
            "noop link2: blocked, it needs noop link1",
        ]

    def test_progress_is_told_now_and_then(self, monkeypatch: pytest.MonkeyPatch) -> None:
        out = io.StringIO()
        observer = PlainLines(stages(), out)
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        one = stages()[0]
        observer.started(one, 1)
        for done in range(1, 60):
            now += 1.0
            observer.progress(one, Progress(done=done, total=60, unit="steps"))
        lines = [line for line in out.getvalue().splitlines() if "of 60 steps" in line]
        assert len(lines) == 5
        assert lines[0] == "noop link0: 10 of 60 steps"

    def test_a_stream_that_is_no_terminal_gets_lines(self) -> None:
        with live_observer(stages(), io.StringIO()) as observer:
            assert isinstance(observer, PlainLines)


class TestTable:
    def test_a_terminal_gets_a_table_and_what_matters_stays_above_it(self) -> None:
        master, slave = pty.openpty()
        with os.fdopen(slave, "w") as terminal, live_observer(stages(), terminal) as observer:
            assert isinstance(observer, LiveTable)
            told(observer)
        shown = read_to_end(master).decode()
        assert "noop link1: failed: [red]no[/red] memory" in shown
        assert "exit code 1; next attempt in 4 s" in shown

    def test_rows_show_progress_and_time_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=140)
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        table = LiveTable(stages(), console)
        one, two = stages()[:2]
        table.started(one, 2)
        table.progress(one, Progress(done=10, total=100, unit="steps", figures={"loss": 2.3111}))
        now += 10
        table.progress(one, Progress(done=20, total=100, unit="steps", figures={"loss": 2.2}))
        table.started(two, 1)
        table.committed(two, 3)
        with console.capture() as shown:
            console.print(table)
        text = shown.get()
        assert "noop link0 (attempt 2)" in text
        assert "20 of 100 steps, loss 2.2  1:20 left" in text  # 80 steps at one a second
        assert "1 of 4 stages" in text
        assert "1 computed  0 cached" in text


class TestObserving:
    def test_a_survey_is_told_like_news_and_only_what_changed(self) -> None:
        out = io.StringIO()
        observer = PlainLines(stages(), out)
        one, two, three, four = stages()

        def seen(*states: StageState) -> dict[str, Observation]:
            return {
                planned.key: Observation(state=state, detail="why", attempts=1)
                for planned, state in zip((one, two, three, four), states, strict=True)
            }

        waiting, running, committed = StageState.WAITING, StageState.RUNNING, StageState.COMMITTED
        observer.observe(seen(running, waiting, waiting, committed))
        observer.observe(seen(running, waiting, waiting, committed))
        observer.observe(seen(committed, running, waiting, committed))
        observer.observe(seen(committed, StageState.INTERRUPTED, waiting, committed))
        observer.observe(seen(committed, StageState.FAILED, StageState.BLOCKED, committed))
        lines = out.getvalue().splitlines()
        assert lines[:2] == ["1 of 4 stages are committed already", "noop link0: started"]
        assert lines[2].startswith("noop link0: committed after ")
        assert lines[3:] == [
            "noop link1: started",
            "noop link1: warning: why",
            "noop link1: FAILED: why",
            "noop link2: blocked, it needs noop link1",
        ]
        assert observer.num_ended == 4
