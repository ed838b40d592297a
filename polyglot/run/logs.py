"""The output of stages, from the chunks of log that workers archive in the store; a second late for running ones."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from polyglot.artifacts.attempts import Attempts
from polyglot.artifacts.committed import committed_many
from polyglot.artifacts.store import Store
from polyglot.core.errors import PolyglotError
from polyglot.core.stage import PlannedStage
from polyglot.run.backend import Attempt, Backend

_LOOK_SECONDS = 1.0
_LAST_SEQUENCE = 99_999_999  # of what the driver adds after a worker that was killed


def merged_logs(stages: Sequence[PlannedStage], store: Store, *, follow: bool = False) -> Iterator[str]:
    """Yield lines as `<label> | <line>`: stage by stage and attempt by attempt, then, with `follow`, as they come.

    Following ends when every stage is committed, failed or blocked.
    """
    tails = [_Tail(planned, store) for planned in stages]
    while True:
        # looked at before reading, so that nothing written before the end is missed
        over = not follow or _all_ended(stages, store)
        for tail in tails:
            yield from tail.new_lines()
        if over:
            for tail in tails:
                yield from tail.rest()
            return
        time.sleep(_LOOK_SECONDS)


def _all_ended(stages: Sequence[PlannedStage], store: Store) -> bool:
    """True when each is committed, failed for good, or behind one that failed. `stages` may be a part of a plan."""
    done = committed_many(store, [planned.stage for planned in stages])
    broken: set[str] = set()
    for planned in stages:
        if planned.key in done:
            continue
        if broken.isdisjoint(planned.stage.inputs.values()) and not Attempts(store, planned.stage).blocked():
            return False
        broken.add(planned.key)
    return True


def log_tail(attempts: Attempts, number: int, lines: int) -> list[str]:
    """Return the last lines of an attempt's output."""
    text = b"".join(attempts.log(number)).decode(errors="replace")
    return text.splitlines()[-lines:]


def archive_rest(attempts: Attempts, attempt: Attempt, backend: Backend) -> None:
    """Put what a killed worker wrote and could not archive any more; called once, when the attempt has ended.

    What is lost then (the node that has the rest may be, the store away) is a log's end, which fails nothing.
    """
    with contextlib.suppress(PolyglotError, OSError):
        archived = b"".join(attempts.log(attempt.number))
        written = b"".join(backend.logs(attempt, follow=False))
        if len(written) > len(archived) and written.startswith(archived):
            start = max(1, attempts.starts(attempt.number))
            attempts.append_log(attempt.number, start, _LAST_SEQUENCE, written[len(archived) :])


class _Tail:
    """What has been read of one stage's log."""

    def __init__(self, planned: PlannedStage, store: Store) -> None:
        self._label = planned.label
        self._attempts = Attempts(store, planned.stage)
        self._cursors: dict[int, str] = {}
        self._halves: dict[int, bytes] = {}  # of lines whose end is in the next chunk

    def new_lines(self) -> Iterator[str]:
        for number in self._attempts.numbers():
            for cursor, chunk in self._attempts.log_since(number, self._cursors.get(number, "")):
                self._cursors[number] = cursor
                *lines, self._halves[number] = (self._halves.get(number, b"") + chunk).split(b"\n")
                for line in lines:
                    yield self._line(line)

    def rest(self) -> Iterator[str]:
        for half in self._halves.values():
            if half:
                yield self._line(half)

    def _line(self, line: bytes) -> str:
        return f"{self._label} | {line.decode(errors='replace')}"
