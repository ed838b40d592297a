"""The context that a real worker gives to a job: artifacts from the store, progress to it, stop signs heard."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from jobs.lib.context import Context
from jobs.worker import secrecy
from jobs.worker.process import StopSign
from jobs.worker.reporter import Reporter
from polyglot.attempts.attempts import Attempts
from polyglot.attempts.progress import Progress
from polyglot.attempts.traces import Trace
from polyglot.store.artifact import BlobCache


@dataclass(kw_only=True)
class WorkerContext(Context):
    """See Context. A rank that does not speak for the attempt has no reporter."""

    cache: BlobCache
    reporter: Reporter | None
    stop: StopSign
    end: Callable[[Exception], NoReturn]  # of this process, from any thread
    attempts: Attempts
    number: int
    start: int
    latest: Progress = field(default=Progress(done=0, total=0, unit=""), init=False)

    def blob(self, sha256: str) -> Path:
        """Local, verified path of a blob of the store that the parameters name. Raises Missing."""
        return self.cache.blob(sha256)

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        """Say how far the job is; uploaded now and then."""
        self._report(Progress(done=done, total=total, unit=unit, figures=dict(figures), remark=self.latest.remark))

    def leave(self, trace: Trace, name: str, data: bytes) -> None:
        """Put bytes beside this start's log, under a name that is new; no part of the result. Raises StoreError."""
        self.attempts.leave(self.number, self.start, trace, name, data)

    def remark(self, text: str) -> None:
        """Say beside the progress what the job waits for, here and in the log."""
        super().remark(text)
        self._report(replace(self.latest, remark=text, time=datetime.now(UTC)))

    def _report(self, progress: Progress) -> None:
        self.latest = progress
        if self.reporter is not None:
            self.reporter.progress(progress)

    def give_up(self, error: Exception) -> NoReturn:
        """Record the error and end the process at once."""
        self.end(error)

    def stopping(self) -> bool:
        """True once the attempt was asked to stop, or its deadline has passed."""
        return bool(self.stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Directories and files of one attempt on this machine."""

    work: Path
    cache: Path
    log: Path | None
    log_mark: Path | None = None
    reason: Path | None = None

    def say_why(self, text: str) -> None:
        """Leave the reason of an end where the container looks for it."""
        if self.reason is not None:
            secrecy.say(self.reason, text)

    def make(self) -> Mapping[str, Path]:
        """Create the work directory's parts: `out` for the result, `scratch` for everything else."""
        parts = {"out": self.work / "out", "scratch": self.work / "scratch"}
        for path in parts.values():
            path.mkdir(parents=True, exist_ok=True)
        return parts
