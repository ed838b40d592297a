"""Micro-batches made in the background: the same ones, a few at a time, and a thread that always ends."""

import threading
import time
from collections.abc import Iterator

import pytest

from jobs.train.ahead import Ahead


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "micro-batches"]


@pytest.mark.parametrize("count", [0, 1, 2, 64])
def test_gives_every_item_in_its_order(count: int) -> None:
    with Ahead(iter(range(20)), count) as ahead:
        assert list(ahead) == list(range(20))
    assert not threads()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_makes_no_more_than_its_bound_before_they_are_taken(count: int) -> None:
    made: list[int] = []
    ready = threading.Event()

    def items() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            if len(made) == count:
                ready.set()
            yield number

    with Ahead(items(), count) as ahead:
        assert ready.wait(10)
        for taken, number in enumerate(ahead):
            assert number == taken
            assert len(made) <= taken + 1 + count
    assert len(made) == 20


@pytest.mark.parametrize("count", [0, 2])
def test_raises_where_it_is_taken_what_making_it_raised(count: int) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("tokens.arrow: not there")

    found = []
    with pytest.raises(ValueError, match="tokens.arrow: not there"), Ahead(items(), count) as ahead:
        found.extend(ahead)
    assert not threads()


def test_ends_its_thread_when_the_step_fails() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 0

    def step() -> None:
        with Ahead(endless(), 2) as ahead:
            for _ in ahead:
                raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        step()
    assert not threads()


@pytest.mark.parametrize("count", [0, 2])
def test_says_how_long_it_was_waited_for(count: int) -> None:
    def slow() -> Iterator[int]:
        for number in range(3):
            time.sleep(0.02)
            yield number

    with Ahead(slow(), count) as ahead:
        list(ahead)
    assert ahead.waited_seconds >= 0.05
    with Ahead(iter(range(3)), 3) as quick:
        list(quick)
    assert quick.waited_seconds < ahead.waited_seconds
