"""Resume state in the store: blobs first, then one small record that names them.

`attempts/<n>/checkpoints/<step>-<start>.json`. A checkpoint exists whole or not at all; the newest one that verifies
wins, over all attempts of the stage, and one that was damaged or lost its blobs is passed over with a warning. One for
another `fit` (inputs that have been made anew since, or a result that was withdrawn) is nobody's to resume.

A start keeps its newest KEPT checkpoints: an older one goes, record first, then those of its blobs that this start
put itself and none of the newer ones names. Small files stay: they cost nothing, and only a blob as large as a
model's state is surely no file of anybody else's checkpoint or artifact. `gc` lets go of the blobs of all but the
newest KEPT of a stage.
"""

import logging
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from polyglot.core.errors import Corrupt, Missing, Permanent, StoreError
from polyglot.core.stage import Stage
from polyglot.store.blobs import blob_path, fetch, put_or_reuse
from polyglot.store.futures import concurrently
from polyglot.store.manifest import FileDocument, FileRecord, read_files, seal, unseal
from polyglot.store.store import Store

KEPT = 2  # the newest may turn out damaged; one more stands behind it
ROTATED_BYTES = 1 << 20  # checkpoints that have put less are left to `gc`
_FILES_AT_ONCE = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    """A checkpoint that this start has saved; `own` are the blobs that were not in the store before."""

    path: str
    files: tuple[FileRecord, ...]
    own: frozenset[str]

    @property
    def own_bytes(self) -> int:
        return sum(record.bytes for record in self.files if record.sha256 in self.own)


class CheckpointFile(TypedDict):
    """A stored file of a checkpoint that is still to be recorded, as JSON; `own`: its blob was not in the store."""

    file: FileDocument
    own: bool


class StoredCheckpoints:
    """The checkpoints of one stage, written by one start of one attempt (`jobs.lib.context.Checkpoints`)."""

    def __init__(self, store: Store, stage: Stage, attempt: int, start: int, *, fit: str = "") -> None:
        """No request is made. `fit` says for what a checkpoint can be resumed from; see `Worker`."""
        self._store, self._base, self._attempt, self._start = store, f"{stage.path}/attempts/", attempt, start
        self._fit = fit
        self._saved: list[_Saved] = []  # those that may be let go of, oldest first

    def save(self, directory: Path, step: int) -> None:
        """Store every file below `directory` as the checkpoint of `step`. Raises Permanent for unsafe file names."""
        self.record(step, self.put(directory))

    def put(self, directory: Path) -> list[CheckpointFile]:
        """Store every file below `directory`, for a checkpoint that `record` makes of them and of others'."""
        files = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
        put = concurrently(lambda name: put_or_reuse(self._store, files[name], name), files, _FILES_AT_ONCE)
        return [CheckpointFile(file=record.document(), own=not reused) for record, reused in put]

    def record(self, step: int, files: Sequence[CheckpointFile]) -> None:
        """Make the checkpoint of `step` of files that `put` has stored. Raises Permanent for unsafe file names."""
        try:
            records = read_files([row["file"] for row in files])
            document = {"step": step, "fit": self._fit, "files": [record.document() for record in records]}
        except ValueError as error:
            raise Permanent(f"a checkpoint's file name cannot be stored: {error}") from error
        path = f"{self._base}{self._attempt}/checkpoints/{step:09d}-{self._start:04d}.json"
        data = seal(document)
        if not self._store.create(path, data) and self._store.read(path) != data:
            raise StoreError(f"{self._store.url}: {path} exists already with other content")
        own = frozenset(
            record.sha256
            for record, row in zip(records, files, strict=True)
            if row["own"] and record.bytes >= ROTATED_BYTES
        )
        self._rotate(_Saved(path=path, files=records, own=own))

    def _rotate(self, newest: _Saved) -> None:
        """Let go of what is older than the newest KEPT, unless one of those is not all there."""
        if newest.own_bytes < ROTATED_BYTES:
            return
        self._saved.append(newest)
        kept = self._saved[-KEPT:]
        if len(self._saved) <= KEPT or not all(self._is_whole(saved) for saved in kept):
            return
        for old in self._saved[:-KEPT]:
            self._store.delete(old.path)
            named = {record.sha256 for saved in kept for record in saved.files}
            for sha256 in sorted(old.own - named):
                self._store.delete(blob_path(sha256))
        self._saved = kept

    def _is_whole(self, saved: _Saved) -> bool:
        found = [(record, self._store.head(blob_path(record.sha256))) for record in saved.files]
        return all(entry is not None and entry.bytes == record.bytes for record, entry in found)

    def newest(self, target: Path) -> int | None:
        """Fetch the newest checkpoint that verifies into the directory `target` (replaced), and return its step."""
        found = (self.fetch(path, target) for path in self.saved())
        return next((step for step in found if step is not None), None)

    def saved(self) -> Iterator[str]:
        """Yield what there may be to resume from, the newest first; nothing is verified."""
        passed: set[str] = set()
        # listed anew after each one passed over: another start may have let go of it for newer ones
        while waiting := [path for path in newest_paths(self._store, self._base) if path not in passed]:
            passed.add(waiting[0])
            yield waiting[0]

    def fetch(self, path: str, target: Path, wanted: Callable[[str], bool] = lambda _: True) -> int | None:
        """Fetch the wanted files of a checkpoint into the directory `target` (replaced), and return its step.

        None for one that does not verify (a warning says so), is gone, or is for another `fit`.
        """
        beside = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        try:
            step, records, fit = _read(self._store, path)
            if fit != self._fit:
                return None
            beside.mkdir(parents=True)
            chosen = [record for record in records if wanted(record.path)]
            for record in chosen:
                (beside / record.path).parent.mkdir(parents=True, exist_ok=True)
            concurrently(lambda record: fetch(self._store, record, beside / record.path), chosen, _FILES_AT_ONCE)
            if target.exists():
                shutil.rmtree(target)
            beside.rename(target)
        except (Corrupt, Missing) as error:
            _log.warning("passing over a checkpoint that does not verify: %s", error)
            return None
        else:
            return step
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def newest_paths(store: Store, base: str) -> list[str]:
    """Return the checkpoint records below `…/attempts/`, the highest step first (later attempts and starts first)."""
    found = sorted(_numbered(store, base), reverse=True)
    return [path for *_, path in found]


def read_checkpoint(store: Store, path: str) -> tuple[int, tuple[FileRecord, ...]]:
    """Return step and files of a checkpoint's record. Raises Missing, Corrupt."""
    step, files, _ = _read(store, path)
    return step, files


def _read(store: Store, path: str) -> tuple[int, tuple[FileRecord, ...], str]:
    where = f"{store.url}: {path}"
    document = unseal(store.read(path), where=where)
    try:
        files = read_files(document["files"])
        return int(document["step"]), files, str(document["fit"])
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"{where}: not a checkpoint: {error}") from error


def _numbered(store: Store, base: str) -> Iterator[tuple[int, int, int, str]]:
    for attempt in store.folders(base):
        for entry in store.list(f"{base}{attempt}/checkpoints/"):
            step, _, start = entry.path.rpartition("/")[2].removesuffix(".json").partition("-")
            yield int(step), int(attempt), int(start), entry.path
