"""Blobs: immutable bytes under their SHA-256. Whatever is read from them is verified before anybody sees it.

A blob that is there is not uploaded again, unless it is so old that `gc` could be about to delete it: publishers renew
blobs older than 7 days, `gc` spares everything younger than 14.
"""

import tempfile
import uuid
from datetime import timedelta
from pathlib import Path

from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import Corrupt, Missing, StoreError
from polyglot.store.manifest import FileRecord
from polyglot.store.paths import check_sha256
from polyglot.store.store import CHUNK_BYTES, Store
from polyglot.store.verify import hash_file, verify_file

RENEW_AFTER = timedelta(days=7)
BLOBS = "blobs/sha256/"


def blob_path(sha256: str) -> str:
    """Return `blobs/sha256/<2>/<64>`. Raises ValueError for anything but 64 lower-case hex digits."""
    return f"{BLOBS}{check_sha256(sha256)[:2]}/{sha256}"


def put_file(store: Store, file: Path, path: str) -> FileRecord:
    """Store a file as a blob and return its record under `path`. Raises StoreError when it changes meanwhile."""
    return put_or_reuse(store, file, path)[0]


def put_or_reuse(store: Store, file: Path, path: str) -> tuple[FileRecord, bool]:
    """Do as `put_file`, and say whether a blob of this name and size was there already."""
    before = file.stat()
    sha256, size, chunks = hash_file(file)
    record = FileRecord(path=path, sha256=sha256, bytes=size, chunks=chunks)
    reused = is_fresh(store, record)
    if not reused:
        store.upload(blob_path(sha256), file)
    after = file.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise StoreError(f"{file}: the file changed while it was stored")
    return record, reused


def put_bytes(store: Store, data: bytes) -> str:
    """Store bytes as a blob and return their SHA-256."""
    sha256 = sha256_bytes(data)
    if not is_fresh(store, FileRecord(path=sha256, sha256=sha256, bytes=len(data))):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            store.upload(blob_path(sha256), Path(file.name))
    return sha256


def fetch(store: Store, record_or_sha: FileRecord | str, target: Path) -> None:
    """Write a blob to `target`, which appears only when it is verified. Raises Missing, Corrupt.

    Bytes that are wrong are fetched once more: damage on the way heals, damage in the store is Corrupt.
    """
    record = record_or_sha if isinstance(record_or_sha, FileRecord) else None
    sha256 = record_or_sha.sha256 if isinstance(record_or_sha, FileRecord) else record_or_sha
    path, chunks = blob_path(sha256), record.chunks if record else ()
    beside = target.with_name(f"{target.name}.{uuid.uuid4().hex}.unverified")
    try:
        for last in (False, True):
            try:
                store.download(path, beside, chunks)
                size = record.bytes if record else None
                if chunks and beside.stat().st_size != size:
                    raise Corrupt(f"{store.url}: {path}: {beside.stat().st_size} bytes; {size} were recorded")
                if not chunks:  # chunks were verified on their way
                    verify_file(beside, sha256=sha256, size=size, chunks=(), name=f"{store.url}: {path}")
                break
            except Corrupt:
                if last:
                    raise
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def check_stored(store: Store, record: FileRecord, source: Path, *, reused: bool, aside: Path) -> None:
    """Prove that a blob lies in the store as recorded, and upload it again (once) when it does not.

    Read back whole: blobs up to 64 MiB, and every blob that was reused, as nobody has looked at it since it was put. Of
    a large blob that this process has just uploaded only the size: the server refused bytes damaged on their way (the
    payload is signed), and every reader verifies. `aside` is a directory with room for the file. Raises Missing,
    Corrupt.
    """
    path = blob_path(record.sha256)
    for last in (False, True):
        try:
            if reused or record.bytes <= CHUNK_BYTES:
                with tempfile.TemporaryDirectory(dir=aside, prefix="read-back-") as folder:
                    fetch(store, record, Path(folder) / "blob")
            elif (found := store.head(path)) is None:
                raise Missing(f"{store.url}: there is no {path}")
            elif found.bytes != record.bytes:
                raise Corrupt(f"{store.url}: {path}: {found.bytes} bytes; {record.bytes} were recorded")
            return
        except (Corrupt, Missing):
            if last:
                raise
            store.upload(path, source)


def is_fresh(store: Store, record: FileRecord) -> bool:
    """Whether a blob is there, whole, and young enough to be spared by `gc` for a while."""
    found = store.head(blob_path(record.sha256))
    return found is not None and found.bytes == record.bytes and store.now() - found.modified < RENEW_AFTER
