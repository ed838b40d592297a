"""What every store promises, proved on a directory and on a real S3 server alike."""

import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from polyglot.core.errors import Corrupt, Missing
from polyglot.store.store import CHUNK_BYTES, Store
from polyglot.store.verify import hash_file
from tests.kit.damage import flip, random_file


class TestBasics:
    def test_an_object_comes_back_as_it_was_put(self, store: Store) -> None:
        assert store.create("a/b.json", b"\x00\xffbytes")
        assert store.read("a/b.json") == b"\x00\xffbytes"

    def test_an_empty_object_is_an_object(self, store: Store, tmp_path: Path) -> None:
        assert store.create("empty", b"")
        assert store.read("empty") == b""
        store.download("empty", tmp_path / "empty")
        assert (tmp_path / "empty").read_bytes() == b""

    def test_head_tells_size_and_time_by_the_stores_clock(self, store: Store) -> None:
        store.create("a", b"12345")
        entry = store.head("a")
        assert entry is not None
        assert (entry.path, entry.bytes) == ("a", 5)
        assert abs(store.now() - entry.modified) < timedelta(seconds=10)
        assert entry.modified.tzinfo == UTC

    def test_now_is_a_present_time_in_utc(self, store: Store) -> None:
        assert abs(store.now() - datetime.now(UTC)) < timedelta(seconds=10)

    def test_what_is_not_there_is_missing(self, store: Store, tmp_path: Path) -> None:
        assert store.head("no/such") is None
        with pytest.raises(Missing, match="no/such"):
            store.read("no/such")
        with pytest.raises(Missing):
            store.download("no/such", tmp_path / "x")
        assert list(tmp_path.glob("x*")) == []

    def test_a_prefix_is_not_an_object(self, store: Store) -> None:
        store.create("a/b", b"x")
        assert store.head("a") is None
        with pytest.raises(Missing):
            store.read("a")

    def test_deleting_twice_is_no_error(self, store: Store) -> None:
        store.create("a/b", b"x")
        store.delete("a/b")
        store.delete("a/b")
        assert store.head("a/b") is None
        assert store.create("a/b", b"y"), "a deleted path is free again"

    @pytest.mark.parametrize(
        "path",
        ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/.b", "a\\b", "a b", "ä", "a\n", "a" * 901, "%2e%2e/a"],
    )
    def test_unsafe_paths_are_refused_by_every_operation(self, store: Store, path: str, tmp_path: Path) -> None:
        (tmp_path / "f").write_bytes(b"x")
        operations: list[Callable[[], object]] = [
            lambda: store.read(path),
            lambda: store.head(path),
            lambda: store.create(path, b""),
            lambda: store.delete(path),
            lambda: store.upload(path, tmp_path / "f"),
            lambda: store.download(path, tmp_path / "g"),
        ]
        for operation in operations:
            with pytest.raises(ValueError, match="not a path"):
                operation()


class TestConditionalPut:
    def test_the_second_writer_is_refused_and_changes_nothing(self, store: Store) -> None:
        assert store.create("a", b"first")
        assert not store.create("a", b"second")
        assert not store.create("a", b"first"), "equal bytes came second, too"
        assert store.read("a") == b"first"

    def test_of_many_racing_writers_one_wins(self, store: Store) -> None:
        for turn in range(5):
            barrier = threading.Barrier(16)

            def write(number: int, turn: int = turn, barrier: threading.Barrier = barrier) -> bool:
                barrier.wait()
                return store.create(f"race/{turn}", b"%d" % number)

            with ThreadPoolExecutor(16) as pool:
                won = [number for number, first in enumerate(pool.map(write, range(16))) if first]
            assert len(won) == 1
            assert store.read(f"race/{turn}") == b"%d" % won[0]


class TestListing:
    def test_lists_below_a_prefix_in_order_of_path(self, store: Store) -> None:
        paths = ["a/x", "a/x.y/z", "a/w/y", "a-b", "a0", "b", "a/x-1", "aa/b"]
        for path in paths:
            store.create(path, path.encode())
        assert [entry.path for entry in store.list("")] == sorted(paths)
        assert [entry.path for entry in store.list("a/")] == sorted(path for path in paths if path.startswith("a/"))
        assert [entry.bytes for entry in store.list("a/")] == [
            len(path) for path in sorted(paths) if path.startswith("a/")
        ]

    def test_an_empty_prefix_has_nothing(self, store: Store) -> None:
        assert list(store.list("nothing/")) == []
        assert list(store.folders("nothing/")) == []

    def test_a_prefix_that_is_no_folder_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="prefix"):
            list(store.list("a"))

    def test_more_than_a_page_is_listed_whole(self, store: Store) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: store.create(f"many/{number:05d}", b""), range(1101)))
        assert [entry.path for entry in store.list("many/")] == [f"many/{number:05d}" for number in range(1101)]

    def test_folders_are_the_names_one_level_down(self, store: Store) -> None:
        for path in ("s/a/1", "s/a/2/3", "s/b/1", "s/c", "t/d/1"):
            store.create(path, b"")
        assert list(store.folders("s/")) == ["a", "b"]
        store.delete("s/b/1")
        assert list(store.folders("s/")) == ["a"], "a folder without objects is none"


class TestLargeFiles:
    @pytest.mark.parametrize("size", [0, 1, 8 * 2**20, 8 * 2**20 + 1, 16 * 2**20, 16 * 2**20 + 1, 40 * 2**20])
    def test_a_file_of_any_size_comes_back(self, store: Store, tmp_path: Path, size: int) -> None:
        source = random_file(tmp_path / "source", size)
        store.upload("blobs/x", source)
        entry = store.head("blobs/x")
        assert entry is not None
        assert entry.bytes == size
        store.download("blobs/x", tmp_path / "target")
        assert hash_file(tmp_path / "target") == hash_file(source)
        assert list(store.unfinished()) == []

    def test_chunks_are_verified_on_their_way(
        self, store: Store, tmp_path: Path, file_of: Callable[[str], Path]
    ) -> None:
        source = random_file(tmp_path / "source", CHUNK_BYTES + 20 * 2**20)
        _, _, chunks = hash_file(source)
        assert len(chunks) == 2
        store.upload("blobs/x", source)
        store.download("blobs/x", tmp_path / "target", chunks)
        flip(file_of("blobs/x"), CHUNK_BYTES + 17 * 2**20)
        (tmp_path / "target").unlink()
        with pytest.raises(Corrupt, match=str(CHUNK_BYTES)):
            store.download("blobs/x", tmp_path / "target", chunks)
        assert sorted(path.name for path in tmp_path.iterdir() if path.name != "store") == ["source"]

    def test_many_threads_download_one_object(self, store: Store, tmp_path: Path) -> None:
        source = random_file(tmp_path / "source", 20 * 2**20)
        store.upload("blobs/x", source)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: store.download("blobs/x", tmp_path / f"target-{number}"), range(4)))
        assert len({hash_file(tmp_path / f"target-{number}")[0] for number in range(4)}) == 1

    def test_uploading_again_is_harmless(self, store: Store, tmp_path: Path) -> None:
        source = random_file(tmp_path / "source", 9 * 2**20)
        for _ in range(2):
            store.upload("blobs/x", source)
        store.download("blobs/x", tmp_path / "target")
        assert hash_file(tmp_path / "target") == hash_file(source)


def test_hashing_reads_in_bounded_memory(tmp_path: Path) -> None:
    source = random_file(tmp_path / "source", CHUNK_BYTES * 2 + 5)
    tracemalloc.start()
    try:
        _, size, chunks = hash_file(source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (size, len(chunks)) == (CHUNK_BYTES * 2 + 5, 3)
    assert peak < 20 * 2**20
