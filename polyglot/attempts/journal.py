"""Records that survive a kill one by one, put in groups by one writer in the background.

`attempts/<n>/journal/<start>-<sequence>.jsonl`, of rank r > 0 below `attempts/<n>/ranks/<r>/`: a first line with the
count and SHA-256 of the rest and its `fit`, then a record a line. While a group is on its way to the store the next one
collects, so the cost a record falls as the load rises and nothing waits for a timer. A group that was damaged raises
Corrupt; no record is dropped in silence. Groups of another fit are not read: they were made for inputs that have been
made anew since, or for a result that was withdrawn.
"""

import json
import queue
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType

from polyglot.core.canonical import Json, canonical, sha256_bytes
from polyglot.core.errors import Corrupt, StoreError
from polyglot.core.stage import Stage
from polyglot.store.futures import concurrently
from polyglot.store.store import Store

_MAX_GROUP = 10_000  # records in one object
_READERS = 16


class StoredJournal:
    """The journal of one stage, written by one start of one attempt (`jobs.lib.context.Journal`).

    `close` (or leaving a `with` block) flushes; records that were appended and not flushed may be lost by a kill.
    """

    def __init__(
        self,
        store: Store,
        stage: Stage,
        attempt: int,
        start: int,
        *,
        rank: int = 0,
        fit: str = "",
        earlier: Sequence[tuple[Stage, str]] = (),
    ) -> None:
        """No request is made, and no thread started, before the first record. Each rank reads what it wrote itself.

        `earlier` are other stages whose records are read first, each with the fit that they have there.
        """
        self._store, self._fit = store, fit
        self._inside = f"ranks/{rank}/journal/" if rank else "journal/"
        self._prefix = f"{stage.path}/attempts/{attempt}/{self._inside}{start:04d}"
        self._sources = [(f"{one.path}/attempts/", of) for one, of in (*earlier, (stage, fit))]
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._appended = self._durable = self._sequence = 0
        self._error: BaseException | None = None
        self._writer: threading.Thread | None = None

    def append(self, record: Mapping[str, Json]) -> None:
        """Queue one record. Raises ValueError for what JSON cannot carry, and the writer's error if it failed."""
        line = canonical(record) + b"\n"
        with self._changed:
            self._raise_error()
            self._appended += 1
            self._queue.put(line)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
                self._writer.start()

    def flush(self) -> None:
        """Return when every record that was appended before is durable. Raises the writer's error."""
        with self._changed:
            wanted = self._appended
            self._changed.wait_for(lambda: self._durable >= wanted or self._error is not None)
            self._raise_error()

    def read(self) -> list[dict[str, Json]]:
        """Return the records of all attempts, ours included, in the order of writing. Raises Corrupt."""
        self.flush()
        paths = [
            (number, int(attempt), entry.path, fit)
            for number, (base, fit) in enumerate(self._sources)
            for attempt in self._store.folders(base)
            for entry in self._store.list(f"{base}{attempt}/{self._inside}")
        ]
        groups = concurrently(lambda item: self._group(item[2], item[3]), sorted(paths), _READERS)
        return [record for group in groups for record in group]

    def close(self) -> None:
        """Flush and end the writer. Harmless when repeated."""
        try:
            self.flush()
        finally:
            with self._changed:
                writer, self._writer = self._writer, None
            if writer is not None:
                self._queue.put(None)
                writer.join()

    def __enter__(self) -> "StoredJournal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _write(self) -> None:
        """The writer: takes whatever is queued, puts it as one object, and again."""
        while True:
            first = self._queue.get()
            if first is None:
                return
            lines, ended = [first], False
            while len(lines) < _MAX_GROUP and not self._queue.empty():
                line = self._queue.get()
                if line is None:
                    ended = True
                    break
                lines.append(line)
            try:
                self._put(lines)
            except BaseException as error:  # told to whoever appends or flushes next
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return
            with self._changed:
                self._durable += len(lines)
                self._changed.notify_all()
            if ended:
                return

    def _put(self, lines: list[bytes]) -> None:
        body = b"".join(lines)
        self._sequence += 1
        path = f"{self._prefix}-{self._sequence:08d}.jsonl"
        head = canonical({"records": len(lines), "sha256": sha256_bytes(body), "fit": self._fit}) + b"\n"
        if not self._store.create(path, head + body):
            raise StoreError(f"{self._store.url}: {path} was written by someone else with the same start number")

    def _group(self, path: str, fit: str) -> list[dict[str, Json]]:
        return _group(self._store, path, fit)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error


def all_records(store: Store, stage: Stage) -> list[dict[str, Json]]:
    """Every record of a stage, whatever attempt, rank and fit it is of, in the order of writing. Raises Corrupt.

    For what was spent: that holds also where no later start may go on with it.
    """
    base = f"{stage.path}/attempts/"
    paths = [entry.path for entry in store.list(base) if "/journal/" in entry.path]
    groups = concurrently(lambda path: _group(store, path, None), sorted(paths), _READERS)
    return [record for group in groups for record in group]


def _group(store: Store, path: str, fit: str | None) -> list[dict[str, Json]]:
    """The records of one object; none when it is of another fit than the wanted one."""
    head, _, body = store.read(path).partition(b"\n")
    try:
        expected = json.loads(head)
        intact = expected["sha256"] == sha256_bytes(body) and expected["records"] == body.count(b"\n")
        if fit is not None and expected["fit"] != fit:
            return []
        if intact:
            return [json.loads(line) for line in body.splitlines()]
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"{store.url}: {path}: cannot be read; its bytes were damaged") from error
    raise Corrupt(f"{store.url}: {path}: the checksum does not fit; its bytes were damaged")
