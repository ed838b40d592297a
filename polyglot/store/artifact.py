"""A committed artifact on this machine: fetched once, verified before anybody sees a byte, shared by processes.

The cache is a directory: `blobs/<2>/<sha256>` holds the bytes, `trees/<result>/<path>` names them as the artifact does
(hard links, or copies where a file system has none). Files appear in one step, so any number of processes may share a
cache; each process verifies a cached file by size and SHA-256 before its first use, and fetches it again when it was
damaged. Files are read-only: a job that wants to change one copies it.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from polyglot.core import records
from polyglot.core.canonical import Json
from polyglot.core.errors import Corrupt, Missing
from polyglot.store.blobs import fetch
from polyglot.store.files import link_or_copy
from polyglot.store.futures import concurrently
from polyglot.store.manifest import FileRecord, Manifest
from polyglot.store.paths import check_sha256
from polyglot.store.store import Store
from polyglot.store.verify import verify_file

_FILES_AT_ONCE = 4
T = TypeVar("T")


class BlobCache:
    """Verified local copies of blobs, by content."""

    def __init__(self, store: Store, folder: Path) -> None:
        """`folder` is made when it is first needed."""
        self._store, self._folder = store, folder
        self._verified: set[tuple[str, int, int, int]] = set()  # (sha256, identity) of files that were verified
        self._lock = threading.Lock()

    def blob(self, wanted: FileRecord | str) -> Path:
        """Return the local, verified path of a blob, by its record or its SHA-256. Raises Missing, Corrupt."""
        sha256 = wanted if isinstance(wanted, str) else wanted.sha256
        path = self._folder / "blobs" / check_sha256(sha256)[:2] / sha256
        if not self._holds(path, wanted):
            path.parent.mkdir(parents=True, exist_ok=True)
            fetch(self._store, wanted, path)
            path.chmod(0o444)
            with self._lock:
                self._verified.add((sha256, *_identity(path)))
        return path

    def place(self, record: FileRecord, target: Path) -> None:
        """Make `target` the file of a record, verified, unless it is that already. Raises Missing, Corrupt."""
        if not self._holds(target, record):
            source = self.blob(record)
            target.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(source, target)
            if not self._holds(target, record):
                raise Corrupt(f"{target}: not what was just written there; is the disk full or damaged?")

    def _holds(self, path: Path, wanted: FileRecord | str) -> bool:
        """True when the file is there and was verified by this process, now or before and unchanged since."""
        sha256 = wanted if isinstance(wanted, str) else wanted.sha256
        size, chunks = (None, ()) if isinstance(wanted, str) else (wanted.bytes, wanted.chunks)
        try:
            identity = (sha256, *_identity(path))
            with self._lock:
                if identity in self._verified:  # hard links of a verified blob have its identity
                    return True
            verify_file(path, sha256=sha256, size=size, chunks=chunks, name=str(path))
        except (FileNotFoundError, Corrupt):
            return False
        with self._lock:
            self._verified.add(identity)
        return True


class StoredArtifact:
    """One committed artifact as a job reads it (implements `jobs.lib.context.Input`)."""

    def __init__(self, store: Store, manifest: Manifest, cache: Path) -> None:
        """`cache` may be shared by any number of processes and artifacts. Nothing is fetched yet."""
        self.key: str = manifest.stage.key
        self.metrics: Mapping[str, Json] = manifest.metrics
        self.made_from: Mapping[str, str] = manifest.stage.inputs
        self.results_read: Mapping[str, str] = manifest.inputs
        self.execution: Mapping[str, Json] = manifest.execution
        self.manifest = manifest
        self._cache = BlobCache(store, cache)
        self._tree = cache / "trees" / manifest.result
        self._files = {record.path: record for record in manifest.files}

    def names(self) -> list[str]:
        """Return the paths of the artifact's files, sorted."""
        return sorted(self._files)

    def path(self, name: str) -> Path:
        """Return the local, verified path of one file. Raises Missing when the artifact has none of this name."""
        record = self._files.get(name)
        if record is None:
            raise Missing(f"{self.manifest.stage.path} has no file {name!r}; it has {', '.join(self.names()[:8])}")
        self._cache.place(record, self._tree / name)
        return self._tree / name

    def directory(self, name: str) -> Path:
        """Return a local directory holding every file below `name/`, all verified. Raises Missing when none is."""
        inside = [path for path in self._files if path.startswith(f"{name}/")]
        if not inside:
            raise Missing(f"{self.manifest.stage.path} has no directory {name!r}")
        concurrently(self.path, inside, _FILES_AT_ONCE)
        return self._tree / name

    def read(self, name: str, kind: type[T]) -> T:
        """Read a file that is one document. Raises Missing, and Corrupt when it is not of this class."""
        return records.read(self.path(name), kind)

    def lines(self, name: str, kind: type[T]) -> Iterator[T]:
        """Yield the rows of a file of JSON Lines. Raises as `read` does."""
        return records.read_lines(self.path(name), kind)


def _identity(path: Path) -> tuple[int, int, int]:
    """What changes when a file is replaced or written to."""
    found = os.stat(path)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
