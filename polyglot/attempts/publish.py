"""Publishing a result: blobs first, proved by reading back, the manifest last by one conditional put.

A kill at any moment leaves the stage either done or not begun, as far as readers can tell. Who loses the race for the
manifest adopts the winner. Where the kind is deterministic, a winner of the same environment class with another result
is a Conflict: something is wrong with one of the two runs, so it is told loudly and the winner stays. A manifest whose
inputs have been replaced since is withdrawn (retracted, with a record) in favour of one that read the present inputs.
"""

from collections.abc import Mapping
from pathlib import Path

from polyglot.attempts.retract import retract
from polyglot.core.canonical import Json
from polyglot.core.errors import Conflict, Permanent, StoreError
from polyglot.core.stage import Stage
from polyglot.store.blobs import check_stored, put_or_reuse
from polyglot.store.committed import committed, inputs_hold
from polyglot.store.futures import concurrently
from polyglot.store.manifest import FileRecord, Manifest
from polyglot.store.paths import check_members
from polyglot.store.store import Store
from polyglot.store.verify import hash_file

_FILES_AT_ONCE = 8
_ENVIRONMENT = ("device", "threads", "world_size", "torch", "kernels", "attention", "compiled", "decoding")


def publish(
    store: Store,
    stage: Stage,
    out: Path,
    *,
    inputs: Mapping[str, str],
    execution: Mapping[str, Json],
    provenance: Mapping[str, Json],
    metrics: Mapping[str, Json],
    volatile: Mapping[str, Json],
    deterministic: bool,
) -> Manifest:
    """Commit every file below `out` as the stage's result and return the manifest that is committed then.

    `inputs` maps each role to the result digest that was read. Raises Permanent for output that can never be published
    (no file, a link, an unsafe name, metrics that JSON cannot carry), Conflict, Corrupt, StoreError.
    """
    if set(inputs) != set(stage.inputs):
        raise Permanent(f"{stage.path}: inputs {sorted(inputs)} were read; the stage names {sorted(stage.inputs)}")
    files = _files(out)

    def manifest_of(records: tuple[FileRecord, ...]) -> Manifest:
        return Manifest(
            stage=stage,
            inputs=dict(inputs),
            files=records,
            execution=execution,
            provenance=provenance,
            metrics=metrics,
            volatile=volatile,
        )

    if (winner := committed(store, stage.kind, stage.key)) and not _superseded(store, winner, inputs):
        return _adopt(winner, manifest_of(_hashed(files)), deterministic)  # too late: nothing needs to be uploaded
    ours = manifest_of(_stored(store, files, aside=out.parent))
    try:
        data = ours.to_json()
    except ValueError as error:
        raise Permanent(f"{stage.path}: the result cannot be recorded: {error}") from error
    for _ in range(3):
        if store.create(ours.path, data):
            return ours
        winner = committed(store, stage.kind, stage.key)
        if winner is not None and not _superseded(store, winner, inputs):
            return _adopt(winner, ours, deterministic)
        if winner is not None:
            retract(store, stage.kind, stage.key, "its inputs were replaced; the stage ran again", who="publish")
    raise StoreError(f"{store.url}: {ours.path} is committed and withdrawn again and again")


def environment_class(execution: Mapping[str, Json]) -> dict[str, Json]:
    """Return what must be equal before result digests may be compared: device, threads, ranks, versions."""
    return {name: execution[name] for name in _ENVIRONMENT if name in execution}


def _adopt(winner: Manifest, ours: Manifest, deterministic: bool) -> Manifest:
    """Return the winner, or raise Conflict when it should have been equal to ours and is not."""
    same_class = environment_class(winner.execution) == environment_class(ours.execution)
    same_inputs = dict(winner.inputs) == dict(ours.inputs)
    if deterministic and same_class and same_inputs and winner.result != ours.result:
        theirs = {record.path: record.sha256 for record in winner.files}
        mine = {record.path: record.sha256 for record in ours.files}
        differ = sorted(path for path in theirs.keys() | mine.keys() if theirs.get(path) != mine.get(path))
        raise Conflict(
            f"{winner.stage.path}: this run's result {ours.result[:12]} is not the committed {winner.result[:12]},"
            f" although {winner.stage.kind} is deterministic; {len(differ)} files differ ({', '.join(differ[:3])})."
            " The committed one stays; find out which is wrong, and `polyglot retract` it if it is that one"
        )
    return winner


def _superseded(store: Store, winner: Manifest, inputs: Mapping[str, str]) -> bool:
    """True when the winner read inputs that are not committed any more; the caller read others."""
    return dict(winner.inputs) != dict(inputs) and not inputs_hold(store, winner)


def _files(out: Path) -> dict[str, Path]:
    """Return every file below `out` by its path in the artifact, sorted. Raises Permanent."""
    found: dict[str, Path] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise Permanent(f"{name}: a result holds files only, not links or devices")
        if path.is_file():
            found[name] = path
    if not found:
        raise Permanent("the job wrote no file")
    try:
        check_members(found)
    except ValueError as error:
        raise Permanent(f"a result's file name cannot be published: {error}") from error
    return found


def _hashed(files: Mapping[str, Path]) -> tuple[FileRecord, ...]:
    def record(name: str) -> FileRecord:
        sha256, size, chunks = hash_file(files[name])
        return FileRecord(path=name, sha256=sha256, bytes=size, chunks=chunks)

    return tuple(concurrently(record, files, _FILES_AT_ONCE))


def _stored(store: Store, files: Mapping[str, Path], *, aside: Path) -> tuple[FileRecord, ...]:
    """Upload what is not there and prove all of it."""

    def record(name: str) -> FileRecord:
        made, reused = put_or_reuse(store, files[name], name)
        check_stored(store, made, files[name], reused=reused, aside=aside)
        return made

    return tuple(concurrently(record, files, _FILES_AT_ONCE))
