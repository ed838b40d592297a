"""Work spread over processes: results in order, errors told, nothing left running."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.lib import processes
from polyglot.core.errors import Corrupt, Interrupted


class Refused(Exception):
    """One that pickle takes apart and cannot put together."""

    def __init__(self, language: str, rows: int) -> None:
        super().__init__(f"{language} has {rows}")


def work(item: tuple[str, str], look: Callable[[], None]) -> str:
    """What the item says, with a file that it names."""
    what, argument = item
    if what == "look":
        while True:
            look()
            time.sleep(0.05)
    if what == "wait":
        Path(argument).write_text(str(os.getpid()), encoding="ascii")
        time.sleep(300)
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "exit":
        os._exit(7)
    if what == "corrupt":
        raise Corrupt(argument)
    if what == "refuse":
        raise Refused("EN", 3)
    return f"{argument} {os.getpid()}"


def go_on() -> None:
    pass


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_results_have_the_order_of_the_items_and_this_process_works_too() -> None:
    found = processes.each(work, {name: ("say", name) for name in "badc"}, at_once=3, check=go_on)
    said = [text.split() for text in found.values()]
    assert list(found) == list("badc")
    assert [word for word, _ in said] == list("badc")
    assert said[0][1] == str(os.getpid())
    assert len({pid for _, pid in said}) >= 3


@pytest.mark.parametrize(
    ("item", "error", "words"),
    [
        (("corrupt", "EN.jsonl:3: no row"), Corrupt, "EN.jsonl:3: no row"),
        (("refuse", ""), RuntimeError, "Refused: EN has 3"),
        (("kill", ""), MemoryError, "EN: its process was killed, as the system does for want of memory"),
        (("exit", ""), RuntimeError, "EN: its process ended with 7 and without a result"),
    ],
)
def test_an_error_is_raised_here_and_ends_the_others(
    item: tuple[str, str], error: type[Exception], words: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    with pytest.raises(error) as raised:
        processes.each(work, {"": ("look", ""), "EN": item, "DE": ("wait", str(other))}, at_once=3, check=go_on)
    assert str(raised.value) == words
    assert not other.exists() or not is_running(int(other.read_text(encoding="ascii")))


def test_who_is_asked_to_stop_leaves_no_process(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("EN", "DE")]

    def check() -> None:
        if all(file.exists() and file.read_text(encoding="ascii") for file in files):
            raise Interrupted("asked to stop")

    others = {file.name: ("wait", str(file)) for file in files}
    with pytest.raises(Interrupted):
        processes.each(work, {"": ("look", ""), **others}, at_once=3, check=check)
    assert not any(is_running(int(file.read_text(encoding="ascii"))) for file in files)


def test_no_process_outlives_the_one_that_started_it(tmp_path: Path) -> None:
    file = tmp_path / "EN"
    parent = os.fork()
    if parent == 0:
        processes.each(work, {"": ("look", ""), "EN": ("wait", str(file))}, at_once=2, check=go_on)
    while not (file.exists() and file.read_text(encoding="ascii")):
        time.sleep(0.05)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    child = int(file.read_text(encoding="ascii"))
    until = time.monotonic() + 60
    while is_running(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(child)
