"""Parts of a result: put once each, found by all, never mixed with parts that do not fit."""

from pathlib import Path

import pytest

from polyglot.attempts.garbage import collect
from polyglot.attempts.parts import StoredParts
from polyglot.core.errors import Corrupt, Missing
from polyglot.core.stage import Stage
from polyglot.store.store import Store

STAGE = Stage(kind="answer", version=1, params={"a": 1})


def parts_of(store: Store, index: int, count: int = 2, **fit: str) -> StoredParts:
    return StoredParts(store, STAGE, index=index, count=count, fit=fit)


def put(parts: StoredParts, tmp_path: Path, text: str, **fit: str) -> None:
    file = tmp_path / "part"
    file.write_text(text)
    parts.put(file, **fit)


def test_all_are_seen_once_all_are_there(store: Store, tmp_path: Path) -> None:
    first, second = parts_of(store, 0), parts_of(store, 1)
    assert first.missing() == [0, 1]
    put(second, tmp_path, "two")
    assert first.missing() == second.missing() == [0]
    with pytest.raises(Missing):
        first.fetch(tmp_path / "early")
    put(first, tmp_path, "one")
    assert first.missing() == []
    assert [path.read_text() for path in second.fetch(tmp_path / "all")] == ["one", "two"]


def test_the_first_record_of_a_part_stays(store: Store, tmp_path: Path) -> None:
    for text in ("first", "second"):
        put(parts_of(store, 0, 1), tmp_path, text)
    assert parts_of(store, 0, 1).fetch(tmp_path / "all")[0].read_text() == "first"


def test_what_does_not_fit_is_not_there(store: Store, tmp_path: Path) -> None:
    put(parts_of(store, 0, inputs="old"), tmp_path, "x", device="cpu")
    assert parts_of(store, 0, inputs="old").missing(device="cpu") == [1]
    assert parts_of(store, 0, inputs="new").missing(device="cpu") == [0, 1]
    assert parts_of(store, 0, inputs="old").missing(device="gpu") == [0, 1]
    assert parts_of(store, 0, 3, inputs="old").missing(device="cpu") == [0, 1, 2]


def test_a_record_that_was_damaged_is_corrupt(store: Store, tmp_path: Path) -> None:
    parts = parts_of(store, 0, 1)
    store.create(parts._path(0, {}), b'{"files":[]}')
    with pytest.raises(Corrupt):
        parts.fetch(tmp_path / "all")


def test_garbage_collection_keeps_them_until_the_stage_is_done(store: Store, tmp_path: Path) -> None:
    put(parts_of(store, 0), tmp_path, "kept")
    assert collect(store, grace_days=0, dry_run=True).kept_blobs == 1


def test_a_shard_outside_of_its_count_is_a_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="shard 2 of 2"):
        parts_of(store, 2)
