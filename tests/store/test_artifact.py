"""Reading committed artifacts: verified before use, shared by processes, healed when the cache was damaged."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from polyglot.core.errors import Corrupt, Missing
from polyglot.store.artifact import BlobCache, StoredArtifact
from polyglot.store.blobs import blob_path, put_bytes
from polyglot.store.directory import DirectoryStore
from polyglot.store.files import copy_file, link_or_copy
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store
from tests.kit.damage import flip, truncate
from tests.kit.stages import commit, stage, write

FILES = {"model/config.json": b"{}", "model/sub/weights": b"w" * 1000, "card.json": b"card", "same": b"card"}


@pytest.fixture
def manifest(store: Store, tmp_path: Path) -> Manifest:
    return commit(store, stage(), write(tmp_path / "out", FILES))


class TestReading:
    def test_files_and_directories_are_there_under_their_names(
        self, store: Store, manifest: Manifest, tmp_path: Path
    ) -> None:
        artifact = StoredArtifact(store, manifest, tmp_path / "cache")
        assert (artifact.key, artifact.metrics) == (stage().key, {"rows": 1})
        assert artifact.names() == sorted(FILES)
        assert artifact.path("card.json").read_bytes() == b"card"
        assert artifact.path("card.json").name == "card.json"
        model = artifact.directory("model")
        assert sorted(path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()) == [
            "config.json",
            "sub/weights",
        ]

    def test_a_name_that_is_not_there_is_missing(self, store: Store, manifest: Manifest, tmp_path: Path) -> None:
        artifact = StoredArtifact(store, manifest, tmp_path / "cache")
        with pytest.raises(Missing, match=r"no file 'nope'; it has card\.json"):
            artifact.path("nope")
        for name in ("nope", "card.json", "mod", ""):
            with pytest.raises(Missing, match="no directory"):
                artifact.directory(name)

    def test_the_second_reader_needs_no_store(self, store: Store, manifest: Manifest, tmp_path: Path) -> None:
        StoredArtifact(store, manifest, tmp_path / "cache").directory("model")
        nothing = DirectoryStore(tmp_path / "nothing")
        model = StoredArtifact(nothing, manifest, tmp_path / "cache").directory("model")
        assert (model / "sub/weights").read_bytes() == b"w" * 1000

    def test_cached_files_are_read_only(self, store: Store, manifest: Manifest, tmp_path: Path) -> None:
        path = StoredArtifact(store, manifest, tmp_path / "cache").path("card.json")
        assert path.stat().st_mode & 0o222 == 0

    def test_a_blob_is_found_by_its_digest(self, store: Store, tmp_path: Path) -> None:
        cache, sha256 = BlobCache(store, tmp_path / "cache"), put_bytes(store, b"local file")
        assert cache.blob(sha256).read_bytes() == b"local file"
        with pytest.raises(Missing):
            cache.blob("0" * 64)
        with pytest.raises(ValueError, match="SHA-256"):
            cache.blob("../../../etc/passwd")


class TestDamage:
    @pytest.mark.parametrize("damage", [lambda path: flip(path, 100), truncate], ids=["flipped", "truncated"])
    def test_a_damaged_cache_is_noticed_by_the_next_process_and_healed(
        self, store: Store, manifest: Manifest, tmp_path: Path, damage: Callable[[Path], None]
    ) -> None:
        path = StoredArtifact(store, manifest, tmp_path / "cache").path("model/sub/weights")
        path.chmod(0o644)
        damage(path)
        again = StoredArtifact(store, manifest, tmp_path / "cache").path("model/sub/weights")
        assert again.read_bytes() == b"w" * 1000

    def test_a_file_changed_after_its_first_use_is_noticed(
        self, store: Store, manifest: Manifest, tmp_path: Path
    ) -> None:
        artifact = StoredArtifact(store, manifest, tmp_path / "cache")
        path = artifact.path("model/sub/weights")
        path.chmod(0o644)
        path.write_bytes(b"overwritten by a job")
        assert artifact.path("model/sub/weights").read_bytes() == b"w" * 1000

    @pytest.mark.parametrize("damage", [lambda path: flip(path, 100), truncate], ids=["flipped", "truncated"])
    def test_nothing_of_a_damaged_blob_is_seen(
        self,
        store: Store,
        manifest: Manifest,
        tmp_path: Path,
        file_of: Callable[[str], Path],
        damage: Callable[[Path], None],
    ) -> None:
        record = manifest.file("model/sub/weights")
        assert record is not None
        damage(file_of(blob_path(record.sha256)))
        with pytest.raises(Corrupt):
            StoredArtifact(store, manifest, tmp_path / "cache").path("model/sub/weights")
        assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def read_all(store_root: Path, manifest: bytes, cache: Path, together: object) -> None:
    together.wait()  # type: ignore[attr-defined]
    artifact = StoredArtifact(DirectoryStore(store_root), Manifest.from_json(manifest), cache)
    for name in artifact.names():
        if artifact.path(name).read_bytes() != FILES[name]:
            os._exit(9)
    os._exit(0 if (artifact.directory("model") / "config.json").exists() else 8)


def test_many_processes_share_one_cache(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    data = commit(store, stage(), write(tmp_path / "out", FILES)).to_json()
    context = multiprocessing.get_context("fork")
    together = context.Barrier(8)
    workers = [
        context.Process(target=read_all, args=(store.root, data, tmp_path / "cache", together)) for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 8
    left = [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not [name for name in left if name.endswith((".part", ".unverified"))]


class TestFiles:
    def test_a_copy_replaces_what_was_longer(self, tmp_path: Path) -> None:
        folder = write(tmp_path, {"a": b"short", "b": b"something longer"})
        copy_file(folder / "a", folder / "b")
        assert (folder / "b").read_bytes() == b"short"

    def test_a_system_that_cannot_copy_by_itself_is_helped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(os, "copy_file_range", raising=False)  # as on macOS
        folder = write(tmp_path, {"a": b"short", "none": b""})
        copy_file(folder / "a", folder / "b")
        copy_file(folder / "none", folder / "c")
        assert ((folder / "b").read_bytes(), (folder / "c").read_bytes()) == (b"short", b"")

    def test_a_link_replaces_another_file_in_one_step(self, tmp_path: Path) -> None:
        folder = write(tmp_path, {"a": b"good", "b": b"damaged"})
        for _ in range(2):
            link_or_copy(folder / "a", folder / "b")
            assert (folder / "b").read_bytes() == b"good"
        assert sorted(os.listdir(folder)) == ["a", "b"]
        assert (folder / "a").stat().st_nlink == 2

    def test_a_source_that_is_being_replaced_can_be_linked(self, tmp_path: Path) -> None:
        folder = write(tmp_path, {"a": b"same"})
        stop = threading.Event()

        def replace() -> None:
            while not stop.is_set():
                (folder / "new").write_bytes(b"same")
                (folder / "new").replace(folder / "a")

        with ThreadPoolExecutor(1) as pool:
            replacing = pool.submit(replace)
            try:
                for turn in range(3000):
                    link_or_copy(folder / "a", folder / f"b{turn % 7}")
            finally:
                stop.set()
            replacing.result()
        assert {(folder / f"b{turn}").read_bytes() for turn in range(7)} == {b"same"}

    def test_a_source_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="absent"):
            link_or_copy(tmp_path / "absent", tmp_path / "b")
        assert list(tmp_path.iterdir()) == []

    def test_without_hard_links_it_is_a_copy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(source: Path, target: Path) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        folder = write(tmp_path, {"a": b"good"})
        link_or_copy(folder / "a", folder / "b")
        assert (folder / "b").read_bytes() == b"good"
        assert (folder / "a").stat().st_nlink == 1
