"""Fault 12, the store's part: a publisher is killed at every step of its work, and the same command completes it.

After each kill the stage is either done or not begun for readers, the next run ends in the result of an undisturbed
one, and no start of an attempt is given out twice.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.store.committed import is_done
from polyglot.store.directory import DirectoryStore
from polyglot.store.locate import open_store
from polyglot.store.store import Store
from tests.kit.stages import commit, stage, write
from tests.kit.versitygw import Bucket

FILES = {"a": b"first", "b/c": b"second", "d": b"third"}

# Publishes with a store that kills the process right before or after its n-th change.
PUBLISHER = """
import os, signal, sys
from pathlib import Path
from polyglot.attempts.attempts import Attempts
from polyglot.store.locate import open_store
from tests.kit.stages import commit, stage

url, out, when, number = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
store = open_store(url)
changes = 0

def deadly(method):
    def call(*args):
        global changes
        changes += 1
        mine = changes == number
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(*args)
        if mine and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call

store.create, store.upload, store.delete = map(deadly, (store.create, store.upload, store.delete))
Attempts(store, stage()).record_start(1, {"test": 12})
commit(store, stage(), out)
print(changes)
"""
CHANGES = 5  # a claim, three blobs, the manifest


@pytest.fixture(params=["directory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "directory":
        return f"file://{tmp_path}/store"
    bucket: Bucket = request.getfixturevalue("bucket")
    for name, value in bucket.gateway.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{bucket.name}"


def publish(url: str, out: Path, when: str, number: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PUBLISHER, url, out, when, str(number)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
        capture_output=True,
        text=True,
    )


def undisturbed(folder: Path) -> str:
    return commit(DirectoryStore(folder / "undisturbed"), stage(), write(folder / "out", FILES)).result


def result(store: Store) -> str | None:
    manifest = is_done(store, stage())
    return manifest.result if manifest else None


def test_a_publisher_killed_anywhere_is_completed_by_the_next(url: str, tmp_path: Path) -> None:
    expected, out, store = undisturbed(tmp_path), write(tmp_path / "out", FILES), open_store(url)
    for number in range(1, CHANGES + 1):
        for when in ("before", "after"):
            ended = publish(url, out, when, number)
            assert ended.returncode == -signal.SIGKILL, ended.stderr
            done = when == "after" and number == CHANGES
            assert result(store) == (expected if done else None)
            assert len(list(store.list(f"{stage().path}/manifest.json/"))) == 0
            # what was uploaded stays and is used; each kill must hit its own step, so begin anew
            ended = publish(url, out, "never", 0)
            assert ended.returncode == 0, ended.stderr
            assert result(store) == expected
            starts = Attempts(store, stage()).starts(1)
            assert starts == (1 if (number, when) == (1, "before") else 2)
            for entry in list(store.list("")):
                store.delete(entry.path)


def test_the_number_of_steps_is_what_the_test_thinks(url: str, tmp_path: Path) -> None:
    ended = publish(url, write(tmp_path / "out", FILES), "never", 0)
    assert ended.stdout.strip() == str(CHANGES), ended.stderr
