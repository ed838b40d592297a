"""A store, a state directory and a ledger of executions for tests that run real worker processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polyglot.attempts.attempts import Attempts
from polyglot.core.stage import PlannedStage
from polyglot.engine.engine import run
from polyglot.engine.observer import Observer
from polyglot.engine.outcomes import Limits
from polyglot.engine.summary import Summary
from polyglot.schedulers.local.budget import Budget
from polyglot.schedulers.local.scheduler import LocalScheduler
from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from polyglot.store.store import Store
from tests.kit.graphs import JOBS, small_budget

AT_ONCE = {"POLYGLOT_TEST_STEP_SECONDS": "0"}  # for a stage of steps that goes on after what a test wanted to see
QUICK = Limits(max_attempts=3, backoff_seconds=0.05, progress_seconds=0.1)
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 3  # so many times slower may a machine be than the one on which tests' deadlines were chosen


class Recorder(Observer):
    """Keeps what it is told as (what, label, text) rows."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def started(self, stage: PlannedStage, attempt: int) -> None:
        self.told.append(("started", stage.label, str(attempt)))

    def progress(self, stage: PlannedStage, progress: Any) -> None:
        self.told.append(("progress", stage.label, f"{progress.done}/{progress.total}"))

    def retrying(self, stage: PlannedStage, reason: str, after_seconds: float) -> None:
        self.told.append(("retrying", stage.label, reason))

    def committed(self, stage: PlannedStage, seconds: float) -> None:
        self.told.append(("committed", stage.label, ""))

    def failed(self, stage: PlannedStage, reason: str) -> None:
        self.told.append(("failed", stage.label, reason))

    def blocked(self, stage: PlannedStage, needs: PlannedStage) -> None:
        self.told.append(("blocked", stage.label, needs.label))

    def warning(self, stage: PlannedStage, text: str) -> None:
        self.told.append(("warning", stage.label, text))

    def of(self, what: str) -> list[tuple[str, str]]:
        return [(label, text) for kind, label, text in self.told if kind == what]


@dataclass
class World:
    """Everything of one test below one directory."""

    root: Path
    warm: bool = False
    recorder: Recorder = field(default_factory=Recorder)

    @property
    def url(self) -> str:
        return f"file://{self.root}/store"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.jsonl"

    @property
    def store(self) -> Store:
        return open_store(self.url)

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, **JOBS, "POLYGLOT_TEST_LEDGER": str(self.ledger), **more}

    def scheduler(self, *, budget: Budget | None = None, **more: str) -> LocalScheduler:
        return LocalScheduler(
            self.state,
            budget=budget or small_budget(),
            warm=self.warm,
            environment=self.environment(**more),
            sample_seconds=0.05,
        )

    def run(
        self,
        stages: Sequence[PlannedStage],
        *,
        limits: Limits = QUICK,
        budget: Budget | None = None,
        recorder: Recorder | None = None,
        **more: str,
    ) -> Summary:
        """Run a plan in this process."""
        self.recorder = recorder or Recorder()
        with self.scheduler(budget=budget, **more) as scheduler:
            return run(stages, self.store, scheduler, observer=self.recorder, limits=limits)

    def drive(self, graph: str, *, store: str = "", patient: bool = False, **more: str) -> "subprocess.Popen[bytes]":
        """Run a named graph in a driver process of its own; `patient` waits for a store as long as a worker does."""
        arguments = [sys.executable, "-m", "tests.kit.graphs", store or self.url, str(self.state), graph]
        arguments += ["--patient"] if patient else []
        with (self.root / "driver.log").open("ab") as log:
            return subprocess.Popen(
                [*arguments, *(["--warm"] if self.warm else [])],
                cwd=ROOT,
                env=self.environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def executions(self) -> list[dict[str, Any]]:
        """What the jobs noted, in order of time."""
        if not self.ledger.exists():
            return []
        return [json.loads(line) for line in self.ledger.read_text().splitlines()]

    def results(self, stages: Sequence[PlannedStage]) -> dict[str, str | None]:
        """Result digests by label; None for what is not committed."""
        found = {planned.label: committed(self.store, planned.stage.kind, planned.key) for planned in stages}
        return {label: manifest.result if manifest else None for label, manifest in found.items()}

    def attempts(self, planned: PlannedStage) -> Attempts:
        return Attempts(self.store, planned.stage)

    def manifest_time(self, planned: PlannedStage) -> float:
        return (self.root / "store" / planned.stage.path / "manifest.json").stat().st_mtime

    def log(self, planned: PlannedStage, number: int = 1) -> str:
        (path,) = self.state.glob(f"logs/*/{planned.name}-r{number}.log")
        return path.read_text()


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition; fails when it does not come within that many seconds of a fast machine."""
    deadline = time.monotonic() + PATIENCE * seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def tell(pid: int, number: signal.Signals) -> None:
    """Send a signal and wait until it was taken: two that wait together are one, however busy the machine."""
    os.kill(pid, number)
    until(lambda: not _pending(pid) & 1 << (number - 1))
    time.sleep(0.2)  # from the system's handler to Python's, a few instructions on


def _pending(pid: int) -> int:
    """The signals that wait for a process or its first thread, a bit each; none once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    masks = [line.split()[1] for line in status.splitlines() if line.startswith(("SigPnd:", "ShdPnd:"))]
    return int(masks[0], 16) | int(masks[1], 16)


def alive(pid: int) -> bool:
    """True while a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def exit_code(process: "subprocess.Popen[bytes]", seconds: float) -> int:
    """Wait for a process to end within that many seconds of a fast machine."""
    return process.wait(PATIENCE * seconds)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Make sure that a driver is gone."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait(10)
