"""Downloads from S3: concurrent ranged reads straight into a file, verified while they arrive.

A range that breaks off goes on where it stopped. A chunk whose SHA-256 is wrong is fetched once more, then it is
Corrupt: damage on the way heals, damage in the store does not pass.
"""

import os
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from polyglot.core.errors import Corrupt, Refused
from polyglot.store.futures import gather
from polyglot.store.retrying import Effort
from polyglot.store.s3_bucket import S3Bucket
from polyglot.store.s3_errors import http_status
from polyglot.store.store import CHUNK_BYTES
from polyglot.store.verify import sha256_range

RANGE_BYTES = 16 * 2**20  # divides CHUNK_BYTES
_READ_BYTES = 2**20


def download(store: S3Bucket, path: str, target: Path, chunks: Sequence[str] = ()) -> None:
    """Write an object to `target`, which appears complete or not at all. Raises Missing, Corrupt."""
    beside = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
    try:
        with beside.open("xb+") as file:
            _Download(store, path, file.fileno(), beside, chunks).run()
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


class _Download:
    """One object on its way into one file."""

    def __init__(self, store: S3Bucket, path: str, descriptor: int, file: Path, chunks: Sequence[str]) -> None:
        self._store, self._path, self._descriptor, self._file = store, path, descriptor, file
        self._chunks = chunks
        self._missing_ranges = [CHUNK_BYTES // RANGE_BYTES] * len(chunks)
        self._size: Future[int] = Future()
        self._lock = threading.Lock()

    def run(self) -> None:
        """The head of the first range's reply tells the size; the others set out as soon as it is known."""
        pool = self._store.pool
        first = pool.submit(self._fetch_and_check, 0)
        either: list[Future[Any]] = [first, self._size]
        wait(either, return_when=FIRST_COMPLETED)
        if not self._size.done():
            first.result()  # raises what kept the first range from its first byte
        ranges = range(RANGE_BYTES, self._size.result(), RANGE_BYTES)
        gather([first, *(pool.submit(self._fetch_and_check, start) for start in ranges)])

    def _fetch_and_check(self, start: int) -> None:
        self._fetch(start)
        self._arrived(start)

    def _begin(self, size: int) -> None:
        """What the size decides; called once, before the first byte is written."""
        if self._chunks and -(-size // CHUNK_BYTES) != len(self._chunks):
            raise Corrupt(f"{self._store.url}: {self._path} has {size} bytes, which is not what was recorded")
        if self._chunks and (left := -(-(size % CHUNK_BYTES) // RANGE_BYTES)):
            self._missing_ranges[-1] = left
        os.ftruncate(self._descriptor, size)
        self._size.set_result(size)

    def _fetch(self, start: int) -> None:
        """Fetch [start, start + RANGE_BYTES)."""
        effort = Effort(self._store.retrier, f"get {self._path}")
        position, end = start, start + RANGE_BYTES
        while True:
            try:
                reply = self._store.client.get_object(
                    Bucket=self._store.bucket, Key=self._store.key(self._path), Range=f"bytes={position}-{end - 1}"
                )
                self._store.retrier.note_answer()
                size = self._total(reply.get("ContentRange", ""), reply["ContentLength"], position)
                if start == 0 and not self._size.done():
                    self._begin(size)
                end = min(end, size)
                with closing(reply["Body"]) as body:
                    while position < end and (data := body.read(min(_READ_BYTES, end - position))):
                        os.pwrite(self._descriptor, data, position)
                        position += len(data)
                        effort.progressed()
                if position < end:
                    raise ConnectionError("the body ended early")
            except Exception as error:
                if start == 0 and position == 0 and _is_empty(error):
                    self._begin(0)
                    return
                effort.failed(error)
            else:
                return

    def _arrived(self, start: int) -> None:
        """Check a chunk once its last range is here; the bytes are still in memory (page cache) then."""
        if not self._chunks:
            return  # the caller verifies the whole
        number = start // CHUNK_BYTES
        with self._lock:
            self._missing_ranges[number] -= 1
            if self._missing_ranges[number]:
                return
        if self._digest(number) == self._chunks[number]:
            return
        for again in range(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES, RANGE_BYTES):
            if again < os.fstat(self._descriptor).st_size:
                self._fetch(again)
        if self._digest(number) != self._chunks[number]:
            raise Corrupt(
                f"{self._store.url}: {self._path}: bytes from {number * CHUNK_BYTES} on are not what was recorded"
            )

    def _digest(self, number: int) -> str:
        return sha256_range(self._file, number * CHUNK_BYTES, CHUNK_BYTES)

    def _total(self, content_range: str, content_length: int, position: int) -> int:
        """The object's size: "bytes 0-9/100" -> 100. A server that ignores ranges sends everything."""
        if content_range:
            return int(content_range.rpartition("/")[2])
        if position > 0 or content_length > RANGE_BYTES:
            raise Refused(f"{self._store.url}: this server ignores ranged reads, which large files need")
        return content_length


def _is_empty(error: Exception) -> bool:
    """True for the answer to a range of an object without bytes (416)."""
    return isinstance(error, ClientError) and http_status(error) == 416
