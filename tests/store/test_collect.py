"""Garbage collection: deletes what nobody refers to, and nothing that anybody might."""

from collections.abc import Callable
from pathlib import Path

import pytest

from polyglot.attempts.checkpoints import StoredCheckpoints, newest_paths
from polyglot.attempts.garbage import collect
from polyglot.attempts.retract import retract
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import BadInput, Corrupt, Missing
from polyglot.store.blobs import blob_path, put_bytes, put_file
from polyglot.store.directory import DirectoryStore
from polyglot.store.store import Store
from polyglot.store.submissions import save_study
from tests.kit.damage import flip
from tests.kit.stages import commit, stage, write

Age = Callable[[str, float], None]


@pytest.fixture
def garbage(store: Store, age: Age) -> str:
    path = blob_path(put_bytes(store, b"garbage"))
    age(path, 15)
    return path


def test_old_and_unreferenced_blobs_go_and_young_ones_stay(store: Store, age: Age, garbage: str) -> None:
    young = blob_path(put_bytes(store, b"young"))
    age(young, 13)
    done = collect(store, dry_run=False)
    assert (done.deleted_blobs, done.deleted_bytes, done.kept_blobs, done.kept_bytes) == (1, 7, 1, 5)
    assert store.head(garbage) is None
    assert store.head(young) is not None
    assert done.describe(dry_run=False).startswith("deleted 1 blobs")


def test_a_checkpoint_that_its_writer_lets_go_of_meanwhile_is_no_reference(tmp_path: Path) -> None:
    class Rotating(DirectoryStore):
        def read(self, path: str) -> bytes:
            if path.endswith("/checkpoints/000000002-0001.json"):
                raise Missing(path)
            return super().read(path)

    store = Rotating(tmp_path / "store")
    for step in (1, 2):
        files = write(tmp_path / f"state-{step}", {"weights": b"weights %d" % step})
        StoredCheckpoints(store, stage(), 1, 1).save(files, step)
    assert collect(store, grace_days=0, dry_run=True).deleted_blobs == 1


def test_a_dry_run_tells_and_deletes_nothing(store: Store, garbage: str) -> None:
    done = collect(store, dry_run=True)
    assert done.deleted_blobs == 1
    assert store.head(garbage) is not None


def test_files_of_manifests_stay_until_they_are_retracted(store: Store, tmp_path: Path, age: Age) -> None:
    made = commit(store, stage(), write(tmp_path / "out", {"a": b"result"}))
    path = blob_path(made.files[0].sha256)
    age(path, 400)
    assert collect(store, dry_run=False).deleted_blobs == 0
    retract(store, "mix", made.stage.key, "to see", "tests")
    assert collect(store, dry_run=False).deleted_blobs == 1
    assert store.head(path) is None


def test_files_that_a_submission_names_stay(store: Store, tmp_path: Path, age: Age) -> None:
    record = put_file(store, write(tmp_path, {"local.jsonl": b"rows"}) / "local.jsonl", "local.jsonl")
    age(blob_path(record.sha256), 400)
    lock = b'{"files": {"local.jsonl": "%s"}}' % record.sha256.encode()
    save_study(store, "study", "0" * 12, study=b"name: study", lock=lock, plan=b"[]")
    assert collect(store, dry_run=False).deleted_blobs == 0


def test_of_a_running_stage_the_newest_two_checkpoints_stay(store: Store, tmp_path: Path, age: Age) -> None:
    for step in (1, 2, 3, 4):
        folder = write(tmp_path / str(step), {"weights": b"step %d" % step})
        StoredCheckpoints(store, stage(), 1, step).save(folder, step)
        age(blob_path(sha256_bytes(b"step %d" % step)), 20)
    assert collect(store, dry_run=False).deleted_blobs == 2
    assert StoredCheckpoints(store, stage(), 2, 1).newest(tmp_path / "resume") == 4
    commit(store, stage(), write(tmp_path / "out", {"a": b"result"}))
    assert collect(store, dry_run=False).deleted_blobs == 2, "a done stage needs no checkpoint"


def test_a_damaged_checkpoint_is_none_of_the_two_that_stay(
    store: Store, tmp_path: Path, age: Age, file_of: Callable[[str], Path]
) -> None:
    for step in (1, 2, 3, 4):
        folder = write(tmp_path / str(step), {"weights": b"step %d" % step})
        StoredCheckpoints(store, stage(), 1, step).save(folder, step)
        age(blob_path(sha256_bytes(b"step %d" % step)), 20)
    flip(file_of(newest_paths(store, f"{stage().path}/attempts/")[0]), 30)
    assert collect(store, dry_run=False).deleted_blobs == 2, "of step 1, and of step 4, which nobody can find any more"
    assert StoredCheckpoints(store, stage(), 2, 1).newest(tmp_path / "resume") == 3


def test_a_reference_that_cannot_be_read_ends_the_collection_before_it_deletes(
    store: Store, tmp_path: Path, garbage: str, file_of: Callable[[str], Path]
) -> None:
    made = commit(store, stage(), write(tmp_path / "out", {"a": b"result"}))
    flip(file_of(made.path), 30)
    with pytest.raises(Corrupt):
        collect(store, dry_run=False)
    assert store.head(garbage) is not None


def test_a_publisher_that_comes_in_between_keeps_its_blob(store: Store, tmp_path: Path, garbage: str) -> None:
    """The publisher reuses the doomed blob after the collection has listed it."""

    class Interrupted:
        url = store.url

        def __getattr__(self, name: str) -> object:
            if name == "unfinished":  # blobs and references were listed by then
                commit(store, stage("late"), write(tmp_path / "late", {"a": b"garbage"}))
            return getattr(store, name)

    done = collect(Interrupted(), dry_run=False)  # type: ignore[arg-type]
    assert done.deleted_blobs == 0
    assert store.read(garbage) == b"garbage"


def test_nothing_but_blobs_is_deleted(store: Store, tmp_path: Path, age: Age) -> None:
    made = commit(store, stage(), write(tmp_path / "out", {"a": b"result"}))
    save_study(store, "study", "0" * 12, study=b"name: study", lock=b"{}", plan=b"[]")
    before = [entry.path for entry in store.list("")]
    for path in before:
        age(path, 1000)
    age(blob_path(made.files[0].sha256), 0)
    collect(store, dry_run=False)
    assert [entry.path for entry in store.list("")] == before


@pytest.mark.parametrize("days", [-1, float("nan")])
def test_a_grace_that_is_none_is_refused(store: Store, days: float) -> None:
    with pytest.raises(BadInput, match="grace"):
        collect(store, grace_days=days, dry_run=False)
