"""Fault 12, the store's part: a publisher is killed at every step of its work, and the same command completes it.

After each kill the stage is either done or not begun for readers, the next run ends in the result of an undisturbed
one, and no start of an attempt is given out twice.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.store.committed import is_done
from polyglot.store.directory import DirectoryStore
from polyglot.store.locate import open_store
from polyglot.store.store import Store
from tests.kit.stages import commit, stage, write
from tests.kit.versitygw import Bucket

FILES = {"a": b"first", "b/c": b"second", "d": b"third"}
CHANGES = 5  # a claim, three blobs, the manifest


@pytest.fixture(params=["directory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "directory":
        return f"file://{tmp_path}/store"
    bucket: Bucket = request.getfixturevalue("bucket")
    for name, value in bucket.gateway.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{bucket.name}"


def publisher(url: str, out: Path, when: str, number: int, changes: "SimpleQueue[int]") -> None:
    """Publish with a store that kills the process right before or after its n-th change."""
    store: Any = open_store(url)
    done = 0

    def deadly(method: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal done
            done += 1
            mine = done == number
            if mine and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = method(*arguments)
            if mine and when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    store.create, store.upload, store.delete = map(deadly, (store.create, store.upload, store.delete))
    Attempts(store, stage()).record_start(1, {"test": 12})
    commit(store, stage(), out)
    changes.put(done)


def publish(url: str, out: Path, when: str, number: int) -> tuple[int | None, int]:
    """Publish in a process of its own; return how it ended, and its number of changes when it came to its end."""
    forked = multiprocessing.get_context("fork")
    changes = forked.SimpleQueue()
    process = forked.Process(target=publisher, args=(url, out, when, number, changes))
    process.start()
    process.join(60)
    return process.exitcode, 0 if changes.empty() else changes.get()


def undisturbed(folder: Path) -> str:
    return commit(DirectoryStore(folder / "undisturbed"), stage(), write(folder / "out", FILES)).result


def result(store: Store) -> str | None:
    manifest = is_done(store, stage())
    return manifest.result if manifest else None


def test_a_publisher_killed_anywhere_is_completed_by_the_next(url: str, tmp_path: Path) -> None:
    expected, out, store = undisturbed(tmp_path), write(tmp_path / "out", FILES), open_store(url)
    for number in range(1, CHANGES + 1):
        for when in ("before", "after"):
            assert publish(url, out, when, number) == (-signal.SIGKILL, 0)
            done = when == "after" and number == CHANGES
            assert result(store) == (expected if done else None)
            assert len(list(store.list(f"{stage().path}/manifest.json/"))) == 0
            # what was uploaded stays and is used; each kill must hit its own step, so begin anew
            exit_code, _ = publish(url, out, "never", 0)
            assert exit_code == 0
            assert result(store) == expected
            starts = Attempts(store, stage()).starts(1)
            assert starts == (1 if (number, when) == (1, "before") else 2)
            for entry in list(store.list("")):
                store.delete(entry.path)


def test_the_number_of_steps_is_what_the_test_thinks(url: str, tmp_path: Path) -> None:
    assert publish(url, write(tmp_path / "out", FILES), "never", 0) == (0, CHANGES)
