"""The one interface to storage. Two stores implement it: a directory and an S3 bucket.

Paths are relative POSIX paths of the store's layout (`blobs/sha256/ab/…`, `stages/train/<key>/manifest.json`). Nothing
is ever overwritten: `create` is a conditional put, `upload` writes a path whose name is the content's SHA-256.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

# Files larger than this carry one SHA-256 per piece of this size, so that pieces verify apart and in parallel.
CHUNK_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object of a store, as a listing shows it. `modified` is by the store's own clock, in UTC."""

    path: str
    bytes: int
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An upload that was begun and neither completed nor aborted: no reader sees it, but it takes up room."""

    path: str
    token: str
    started: datetime


class Store(Protocol):
    """Errors: Missing when there is no object, StoreError for everything that the bounded retries did not mend.

    All methods may be called from several threads. `Refused` (a StoreError) is what no retry can mend.
    """

    url: str

    def read(self, path: str) -> bytes:
        """Return a small object whole. Raises Missing."""
        ...

    def head(self, path: str) -> Entry | None:
        """Return size and time of one object, or None."""
        ...

    def create(self, path: str, data: bytes) -> bool:
        """Put an object only if the path is free. False when another writer (or equal bytes of ours) came first.

        A put whose reply was lost is read back: True when the object holds these bytes. Who must know that it alone
        won (a claim) therefore puts something unique into the data.
        """
        ...

    def list(self, prefix: str) -> Iterator[Entry]:
        """Yield every object below a prefix that ends in "/" (or ""), in order of path. Lazy: may be left early."""
        ...

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the sorted names directly below a prefix (ending in "/") that have objects below them."""
        ...

    def delete(self, path: str) -> None:
        """Delete one object; deleting what is not there is no error.

        Only `gc`, `retract`, `doctor` and the rotation of checkpoints call it.
        """
        ...

    def upload(self, path: str, source: Path) -> None:
        """Put a file of any size, streaming; atomic: readers see all of it or nothing."""
        ...

    def download(self, path: str, target: Path, chunks: Sequence[str] = ()) -> None:
        """Write an object of any size to a file, by concurrent ranged reads; `target` appears only when complete.

        `chunks`, the SHA-256 of each CHUNK_BYTES, are checked while the object arrives. Raises Missing, Corrupt.
        """
        ...

    def unfinished(self) -> Iterator[Unfinished]:
        """Yield uploads of this store that were begun and never completed."""
        ...

    def abort(self, upload: Unfinished) -> None:
        """Give up an unfinished upload and free its room; one that is gone already is no error."""
        ...

    def impatient(self) -> "Store":
        """The same store for a caller with more to do than to wait: a request that gets nowhere fails in seconds."""
        ...

    def advice(self) -> str:
        """What to change so that a store which refuses is reached, tried now; "" where nothing is found."""
        ...

    def now(self) -> datetime:
        """The store's own clock, in UTC."""
        ...
