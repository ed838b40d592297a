"""Garbage collection: deletes blobs that nothing refers to, uploads that nobody will finish, and replies of no use.

Why a publisher that runs at the same time loses nothing: blobs are listed first and references afterwards, so a
manifest put in between is seen; a blob that a publisher reuses is put anew when it is older than 7 days, and only blobs
older than the grace (14 days by the store's own clock) are deleted, after a second look at their age. So a stage has
seven days between its first blob and its manifest. A grace below 8 days is safe only while nothing publishes. One
reference that cannot be read ends the collection before anything is deleted; a damaged checkpoint refers to nothing.
Replies that other stages may take refer to no blob, and none of them is needed: see `dead_replies`.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from polyglot.attempts.checkpoints import KEPT, newest_paths, read_checkpoint
from polyglot.attempts.dead_replies import dead_replies
from polyglot.attempts.parts import all_part_files
from polyglot.core.errors import BadInput, Corrupt, Missing
from polyglot.store.blobs import BLOBS, blob_path
from polyglot.store.committed import committed
from polyglot.store.futures import concurrently
from polyglot.store.manifest import FileRecord
from polyglot.store.store import Entry, Store

UPLOAD_GRACE = timedelta(days=2)  # longer than any upload that still goes on
_THREADS = 16
_SHA256 = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a collection deleted (or would delete), and the blobs that it kept."""

    deleted_blobs: int
    deleted_bytes: int
    aborted_uploads: int
    deleted_replies: int  # files of replies that other stages could have taken
    kept_blobs: int
    kept_bytes: int

    def describe(self, *, dry_run: bool) -> str:
        """One line for a person."""
        verb = "would delete" if dry_run else "deleted"
        blobs = f"{self.deleted_blobs} blobs ({self.deleted_bytes / 2**20:.1f} MiB)"
        replies = f", {self.deleted_replies} files of replies" if self.deleted_replies else ""
        return (
            f"{verb} {blobs}{replies} and {self.aborted_uploads}"
            f" unfinished uploads; kept {self.kept_blobs} blobs ({self.kept_bytes / 2**20:.1f} MiB)"
        )


def collect(store: Store, *, grace_days: float = 14, dry_run: bool) -> Collected:
    """Delete unreferenced blobs older than the grace. Raises Corrupt when a reference cannot be read."""
    if not grace_days >= 0:
        raise BadInput("not a grace period", where="--grace-days", got=repr(grace_days), expected="days, 0 or more")
    now = store.now()
    before = now - timedelta(days=grace_days)
    blobs = list(store.list(BLOBS))
    referenced = _referenced(store)
    doomed = [blob for blob in blobs if blob.modified < before and blob.path not in referenced]
    abandoned = [upload for upload in store.unfinished() if upload.started < now - UPLOAD_GRACE]
    unused = dead_replies(store, before)
    if not dry_run:
        for entry in unused:  # each index before what it tells of
            store.delete(entry.path)
        doomed = [blob for blob in concurrently(lambda blob: _delete(store, blob, before), doomed, _THREADS) if blob]
        concurrently(store.abort, abandoned, _THREADS)
    gone = {blob.path for blob in doomed}
    kept = [blob for blob in blobs if blob.path not in gone]
    return Collected(
        deleted_blobs=len(doomed),
        deleted_bytes=sum(blob.bytes for blob in doomed),
        aborted_uploads=len(abandoned),
        deleted_replies=len(unused),
        kept_blobs=len(kept),
        kept_bytes=sum(blob.bytes for blob in kept),
    )


def _delete(store: Store, blob: Entry, before: datetime) -> Entry | None:
    """Delete a blob unless a publisher has renewed it since it was listed."""
    found = store.head(blob.path)
    if found is None or found.modified >= before:
        return None
    store.delete(blob.path)
    return blob


def _referenced(store: Store) -> set[str]:
    """Return the paths of all blobs that a manifest, a live checkpoint or a submission names."""
    stages = [(kind, key) for kind in store.folders("stages/") for key in store.folders(f"stages/{kind}/")]
    paths: set[str] = set()
    for found in concurrently(lambda stage: _of_stage(store, *stage), stages, _THREADS):
        paths.update(found)
    files = [entry.path for entry in store.list("studies/")]
    for named in concurrently(lambda path: _of_text(store, path), files, _THREADS):
        paths.update(named)
    return paths


def _of_stage(store: Store, kind: str, key: str) -> list[str]:
    """The files of a done stage; the newest checkpoints and the parts of one that may still be resumed."""
    manifest = committed(store, kind, key)
    if manifest is not None:
        return [blob_path(record.sha256) for record in manifest.files]
    kept: list[tuple[FileRecord, ...]] = []
    for path in newest_paths(store, f"stages/{kind}/{key}/attempts/"):
        with suppress(Corrupt, Missing):  # damaged, or its writer let go of it just now: the next one stands in
            kept.append(read_checkpoint(store, path)[1])
        if len(kept) == KEPT:
            break
    parts = [blob_path(record.sha256) for record in all_part_files(store, kind, key)]
    return parts + [blob_path(record.sha256) for records in kept for record in records]


def _of_text(store: Store, path: str) -> Iterable[str]:
    """Whatever looks like a SHA-256 in a submission may name a local file that it stored: rather too much is kept."""
    try:
        text = store.read(path)
    except Missing:
        return []
    return [blob_path(match.decode()) for match in _SHA256.findall(text)]
