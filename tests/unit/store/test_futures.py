"""Work side by side: every item once, results in order, and nothing begun after a failure."""

import threading
import time

import pytest

from polyglot.store.futures import concurrently


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
