"""Fault 10: bits flip and objects are cut short in the store. Every reader notices; nothing of it is consumed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from polyglot.core.errors import Corrupt
from polyglot.store.artifact import StoredArtifact
from polyglot.store.blobs import blob_path, fetch
from polyglot.store.committed import committed, committed_many, is_done
from polyglot.store.store import CHUNK_BYTES
from tests.kit.damage import flip, random_file, truncate
from tests.kit.stages import commit, stage
from tests.kit.versitygw import Bucket

LARGE = CHUNK_BYTES + 3 * 2**20

Damage = Callable[[Path], None]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: flip(path, 0),
        lambda path: flip(path, CHUNK_BYTES - 1),
        lambda path: flip(path, LARGE - 1),
        lambda path: truncate(path),
        lambda path: truncate(path, 2 * 2**20),
        lambda path: truncate(path, LARGE),
        lambda path: path.write_bytes(path.read_bytes() + b"more"),
    ],
    ids=["first bit", "bit in the middle", "last bit", "a byte short", "MiBs short", "emptied", "longer"],
)
def test_a_large_file_is_refused_wherever_it_was_damaged(bucket: Bucket, tmp_path: Path, damage: Damage) -> None:
    store = bucket.store()
    (tmp_path / "out").mkdir()
    random_file(tmp_path / "out" / "weights", LARGE)
    (record,) = commit(store, stage(), tmp_path / "out").files
    assert len(record.chunks) == 2
    damage(bucket.folder / blob_path(record.sha256))
    for wanted in (record, record.sha256):
        with pytest.raises(Corrupt):
            fetch(store, wanted, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"], "no half of it is left behind"


def test_a_manifest_that_names_another_stages_files_is_not_consumed(bucket: Bucket, tmp_path: Path) -> None:
    store = bucket.store()
    for number, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        random_file(tmp_path / name / "f", 100 + number)
        commit(store, stage(name), tmp_path / name)
    a, b = (bucket.folder / f"{stage(name).path}/manifest.json" for name in ("a", "b"))
    a.write_bytes(b.read_bytes())
    for look in (
        lambda: committed(store, "mix", stage("a").key),
        lambda: is_done(store, stage("a")),
        lambda: committed_many(store, [stage("a"), stage("b")]),
    ):
        with pytest.raises(Corrupt, match="another stage"):
            look()


def test_a_swapped_blob_never_reaches_a_job(bucket: Bucket, tmp_path: Path) -> None:
    """Valid bytes of another file of equal size, in the place of the recorded ones."""
    store = bucket.store()
    (tmp_path / "out").mkdir()
    random_file(tmp_path / "out" / "one", 1000)
    (tmp_path / "out" / "two").write_bytes(b"x" * 1000)
    manifest = commit(store, stage(), tmp_path / "out")
    one, two = (bucket.folder / blob_path(record.sha256) for record in manifest.files)
    one.write_bytes(two.read_bytes())
    artifact = StoredArtifact(store, manifest, tmp_path / "cache")
    with pytest.raises(Corrupt):
        artifact.path("one")
    assert artifact.path("two").read_bytes() == b"x" * 1000
