"""What a running attempt tells the world: its progress and its log, uploaded from a thread in the background.

The job never waits for it, and nothing that goes wrong here fails a job: the result is what counts.
"""

import logging
import threading
import time
from pathlib import Path

from jobs.worker.log_mark import LogMark
from polyglot.attempts.attempts import LOG_CHUNK_BYTES, Attempts
from polyglot.attempts.progress import Progress
from polyglot.core.errors import PolyglotError

_TICK_SECONDS = 0.5


class Reporter:
    """Uploads at most every `every_seconds`; `close` uploads the rest.

    With a `mark_file` the log is this start's alone, and the file tells at any moment how much of it is uploaded.
    """

    def __init__(
        self,
        attempts: Attempts,
        number: int,
        start: int,
        *,
        log_file: Path | None,
        mark_file: Path | None = None,
        log: logging.Logger,
        every_seconds: float,
    ) -> None:
        self._attempts, self._number, self._start = attempts, number, start
        self._log, self._log_file, self._mark_file, self._every_seconds = log, log_file, mark_file, every_seconds
        continued = start > 1 and log_file is not None and mark_file is None
        self._offset = _archived_bytes(attempts, number, log_file) if continued else 0
        self._sequence = 0
        self._latest: Progress | None = None
        self._told: Progress | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="reporter", daemon=True)

    def start(self) -> None:
        """Begin to upload."""
        self._mark()
        self._thread.start()

    def progress(self, progress: Progress) -> None:
        """Remember the newest progress; it is uploaded when its time has come."""
        self._latest = progress

    def close(self) -> None:
        """Upload what is left and end the thread. Nothing that is written to the log later is uploaded."""
        self._closing.set()
        self._thread.join()
        self._tell(final=True)

    def _work(self) -> None:
        last = time.monotonic()
        while not self._closing.wait(_TICK_SECONDS):
            if time.monotonic() - last >= self._every_seconds:
                self._tell(final=False)
                last = time.monotonic()

    def _tell(self, *, final: bool) -> None:
        try:
            progress = self._latest
            if progress is not None and progress != self._told:
                self._attempts.report_progress(self._number, self._start, progress)
                self._told = progress
            while self._log_file is not None and (data := self._unsent(final=final)):
                self._attempts.append_log(self._number, self._start, self._sequence, data)
                self._sequence += 1
                self._offset += len(data)
                self._mark()
        except (PolyglotError, OSError) as error:
            self._log.warning("progress and log could not be uploaded: %s", error)

    def _mark(self) -> None:
        if self._mark_file is not None:
            LogMark(start=self._start, sequence=self._sequence, offset=self._offset).write(self._mark_file)

    def _unsent(self, *, final: bool) -> bytes:
        """The next piece of the log, of whole lines unless it is the last."""
        assert self._log_file is not None  # noqa: S101
        with self._log_file.open("rb") as file:
            file.seek(self._offset)
            data = file.read(LOG_CHUNK_BYTES)
        if final or len(data) == LOG_CHUNK_BYTES:
            return data
        return data[: data.rfind(b"\n") + 1]


def _archived_bytes(attempts: Attempts, number: int, log_file: Path | None) -> int:
    """How much of the log file earlier starts have uploaded; what a killed one could not, this one does."""
    written = log_file.stat().st_size if log_file is not None and log_file.exists() else 0
    try:
        archived = sum(len(chunk) for chunk in attempts.log(number))
    except PolyglotError:
        return written
    return archived if archived <= written else written  # more than there is: they ran on another machine
