"""Copies between stores: committed results, and the blobs that stages name by their digests."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from polyglot.core.canonical import Json
from polyglot.core.errors import StoreError
from polyglot.core.stage import PlannedStage
from polyglot.store.blobs import blob_path, fetch, is_fresh, put_file
from polyglot.store.committed import committed
from polyglot.store.futures import concurrently
from polyglot.store.manifest import FileRecord, Manifest
from polyglot.store.paths import is_sha256
from polyglot.store.store import Store


def copy_result(manifest: Manifest, source: Store, target: Store) -> None:
    """Commit in `target` what is committed in `source`. Raises StoreError where it has another result already."""
    concurrently(lambda record: copy_blob(record, source, target), manifest.files)
    if target.create(manifest.path, manifest.to_json()):
        return
    there = committed(target, manifest.stage.kind, manifest.stage.key)
    if there is None or there.result != manifest.result:
        raise StoreError(f"{target.url}: {manifest.path} has another result; name an empty store")


def copy_sources(stages: Iterable[PlannedStage], source: Store, target: Store) -> None:
    """Copy the blobs that stages name by their digests, beside what they read of each other: files of one's own, judge
    prompts, what a night looks at anew. A digest that is no blob's, such as a stage's key, is passed over.
    """
    digests = dict.fromkeys(digest for planned in stages for digest in _digests(planned.stage.params))

    def copied(digest: str) -> None:
        if entry := source.head(blob_path(digest)):
            copy_blob(FileRecord(path=digest, sha256=digest, bytes=entry.bytes), source, target)

    concurrently(copied, digests)


def copy_blob(record: FileRecord, source: Store, target: Store) -> None:
    """Copy one file, verified on its way."""
    if is_fresh(target, record):
        return
    with tempfile.TemporaryDirectory(prefix="polyglot-") as folder:
        path = Path(folder) / "blob"
        fetch(source, record, path)
        put_file(target, path, record.path)


def _digests(value: Json) -> Iterator[str]:
    """Whatever is written like a SHA-256 among parameters."""
    if isinstance(value, str):
        if is_sha256(value):
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _digests(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _digests(item)
