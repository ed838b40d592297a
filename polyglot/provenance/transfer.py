"""Copies between stores: committed results, and the files of one's own that stages read by their digests."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from polyglot.core.canonical import Json
from polyglot.core.errors import StoreError
from polyglot.core.stage import PlannedStage
from polyglot.kinds.kind import File
from polyglot.store.blobs import blob_path, fetch, is_fresh, put_file
from polyglot.store.committed import committed
from polyglot.store.futures import concurrently
from polyglot.store.manifest import FileRecord, Manifest
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
    """Copy the local files that stages name by their digests: data, benchmark, judge prompts, models."""
    files = {file.sha256: file for planned in stages for file in _files(planned.stage.params) if file.uri is None}
    records = [FileRecord(path=file.name, sha256=file.sha256, bytes=file.bytes) for file in files.values()]
    there = [record for record in records if source.head(blob_path(record.sha256)) is not None]
    concurrently(lambda record: copy_blob(record, source, target), there)


def copy_blob(record: FileRecord, source: Store, target: Store) -> None:
    """Copy one file, verified on its way."""
    if is_fresh(target, record):
        return
    with tempfile.TemporaryDirectory(prefix="polyglot-") as folder:
        path = Path(folder) / "blob"
        fetch(source, record, path)
        put_file(target, path, record.path)


def _files(value: Json) -> Iterator[File]:
    """The files among parameters."""
    if isinstance(value, Mapping):
        if {"sha256", "bytes", "name"} <= set(value):
            yield File.model_validate({name: value.get(name) for name in File.model_fields})
            return
        for item in value.values():
            yield from _files(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _files(item)
