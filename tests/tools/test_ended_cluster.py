"""A test cluster that ended with its machine is told from one of which a test holds or stopped a part."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cluster import lifecycle, places, processes

NAMES = ("etcd", "kubelet-node-1")


@pytest.fixture(autouse=True)
def two_daemons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A started cluster in a cache of its own, whose daemons are two real processes outside any namespace."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tools.cluster.network.entered", lambda *argv: list(argv))
    monkeypatch.setattr("tools.cluster.cgroups.enter", lambda: None)
    for name in NAMES:
        processes.start(name, ["sleep", "60"])
    (places.run() / "state.json").write_text("{}")
    yield
    for name in NAMES:
        processes.stop(name)


def test_one_that_runs_is_up_and_has_not_ended() -> None:
    assert lifecycle.is_up()
    assert not lifecycle.ended()


def test_one_of_which_nothing_runs_has_ended() -> None:
    for name in NAMES:
        processes.stop(name)
    assert lifecycle.ended()
    assert not lifecycle.is_up()


def test_one_with_a_stopped_daemon_beside_one_that_runs_has_not_ended() -> None:
    processes.stop(NAMES[0])
    assert not lifecycle.ended()
    assert not lifecycle.is_up()


def test_one_whose_last_daemon_is_held_has_not_ended() -> None:
    processes.stop(NAMES[0])
    processes.send(NAMES[1], signal.SIGSTOP)
    assert not lifecycle.ended()
    processes.send(NAMES[1], signal.SIGCONT)


def test_one_that_was_never_started_has_not_ended() -> None:
    (places.run() / "state.json").unlink()
    assert not lifecycle.ended()
