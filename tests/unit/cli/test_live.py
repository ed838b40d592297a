"""The view of a running study: lines when nobody looks at a terminal, a table when somebody does."""

import contextlib
import io
import os
import pty
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from rich.console import Console

from polyglot.attempts.progress import Progress
from polyglot.cli.live import LiveTable, PlainLines, live_observer
from polyglot.cli.output import table_lines
from polyglot.cli.time_left import TimeLeft
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


class TestWhatIsToldBeforeAWorkerRuns:
    def test_what_a_stage_waits_for_is_shown_until_its_worker_runs(self) -> None:
        out = io.StringIO()
        lines = PlainLines(stages(), out)
        one = stages()[0]
        lines.starting(one, 1, "starts once torch and transformers are loaded")
        lines.started(one, 1)
        assert out.getvalue().splitlines() == [
            "noop link0: starts once torch and transformers are loaded",
            "noop link0: started",
        ]
        shown = table_text(width=100, tell=lambda table: table.starting(one, 1, "starts once torch is loaded"))
        assert "noop link0" in shown
        assert "0:00  starts once torch is loaded" in shown

    def test_what_a_check_found_is_left_to_the_end(self) -> None:
        check, costly = stage("noop", "check"), replace(stage("noop", "costly"), after=(stage("noop", "check").key,))
        out = io.StringIO()
        lines = PlainLines([check, costly], out)
        lines.failed(check, "2 problems: one thing\nanother thing")
        lines.failed(costly, "no memory")
        assert out.getvalue().splitlines() == [
            "noop check: FAILED: what it found is told at the end",
            "noop costly: FAILED: no memory",
        ]


class TestTimeLeft:
    def test_it_falls_with_the_clock_while_one_stage_runs(self, clock: "Clock") -> None:
        one, two, three = chain(3)
        left = TimeLeft({planned.key: 10.0 for planned in (one, two, three)})
        clock.now += 10
        left.done(one, 10.0, [two, three])
        shown = []
        for _ in range(30):
            shown.append(left.seconds)
            clock.now += 1
        assert shown[0] == pytest.approx(20.0)
        assert shown == [pytest.approx(max(0.0, 20.0 - second)) for second in range(30)]

    def test_stages_that_take_longer_than_thought_raise_it_once_and_not_by_the_second(self, clock: "Clock") -> None:
        plan = chain(5)
        left = TimeLeft({planned.key: 10.0 for planned in plan})
        clock.now += 11
        left.done(plan[0], 11.0, plan[1:])
        first = left.seconds
        assert first is not None
        assert first == pytest.approx(4 * 10 * (11 + 5) / (10 + 5))
        clock.now += 12
        left.done(plan[1], 12.0, plan[2:])
        assert left.seconds == pytest.approx(min(first - 12, 3 * 10 * (23 + 5) / (20 + 5)))
        clock.now += 100
        left.done(plan[2], 100.0, plan[3:])
        assert left.seconds == pytest.approx(2 * 10 * (123 + 5) / (30 + 5))

    def test_stages_side_by_side_are_counted_so(self, clock: "Clock") -> None:
        plan = chain(6)
        left = TimeLeft({planned.key: 10.0 for planned in plan})
        clock.now += 10
        left.done(plan[0], 10.0, plan[1:])
        left.done(plan[1], 10.0, plan[2:])
        assert left.seconds == pytest.approx(4 * 10 / 2)

    def test_nothing_is_said_of_what_nothing_is_known_of(self, clock: "Clock") -> None:
        plan = [*chain(2), stage("steps", "other")]
        left = TimeLeft({})
        clock.now += 3
        left.done(plan[0], 3.0, plan[1:])
        assert left.seconds is None
        left.done(plan[2], 3.0, plan[1:2])
        assert left.seconds == pytest.approx(3.0 / 2)

    def test_a_stage_s_own_falls_between_two_reports(self, clock: "Clock") -> None:
        one = stages()[0]
        table = LiveTable(stages(), Console(file=io.StringIO(), width=140))
        table.started(one, 1)
        table.progress(one, Progress(done=10, total=100, unit="steps"))
        clock.now += 10
        table.progress(one, Progress(done=20, total=100, unit="steps"))
        row = table.running[one.key]
        shown = []
        for _ in range(40):
            shown.append(row.seconds_left())
            clock.now += 1
        assert shown == [pytest.approx(80.0 - second) for second in range(40)]


class TestNarrowTerminals:
    @pytest.mark.parametrize("width", [60, 70, 80])
    def test_the_counts_of_a_run_are_whole(self, width: int) -> None:
        def tell(table: LiveTable) -> None:
            table.started(stage("noop", "train tiny/house/ENDEFRITES-sampled/s0"), 1)
            table.committed(stages()[0], 3)

        shown = table_text(width=width, tell=tell)
        text = " ".join(shown.split())
        assert "noop train tiny/house/ENDEFRITES-sampled/s0 0:00" in text
        assert "1 of 4 stages" in text
        assert "1 computed 0 cached" in text
        assert max(map(len, shown.splitlines())) <= width

    @pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
    def test_no_cell_of_a_table_is_broken_or_lost(self, width: int) -> None:
        header = ("stage", "name", "state", "detail")
        rows = [
            ("train tiny/house/DEFRITES/s0", "train-defrites-08ed4305920e", "committed", "took 60.3 s"),
            ("judge tiny/untuned", "judge-49a921392459", "failed", "the endpoint does not answer " * 4),
            ("report", "report-432c51a7a220", "waiting", ""),
        ]
        lines = [line.plain for line in table_lines(header, rows, width)]
        text = "\n".join(lines)
        assert max(len(line) for line in text.splitlines()) <= width
        for row in rows:
            for cell in row[:3]:
                assert cell in text
            assert " ".join(text.split()).count("the endpoint does not answer") == 4
        assert (len(lines) == 4) == (width >= 100), "a row is a line where there is room"


@dataclass
class Clock:
    now: float = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    return made


def table_text(*, width: int, tell: Callable[[LiveTable], None]) -> str:
    console = Console(file=io.StringIO(), width=width)
    table = LiveTable(stages(), console)
    tell(table)
    with console.capture() as shown:
        console.print(table)
    return shown.get()


def test_what_a_passed_check_remarks_is_told_when_it_is_committed() -> None:
    out = io.StringIO()
    check, other = stages()[:2]
    with live_observer(stages(), out, remarks=lambda planned: ["3 rows are left out"] * (planned == check)) as observer:
        observer.committed(check, 1.0)
        observer.committed(other, 1.0)
    assert out.getvalue().splitlines() == [
        "noop link0: committed after 1.0 s (1 of 4)",
        "noop link0: remark: 3 rows are left out",
        "noop link1: committed after 1.0 s (2 of 4)",
    ]
