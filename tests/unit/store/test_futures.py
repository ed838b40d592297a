"""Work side by side: every item once, results in order, and nothing begun after a failure."""

import threading
import time

import pytest

from polyglot.store import futures
from polyglot.store.futures import concurrently, concurrently_if_slow


def test_every_item_is_worked_on_once_and_results_are_in_the_order_of_the_items() -> None:
    seen: list[int] = []

    def work(item: int) -> int:
        seen.append(item)
        time.sleep(0.0005 * (item % 3))
        return item * 2

    assert concurrently(work, range(500), 32) == [item * 2 for item in range(500)]
    assert sorted(seen) == list(range(500))


def test_of_several_failures_that_of_the_first_item_is_raised_and_nothing_new_is_begun() -> None:
    both, begun = threading.Barrier(2, timeout=10), list[int]()

    def work(item: int) -> int:
        begun.append(item)
        if item < 2:
            both.wait()
            time.sleep(0.05 * (1 - item))  # the second fails first
            raise ValueError(f"item {item}")
        time.sleep(0.2)
        return item

    with pytest.raises(ValueError, match="item 0"):
        concurrently(work, range(100), 3)
    assert {0, 1} <= set(begun) <= {0, 1, 2}


def test_nothing_is_left_running_behind_a_failure() -> None:
    both, ended = threading.Barrier(2, timeout=10), list[int]()

    def work(item: int) -> None:
        both.wait()
        if item == 0:
            raise OSError("away")
        time.sleep(0.1)
        ended.append(item)

    with pytest.raises(OSError, match="away"):
        concurrently(work, range(2), 2)
    assert ended == [1]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every item is quick, however busy the machine."""
    monkeypatch.setattr(futures, "_QUICK_SECONDS", 60.0)


@pytest.mark.usefixtures("quick")
def test_quick_items_are_worked_on_by_the_caller_alone() -> None:
    assert concurrently_if_slow(lambda item: (item, threading.get_ident()), range(300), 32) == [
        (item, threading.get_ident()) for item in range(300)
    ]


def test_from_the_first_slow_item_on_they_are_worked_on_side_by_side() -> None:
    both = threading.Barrier(2, timeout=10)

    def work(item: int) -> int:
        if item == 100:
            time.sleep(0.1)
        elif item in (300, 301):  # passed by two at once alone
            both.wait()
        return item * 2

    assert concurrently_if_slow(work, range(400), 2) == [item * 2 for item in range(400)]


@pytest.mark.usefixtures("quick")
def test_of_quick_items_nothing_is_begun_after_a_failure() -> None:
    begun = list[int]()

    def work(item: int) -> int:
        begun.append(item)
        if item == 70:
            raise ValueError(f"item {item}")
        return item

    with pytest.raises(ValueError, match="item 70"):
        concurrently_if_slow(work, range(300), 32)
    assert begun == list(range(71))
