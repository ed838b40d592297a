"""Resume state in the store: blobs first, then one small record that names them.

`attempts/<n>/checkpoints/<step>-<start>.json`. A checkpoint exists whole or not at all; the newest one that verifies
wins, over all attempts of the stage, and one that was damaged or lost its blobs is passed over with a warning. `gc`
lets go of the blobs of all but the newest KEPT.
"""

import logging
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from polyglot.artifacts.blobs import fetch, put_file
from polyglot.artifacts.futures import concurrently
from polyglot.artifacts.manifest import FileRecord, check_files, seal, unseal
from polyglot.artifacts.store import Store
from polyglot.core.errors import Corrupt, Missing, Permanent, StoreError
from polyglot.core.stage import Stage

KEPT = 2  # the newest may turn out damaged; one more stands behind it
_FILES_AT_ONCE = 4
_log = logging.getLogger(__name__)


class StoredCheckpoints:
    """The checkpoints of one stage, written by one start of one attempt (`jobs.lib.context.Checkpoints`)."""

    def __init__(self, store: Store, stage: Stage, attempt: int, start: int) -> None:
        """No request is made."""
        self._store, self._base, self._attempt, self._start = store, f"{stage.path}/attempts/", attempt, start

    def save(self, directory: Path, step: int) -> None:
        """Store every file below `directory` as the checkpoint of `step`. Raises Permanent for unsafe file names."""
        files = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
        records = tuple(concurrently(lambda name: put_file(self._store, files[name], name), files, _FILES_AT_ONCE))
        try:
            document = {"step": step, "files": [record.document() for record in check_files(records)]}
        except ValueError as error:
            raise Permanent(f"a checkpoint's file name cannot be stored: {error}") from error
        path = f"{self._base}{self._attempt}/checkpoints/{step:09d}-{self._start:04d}.json"
        data = seal(document)
        if not self._store.create(path, data) and self._store.read(path) != data:
            raise StoreError(f"{self._store.url}: {path} exists already with other content")

    def newest(self, target: Path) -> int | None:
        """Fetch the newest checkpoint that verifies into the directory `target` (replaced), and return its step."""
        for path in newest_paths(self._store, self._base):
            beside = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
            try:
                step, records = read_checkpoint(self._store, path)
                beside.mkdir(parents=True)
                for record in records:
                    (beside / record.path).parent.mkdir(parents=True, exist_ok=True)
                concurrently(lambda r, to=beside: fetch(self._store, r, to / r.path), records, _FILES_AT_ONCE)  # type: ignore[misc]
                if target.exists():
                    shutil.rmtree(target)
                beside.rename(target)
            except (Corrupt, Missing) as error:
                _log.warning("passing over a checkpoint that does not verify: %s", error)
            else:
                return step
            finally:
                shutil.rmtree(beside, ignore_errors=True)
        return None


def newest_paths(store: Store, base: str) -> list[str]:
    """Return the checkpoint records below `…/attempts/`, the highest step first (later attempts and starts first)."""
    found = sorted(_numbered(store, base), reverse=True)
    return [path for *_, path in found]


def read_checkpoint(store: Store, path: str) -> tuple[int, tuple[FileRecord, ...]]:
    """Return step and files of a checkpoint's record. Raises Missing, Corrupt."""
    where = f"{store.url}: {path}"
    document = unseal(store.read(path), where=where)
    try:
        return int(document["step"]), check_files(tuple(FileRecord.from_document(row) for row in document["files"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"{where}: not a checkpoint: {error}") from error


def _numbered(store: Store, base: str) -> Iterator[tuple[int, int, int, str]]:
    for attempt in store.folders(base):
        for entry in store.list(f"{base}{attempt}/checkpoints/"):
            step, _, start = entry.path.rpartition("/")[2].removesuffix(".json").partition("-")
            yield int(step), int(attempt), int(start), entry.path
