"""Tests below tests/unit start no process and open no connection: the hook fails the one that does, by name."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

FORBIDDEN = frozenset(
    {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}
    | {"socket.bind", "socket.connect"}
)
_running: list[str] = []
_others: set[int] = set()  # threads of tests before it, which are not this one's fault
_seen: list[str] = []


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hooks stay for good, so this one looks whether a test runs."""
    if event in FORBIDDEN and _running and threading.get_ident() not in _others:
        _seen.append(f"{event} {arguments[:2]}")
        raise AssertionError(f"{_seen[-1]}: a test below tests/unit needs no process and no connection (docs/tests.md)")


sys.addaudithook(_refuse)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Fixtures and their ends are part of a test. This hook is called for the tests of all folders."""
    _others.clear()
    _others.update(set(sys._current_frames()) - {threading.get_ident()})
    _running[:] = [item.nodeid] if Path(__file__).parent in item.path.parents else []
    try:
        return (yield)
    finally:
        _running.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """What the code under test caught, or a thread of it ran into, fails the test too."""
    result = yield
    if _seen:
        seen = "; ".join(_seen)
        _seen.clear()
        pytest.fail(f"{seen}: a test below tests/unit needs no process and no connection (docs/tests.md)")
    return result
