"""Parts of a stage's result, each made by one shard, until somebody sees all of them.

`stages/<kind>/<key>/parts/<i>-of-<n>-<fit>`: blobs first, then one small record that names them, by a conditional put;
the first record of a part stays. The fit is a digest of all that must be equal for parts to make one result: the result
digests of the inputs that were read, device, threads, versions, batch size. So parts that do not belong together are
never put together, and a part of replaced inputs is in nobody's way. Shards need no leader: whoever finds all parts
after putting its own merges them and commits the manifest, and of two that do one wins.
"""

from collections.abc import Mapping
from pathlib import Path

from polyglot.core.canonical import Json, digest
from polyglot.core.errors import Corrupt, Missing
from polyglot.core.stage import Stage
from polyglot.store.blobs import check_stored, fetch, put_or_reuse
from polyglot.store.manifest import FileRecord, read_files, seal, unseal
from polyglot.store.store import Store


class StoredParts:
    """The parts of one stage, as shard `index` of `count` sees them (`jobs.lib.context.Shards`)."""

    def __init__(self, store: Store, stage: Stage, *, index: int, count: int, fit: Mapping[str, Json]) -> None:
        """No request is made."""
        if not 0 <= index < count:
            raise ValueError(f"shard {index} of {count}")
        self.index, self.count = index, count
        self._store, self._base, self._fit = store, f"{stage.path}/parts/", dict(fit)

    def put(self, file: Path, **fit: Json) -> None:
        """Store a file as this shard's part; a part that is there already stays."""
        record, reused = put_or_reuse(self._store, file, "part")
        check_stored(self._store, record, file, reused=reused, aside=file.parent)
        self._store.create(self._path(self.index, fit), seal({"files": [record.document()]}))

    def missing(self, **fit: Json) -> list[int]:
        """Return the shards whose parts are not there."""
        return [index for index in range(self.count) if self._store.head(self._path(index, fit)) is None]

    def fetch(self, target: Path, **fit: Json) -> list[Path]:
        """Fetch every part, verified, into the directory `target`; in order. Raises Missing, Corrupt."""
        target.mkdir(parents=True, exist_ok=True)
        found = []
        for index in range(self.count):
            path = self._path(index, fit)
            records = part_files(self._store.read(path), where=f"{self._store.url}: {path}")
            found.append(target / str(index))
            fetch(self._store, records[0], found[-1])
        return found

    def _path(self, index: int, fit: Mapping[str, Json]) -> str:
        return f"{self._base}{index}-of-{self.count}-{digest({**self._fit, **fit})[:16]}"


def part_files(data: bytes, *, where: str) -> tuple[FileRecord, ...]:
    """Return the files of a part's record. Raises Corrupt."""
    document = unseal(data, where=where)
    try:
        records = read_files(document["files"])
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"{where}: not a part: {error}") from error
    if not records:
        raise Corrupt(f"{where}: a part without a file")
    return records


def all_part_files(store: Store, kind: str, key: str) -> list[FileRecord]:
    """Return the files of all parts of a stage, whatever they fit: what garbage collection must keep."""
    found: list[FileRecord] = []
    for entry in store.list(f"stages/{kind}/{key}/parts/"):
        try:
            found += part_files(store.read(entry.path), where=f"{store.url}: {entry.path}")
        except Missing:
            continue
    return found
