"""A study that was interrupted and that nobody runs is told from one that somebody is at, by every verb that looks."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from polyglot.cli.session import open_session
from polyglot.schedulers.local.lock import KeyLocks, locks_directory
from tests.kit.desk import Desk
from tests.kit.world import end, until

STOPPED = "one-data: nobody runs it on this machine; `polyglot submit STUDY` goes on"


@contextmanager
def polyglot(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command line in a process of its own."""
    words = [sys.executable, "-m", "polyglot", *map(str, arguments)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        end(process)


def state(desk: Desk) -> str:
    (row,) = json.loads(desk.run("list", "--store", desk.url, "-o", "json").out)
    return str(row["state"])


def test_a_study_that_was_interrupted_is_stopped_until_somebody_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk.at(tmp_path, monkeypatch)
    study = desk.study("one")
    submit = ("submit", study, "--data-only", "--store", desk.url)
    desk.submitted(study)
    assert state(desk) == "waiting"  # nobody ever ran it here, so nobody knows whether somebody does elsewhere
    locks = KeyLocks(locks_directory(), desk.url)
    with polyglot(*submit) as driver:
        until(lambda: locks.driven("one"))
        driver.send_signal(signal.SIGTERM)
        assert driver.wait(30) != 0
    assert locks.driven("one") is False
    assert state(desk) == "stopped"
    look = ("status", "one", "--data-only", "--store", desk.url)
    assert desk.run(*look).err.splitlines()[-1] == STOPPED
    with locks.driving("one"):
        assert state(desk) in ("waiting", "interrupted")
        assert "nobody runs it" not in desk.run(*look).err

    with polyglot("watch", "one", "--data-only", "--store", desk.url) as watching:
        said: list[bytes] = []
        assert watching.stderr is not None
        reader = threading.Thread(target=lambda lines=watching.stderr: said.extend(lines))
        reader.start()
        until(lambda: any(b"nobody runs it" in line for line in said))
        session = open_session(study, mix=None, profile="local", store=desk.url, data_only=True)
        for planned in session.plan:
            desk.commit(session, planned.label)
        assert watching.wait(30) == 0
        reader.join(10)
    assert [line for line in said if b"nobody runs it" in line] == [f"{STOPPED}\n".encode()]
    assert said[-1].startswith(b"one-data: ")
