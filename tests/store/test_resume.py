"""Checkpoints and journals: what a killed worker's successor finds."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from polyglot.attempts.checkpoints import StoredCheckpoints, newest_paths
from polyglot.attempts.journal import StoredJournal
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import Corrupt, StoreError
from polyglot.store.blobs import blob_path, put_bytes
from polyglot.store.directory import DirectoryStore
from polyglot.store.store import Store
from tests.kit.damage import flip, truncate
from tests.kit.stages import stage, write


def state(folder: Path, step: int) -> Path:
    return write(folder / f"state-{step}", {"model/weights": b"weights %d" % step, "rng.json": b"%d" % step})


class TestCheckpoints:
    def test_the_newest_step_is_fetched_whole(self, store: Store, tmp_path: Path) -> None:
        checkpoints = StoredCheckpoints(store, stage(), 1, 1)
        assert checkpoints.newest(tmp_path / "resume") is None
        for step in (9, 10, 2):
            checkpoints.save(state(tmp_path, step), step)
        assert checkpoints.newest(tmp_path / "resume") == 10
        assert (tmp_path / "resume/model/weights").read_bytes() == b"weights 10"
        assert sorted(path.name for path in (tmp_path / "resume").iterdir()) == ["model", "rng.json"]

    def test_all_attempts_share_them(self, store: Store, tmp_path: Path) -> None:
        StoredCheckpoints(store, stage(), 1, 1).save(state(tmp_path, 5), 5)
        StoredCheckpoints(store, stage(), 2, 1).save(state(tmp_path, 4), 4)
        assert StoredCheckpoints(store, stage(), 3, 1).newest(tmp_path / "resume") == 5

    def test_an_earlier_target_is_replaced(self, store: Store, tmp_path: Path) -> None:
        checkpoints = StoredCheckpoints(store, stage(), 1, 1)
        checkpoints.save(state(tmp_path, 1), 1)
        write(tmp_path / "resume", {"left over": b"x"})
        assert checkpoints.newest(tmp_path / "resume") == 1
        assert not (tmp_path / "resume/left over").exists()

    @pytest.mark.parametrize("damage", [lambda path: flip(path, 2), truncate, Path.unlink], ids=["flip", "cut", "gone"])
    @pytest.mark.parametrize("part", ["record", "blob"])
    def test_a_damaged_one_is_passed_over_with_a_warning(
        self,
        store: Store,
        tmp_path: Path,
        file_of: Callable[[str], Path],
        caplog: pytest.LogCaptureFixture,
        damage: Callable[[Path], None],
        part: str,
    ) -> None:
        checkpoints = StoredCheckpoints(store, stage(), 1, 1)
        for step in (1, 2, 3):
            checkpoints.save(state(tmp_path, step), step)
        record = f"{stage().path}/attempts/1/checkpoints/000000003-0001.json"
        damage(file_of(record if part == "record" else blob_path(sha256_bytes(b"weights 3"))))
        with caplog.at_level(logging.WARNING):
            assert checkpoints.newest(tmp_path / "resume") == 2
        assert (tmp_path / "resume/model/weights").read_bytes() == b"weights 2"
        told = [message for message in caplog.messages if "passing over" in message]
        assert len(told) == (0 if (part, damage) == ("record", Path.unlink) else 1)

    def test_a_store_that_fails_is_not_a_damaged_checkpoint(self, tmp_path: Path) -> None:
        store = DirectoryStore(tmp_path / "store")
        StoredCheckpoints(store, stage(), 1, 1).save(state(tmp_path, 1), 1)

        class Broken(DirectoryStore):
            def download(self, path: str, target: Path, chunks: object = ()) -> None:
                raise StoreError("the network is down")

        with pytest.raises(StoreError, match="network"):
            StoredCheckpoints(Broken(store.root), stage(), 1, 2).newest(tmp_path / "resume")

    def test_the_same_step_saved_twice_by_one_start_must_be_the_same(self, store: Store, tmp_path: Path) -> None:
        checkpoints = StoredCheckpoints(store, stage(), 1, 1)
        for _ in range(2):
            checkpoints.save(state(tmp_path, 1), 1)
        with pytest.raises(StoreError, match="other content"):
            checkpoints.save(write(tmp_path / "other", {"x": b"y"}), 1)


def large(folder: Path, step: int, **small: bytes) -> Path:
    """A state like a model's: one large file of this step, and small ones."""
    return write(folder / f"large-{step}", {"weights": weights(step), **small})


def weights(step: int) -> bytes:
    return b"%09d" % step * 120_000  # above ROTATED_BYTES


class TestRotation:
    def paths(self, store: Store) -> list[str]:
        return [path.rpartition("/")[2] for path in newest_paths(store, f"{stage().path}/attempts/")]

    def has(self, store: Store, step: int) -> bool:
        return store.head(blob_path(sha256_bytes(weights(step)))) is not None

    def test_a_start_keeps_its_newest_two(self, store: Store, tmp_path: Path) -> None:
        checkpoints = StoredCheckpoints(store, stage(), 1, 1)
        for step in range(1, 6):
            checkpoints.save(large(tmp_path, step, rng=b"always the same"), step)
        assert self.paths(store) == ["000000005-0001.json", "000000004-0001.json"]
        assert [step for step in range(1, 6) if self.has(store, step)] == [4, 5]
        assert checkpoints.newest(tmp_path / "resume") == 5
        assert (tmp_path / "resume/rng").read_bytes() == b"always the same"

    def test_what_others_have_put_stays(self, store: Store, tmp_path: Path) -> None:
        put_bytes(store, weights(1))  # a file of somebody's artifact, say
        StoredCheckpoints(store, stage(), 1, 1).save(large(tmp_path, 2), 2)
        checkpoints = StoredCheckpoints(store, stage(), 1, 2)
        for step in range(1, 6):
            checkpoints.save(large(tmp_path, step), step)
        assert [step for step in range(1, 6) if self.has(store, step)] == [1, 2, 4, 5]
        assert "000000002-0001.json" in self.paths(store)

    def test_a_small_file_that_another_training_has_as_well_stays(self, store: Store, tmp_path: Path) -> None:
        """Equal bytes are one blob: who put it first must not take it from the other."""
        mine, others = StoredCheckpoints(store, stage(), 1, 1), StoredCheckpoints(store, stage("other"), 1, 1)
        mine.save(large(tmp_path, 1, rng=b"equal at step 1"), 1)
        others.save(large(tmp_path, 7, rng=b"equal at step 1"), 1)
        for step in (2, 3):
            mine.save(large(tmp_path, step, rng=b"later"), step)
        assert not self.has(store, 1)
        assert others.newest(tmp_path / "resume") == 1

    def test_the_last_whole_one_stays_when_a_newer_one_is_not(
        self, store: Store, tmp_path: Path, file_of: Callable[[str], Path]
    ) -> None:
        checkpoints = StoredCheckpoints(store, stage(), 1, 1)
        for step in (1, 2):
            checkpoints.save(large(tmp_path, step), step)
        file_of(blob_path(sha256_bytes(weights(2)))).unlink()
        checkpoints.save(large(tmp_path, 3), 3)
        assert self.has(store, 1)
        assert len(self.paths(store)) == 3

    def test_a_reader_that_is_overtaken_finds_the_newer_ones(self, tmp_path: Path) -> None:
        store = DirectoryStore(tmp_path / "store")
        writer = StoredCheckpoints(store, stage(), 1, 1)
        for step in (1, 2):
            writer.save(large(tmp_path, step), step)
        left = [3, 4]

        class Overtaken(DirectoryStore):
            def download(self, path: str, target: Path, chunks: Sequence[str] = ()) -> None:
                while left:
                    writer.save(large(tmp_path, left[0]), left.pop(0))
                super().download(path, target, chunks)

        reader = StoredCheckpoints(Overtaken(store.root), stage(), 1, 2)
        assert reader.newest(tmp_path / "resume") == 4
        assert (tmp_path / "resume/weights").read_bytes() == weights(4)


class TestFit:
    def test_a_checkpoint_for_other_inputs_is_passed_over_for_an_older_one_that_fits(
        self, store: Store, tmp_path: Path
    ) -> None:
        StoredCheckpoints(store, stage(), 1, 1, fit="now").save(state(tmp_path, 3), 3)
        StoredCheckpoints(store, stage(), 1, 2, fit="before").save(state(tmp_path, 9), 9)
        assert StoredCheckpoints(store, stage(), 2, 1, fit="now").newest(tmp_path / "resume") == 3
        assert StoredCheckpoints(store, stage(), 2, 1, fit="other").newest(tmp_path / "resume") is None

    def test_records_for_other_inputs_are_not_read(self, store: Store) -> None:
        for number, fit in enumerate(("before", "now"), 1):
            with StoredJournal(store, stage(), 1, number, fit=fit) as journal:
                journal.append({"id": fit})
        assert StoredJournal(store, stage(), 2, 1, fit="now").read() == [{"id": "now"}]


class TestJournal:
    def test_records_of_all_attempts_come_back_in_order(self, store: Store) -> None:
        written = []
        for attempt, start in ((1, 1), (1, 2), (2, 1), (10, 1)):
            with StoredJournal(store, stage(), attempt, start) as journal:
                for number in range(30):
                    record = {"id": f"{attempt}-{start}-{number}", "text": "zwei\nZeilen \u2028 ü"}
                    journal.append(record)
                    written.append(record)
        assert StoredJournal(store, stage(), 11, 1).read() == written

    def test_records_of_an_earlier_version_of_the_stage_come_first_where_they_still_fit(self, store: Store) -> None:
        old, own = stage("old"), stage("own")
        for number, (of, fit, name) in enumerate(
            ((old, "0", "old"), (old, "1", "withdrawn"), (stage("other"), "0", "other"), (own, "1", "own")), 1
        ):
            with StoredJournal(store, of, 1, number, fit=fit) as journal:
                journal.append({"id": name})
        again = StoredJournal(store, own, 2, 1, fit="1", earlier=[(old, "0")])
        assert again.read() == [{"id": "old"}, {"id": "own"}]

    def test_flushed_records_are_durable_without_closing(self, store: Store) -> None:
        journal = StoredJournal(store, stage(), 1, 1)
        journal.append({"id": "1"})
        journal.flush()
        assert StoredJournal(store, stage(), 1, 2).read() == [{"id": "1"}]
        journal.close()
        journal.close()

    def test_many_threads_append_and_nothing_is_lost(self, store: Store) -> None:
        with StoredJournal(store, stage(), 1, 1) as journal:

            def work(worker: int) -> None:
                for number in range(50):
                    journal.append({"id": f"{worker}-{number}"})
                journal.flush()

            threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len({record["id"] for record in journal.read()}) == 400
        groups = list(store.list(f"{stage().path}/attempts/1/journal/"))
        assert len(groups) < 400, "records that wait together are put together"

    @pytest.mark.parametrize("damage", [lambda path: flip(path, 150), truncate, lambda path: flip(path, 3)])
    def test_a_damaged_group_is_told(
        self, store: Store, file_of: Callable[[str], Path], damage: Callable[[Path], None]
    ) -> None:
        with StoredJournal(store, stage(), 1, 1) as journal:
            for number in range(5):
                journal.append({"id": str(number), "text": "x" * 40})
        (first, *_) = store.list(f"{stage().path}/attempts/1/journal/")
        damage(file_of(first.path))
        with pytest.raises(Corrupt, match="journal"):
            StoredJournal(store, stage(), 1, 2).read()

    def test_the_writers_error_reaches_whoever_waits(self, tmp_path: Path) -> None:
        class Full(DirectoryStore):
            def create(self, path: str, data: bytes) -> bool:
                raise StoreError("no space left")

        journal = StoredJournal(Full(tmp_path), stage(), 1, 1)
        journal.append({"id": "1"})
        for _ in range(2):
            with pytest.raises(StoreError, match="no space"):
                journal.flush()
        with pytest.raises(StoreError, match="no space"):
            journal.append({"id": "2"})

    def test_two_writers_with_one_start_number_are_noticed(self, store: Store) -> None:
        with StoredJournal(store, stage(), 1, 1) as journal:
            journal.append({"id": "1"})
        other = StoredJournal(store, stage(), 1, 1)
        other.append({"id": "2"})
        with pytest.raises(StoreError, match="same start number"):
            other.flush()

    def test_what_json_cannot_carry_is_refused_at_once(self, store: Store) -> None:
        with StoredJournal(store, stage(), 1, 1) as journal, pytest.raises(ValueError, match="canonical"):
            journal.append({"cost": float("nan")})
