"""The records of a stage's attempts: who started, how far it came, why it failed. Never an input of anything.

    stages/<kind>/<key>/attempts/<n>/starts/<m>.json          a worker started (conditional put)
                                    stopped/<m>.json          that start was asked to stop and did
                                    progress/<…>.json         how far it is
                                    log/<start>-<sequence>    its output, in chunks
                                    checkpoints/…  journal/…  see those modules
                                    notes/<…>.json            what it waited for before it could start
                                    disruptions/<…>.json      what took its worker away, while the attempt went on
                                    steps/…  tensorboard/…    what it did step by step: see traces
                                    given.json                what it has instead of what was planned
                                    failure.json              how the attempt ended; the first record stays
                                    retry.json                a person allowed this attempt after a permanent failure
                                    ranks/<r>/starts/…  log/…  the same of rank r > 0: its own starts, its own output

Every record is an immutable object, so drivers and workers on several machines need no lock; what holds is computed
from what is there.
"""

import re
import uuid
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from polyglot.attempts.disruptions import put_disruption
from polyglot.attempts.progress import Progress, newest_progress, put_progress
from polyglot.attempts.traces import Trace
from polyglot.core.canonical import Json
from polyglot.core.errors import Missing, StoreError
from polyglot.core.stage import Stage
from polyglot.store.manifest import seal, unseal
from polyglot.store.store import Store

LOG_CHUNK_BYTES = 1 << 18
PERMANENT = "permanent"  # the outcome that blocks a stage
OVER_BUDGET = "over-budget"  # the outcome that says nothing against the stage


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How an attempt ended: an Outcome of `schedulers.base` in words, the reason in one line, and the rest.

    `had` is how much it was given of what it ran out of: bytes, or what its GPU held at once in the setting's unit.
    `findings` are lines, where what is wrong is more than one thing.
    """

    outcome: str
    reason: str
    detail: str = ""
    peak_memory_bytes: int | None = None
    had: int | None = None
    findings: tuple[str, ...] = ()
    time: datetime = field(default_factory=_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What an attempt waited for, and when that was noticed."""

    text: str
    time: datetime


class Attempts:
    """What is written about the attempts of one stage, and what is read of it while they run; see History for the rest.

    With several ranks the first speaks for the attempt; the starts and the output of another are its own.
    """

    def __init__(self, store: Store, stage: Stage | str, *, rank: int = 0) -> None:
        """No request is made. `stage` may be the path of one: `stages/<kind>/<key>`."""
        self._store, self._base = store, attempts_path(stage)
        self.rank, self._inside = rank, f"ranks/{rank}/" if rank else ""
        self._sequences: dict[tuple[int, int], int] = {}

    def numbers(self) -> list[int]:
        """Return the numbers of all attempts that left a record, in order."""
        return sorted(int(name) for name in self._store.folders(self._base) if name.isdecimal())

    def ranks(self, n: int) -> list[int]:
        """Return the ranks of attempt n, from 0: the first, and every other one that left a record."""
        return [0, *sorted(int(name) for name in self._store.folders(f"{self._base}{n}/ranks/") if name.isdecimal())]

    def of_rank(self, rank: int) -> "Attempts":
        """The same attempts as another rank keeps them."""
        return Attempts(self._store, self._base.removesuffix("/attempts/"), rank=rank)

    def next_number(self) -> int:
        """Return the number of the attempt to run: the newest while it has not failed (resume it), else one more."""
        numbers = self.numbers()
        if not numbers:
            return 1
        return numbers[-1] if self.failure(numbers[-1]) is None else numbers[-1] + 1

    def record_start(self, n: int, who: Mapping[str, Json]) -> int:
        """Record that a worker starts on attempt n and return the number of this start, from 1; nobody else gets it."""
        record = {"who": dict(who), "time": _now().isoformat(), "nonce": uuid.uuid4().hex}
        free = self.starts(n) + 1
        for number in range(free, free + 1000):
            if self._store.create(f"{self._own(n)}starts/{number}.json", seal({**record, "start": number})):
                return number
        raise StoreError(f"{self._store.url}: {self._base}{n}: 1000 starts came first")

    def starts(self, n: int) -> int:
        """Return how many workers have started on attempt n."""
        return len(self._starts(n))

    def stop(self, n: int, start: int) -> None:
        """Record that a start of attempt n ended because it was asked to: nothing that speaks against the stage."""
        self._store.create(f"{self._own(n)}stopped/{start}.json", seal({"start": start, "time": _now().isoformat()}))

    def note(self, n: int, text: str) -> None:
        """Record what attempt n waits for, as the place where it should run tells it; "" when it goes on again."""
        now = _now()
        path = f"{self._base}{n}/notes/{now:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.json"
        self._store.create(path, seal({"text": text, "time": now.isoformat()}))

    def disrupt(self, n: int, name: str, text: str) -> bool:
        """Record what took the worker of attempt n away while the attempt goes on; False when it is known already."""
        return put_disruption(self._store, f"{self._base}{n}/", name, text, start=self.starts(n))

    def give(self, n: int, text: str) -> None:
        """Record what attempt n is given in place of what was planned, in words. The first record stays."""
        self._store.create(f"{self._base}{n}/given.json", seal({"text": text, "time": _now().isoformat()}))

    def fail(self, n: int, failure: Failure) -> None:
        """Record how attempt n ended. The first record stays; a later one is dropped."""
        self._store.create(
            f"{self._base}{n}/failure.json",
            seal(
                {
                    "outcome": failure.outcome,
                    "reason": failure.reason,
                    "detail": failure.detail,
                    "peak_memory_bytes": failure.peak_memory_bytes,
                    "had": failure.had,
                    **({"findings": list(failure.findings)} if failure.findings else {}),
                    "time": failure.time.isoformat(),
                }
            ),
        )

    def failure(self, n: int) -> Failure | None:
        """Return how attempt n failed, or None. Raises Corrupt for a damaged record."""
        return read_failure(self._store, f"{self._base}{n}/failure.json")

    def blocked(self) -> Failure | None:
        """Return the failure that forbids further attempts: the newest attempt's, when it is permanent."""
        numbers = self.numbers()
        failure = self.failure(numbers[-1]) if numbers else None
        return failure if failure and failure.outcome == PERMANENT else None

    def allow_retry(self, reason: str) -> int:
        """Allow one attempt more and return its number; a stage whose newest attempt is open needs no leave."""
        numbers, number = self.numbers(), self.next_number()
        if not numbers or number > numbers[-1]:
            record = {"reason": reason, "time": _now().isoformat(), "nonce": uuid.uuid4().hex}
            self._store.create(f"{self._base}{number}/retry.json", seal(record))
        return number

    def append_log(self, n: int, start: int, sequence: int, data: bytes) -> None:
        """Put one chunk of a worker's output. Raises StoreError when this place holds other bytes."""
        path = f"{self._own(n)}log/{start:04d}-{sequence:08d}"
        if not self._store.create(path, data) and self._store.read(path) != data:
            raise StoreError(f"{self._store.url}: {path} was written by someone else")

    def append_log_rest(self, n: int, start: int, sequence: int, data: bytes) -> int:
        """Put what a dead worker did not, from a sequence number on, and return the next free number.

        A chunk that the worker did put and could not tell is recognised. Start 0 stands for workers that recorded
        none: there may be several, so each goes behind the others.
        """
        while data:
            chunk, path = data[:LOG_CHUNK_BYTES], f"{self._own(n)}log/{start:04d}-{sequence:08d}"
            sequence += 1
            if not self._store.create(path, chunk):
                chunk = self._store.read(path)
                if start == 0 or not data.startswith(chunk):
                    continue
            data = data[len(chunk) :]
        return sequence

    def log(self, n: int, start: int | None = None) -> Iterator[bytes]:
        """Yield the output of attempt n so far, over all of its starts in order, or of one start."""
        prefix = "" if start is None else f"{start:04d}-"
        for entry in self._store.list(f"{self._own(n)}log/"):
            if entry.path.rpartition("/")[2].startswith(prefix):
                yield self._store.read(entry.path)

    def log_since(self, n: int, seen: Container[str]) -> Iterator[tuple[str, bytes]]:
        """Yield (path, chunk) for the chunks that are not in `seen`, which holds paths: to follow a log.

        The last chunk of a start may come when the next start has put some already: `log_start` says whose it is.
        """
        for entry in self._store.list(f"{self._own(n)}log/"):
            if entry.path not in seen:
                yield entry.path, self._store.read(entry.path)

    def leave(self, n: int, start: int, trace: Trace, name: str, data: bytes) -> None:
        """Put an object of a start's steps. Raises StoreError, also when this place holds other bytes."""
        path = f"{self._base}{n}/{trace}/{start:04d}-{name}"
        if not self._store.create(path, data) and self._store.read(path) != data:
            raise StoreError(f"{self._store.url}: {path} was written by someone else")

    def report_progress(self, n: int, start: int, progress: Progress) -> None:
        """Record how far a worker is. Each call is one object: callers report every few seconds, not every step."""
        self._sequences[n, start] = put_progress(
            self._store, f"{self._base}{n}/", start, self._sequences.get((n, start)), progress
        )

    def progress(self) -> Progress | None:
        """Return the newest report of the newest attempt that has one."""
        for n in reversed(self.numbers()):
            if found := newest_progress(self._store, f"{self._base}{n}/"):
                return found
        return None

    def _own(self, n: int) -> str:
        """Where this rank's own records of attempt n lie."""
        return f"{self._base}{n}/{self._inside}"

    def _starts(self, n: int) -> list[int]:
        return self._numbered(n, "starts")

    def _numbered(self, n: int, what: str) -> list[int]:
        prefix = f"{self._own(n)}{what}/"
        names = (entry.path.removeprefix(prefix).removesuffix(".json") for entry in self._store.list(prefix))
        return sorted(int(name) for name in names if name.isdecimal())


# A worker's output has this line where it has recorded its start: it tells whoever archives the output whose it is.
_START_LINE = re.compile(rb"polyglot\.worker: .*: attempt (\d+), start (\d+)(?:, rank \d+ of \d+)?$", re.MULTILINE)


def start_line(number: int, start: int, *, rank: int = 0, ranks: int = 1) -> str:
    """What a worker says when its start is recorded, behind the stage's label."""
    return f"attempt {number}, start {start}" + (f", rank {rank} of {ranks}" if ranks > 1 else "")


def starts_in(output: bytes, number: int) -> list[int]:
    """The starts of an attempt whose output this is, in order: `start_line` read back."""
    return [int(found[2]) for found in _START_LINE.finditer(output) if int(found[1]) == number]


def log_start(path: str) -> int:
    """Return which start wrote a chunk of log; 0 for workers that recorded none."""
    return int(path.rpartition("/")[2].partition("-")[0])


def read_failure(store: Store, path: str) -> Failure | None:
    """The record at a path, or None."""
    try:
        record = unseal(store.read(path), where=f"{store.url}: {path}")
    except Missing:
        return None
    return Failure(
        outcome=record["outcome"],
        reason=record["reason"],
        detail=record["detail"],
        peak_memory_bytes=record["peak_memory_bytes"],
        had=record.get("had"),  # older records have none
        findings=tuple(record.get("findings", ())),
        time=datetime.fromisoformat(record["time"]),
    )


def read_note(store: Store, path: str) -> Note | None:
    """The record at a path; None for one that says that an attempt waits for nothing any more."""
    record = unseal(store.read(path), where=f"{store.url}: {path}")
    return Note(text=record["text"], time=datetime.fromisoformat(record["time"])) if record["text"] else None


def attempts_path(stage: Stage | str) -> str:
    """Where the attempts of a stage lie; it may be given by its own path."""
    return f"{stage if isinstance(stage, str) else stage.path}/attempts/"
