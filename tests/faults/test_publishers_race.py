"""Fault 6: twenty publishers race for one manifest. One manifest stands; losers adopt it, or report a conflict."""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from polyglot.core.errors import Conflict
from polyglot.store.committed import committed
from polyglot.store.directory import DirectoryStore
from polyglot.store.store import Store
from tests.kit.stages import commit, stage, write
from tests.kit.versitygw import Bucket

PUBLISHERS = 20


@pytest.fixture(params=["directory", "s3"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens the store anew, as each process has to."""
    if request.param == "directory":
        return lambda: DirectoryStore(tmp_path / "store")
    bucket: Bucket = request.getfixturevalue("bucket")
    return lambda: bucket.store()


def race(opened: Callable[[], Store], folder: Path, *, equal: bool, deterministic: bool) -> list[str]:
    """Start the publishers, let them go at once, and return what each said: a result digest, or "conflict"."""
    context = multiprocessing.get_context("fork")
    together = context.Barrier(PUBLISHERS)

    def publisher(number: int) -> None:
        code = 1
        try:
            data = b"equal" if equal else b"%d" % number
            out = write(folder / f"out-{number}", {"same": b"same", "result": data})
            store = opened()
            together.wait(120)
            try:
                said = commit(store, stage(), out, deterministic=deterministic).result
            except Conflict:
                said = "conflict"
            (folder / f"said-{number}").write_text(said)
            code = 0
        finally:
            os._exit(code)

    workers = [context.Process(target=publisher, args=(number,)) for number in range(PUBLISHERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(200)
    assert [worker.exitcode for worker in workers] == [0] * PUBLISHERS
    return [(folder / f"said-{number}").read_text() for number in range(PUBLISHERS)]


def test_equal_results_all_end_in_one_manifest(opened: Callable[[], Store], tmp_path: Path) -> None:
    said = race(opened, tmp_path, equal=True, deterministic=True)
    manifest = committed(opened(), "mix", stage().key)
    assert manifest is not None
    assert set(said) == {manifest.result}


def test_a_sampled_stage_has_one_result_for_all(opened: Callable[[], Store], tmp_path: Path) -> None:
    said = race(opened, tmp_path, equal=False, deterministic=False)
    manifest = committed(opened(), "mix", stage().key)
    assert manifest is not None
    assert set(said) == {manifest.result}


def test_different_results_of_a_deterministic_stage_are_conflicts_for_all_but_the_winner(
    opened: Callable[[], Store], tmp_path: Path
) -> None:
    said = race(opened, tmp_path, equal=False, deterministic=True)
    manifest = committed(opened(), "mix", stage().key)
    assert manifest is not None
    assert sorted(said) == sorted([manifest.result] + ["conflict"] * (PUBLISHERS - 1))
    assert list(opened().list(f"{stage().path}/retractions/")) == []
