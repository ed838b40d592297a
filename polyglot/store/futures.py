"""Work side by side: results in order, the first failure told, nothing left running behind it."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
_QUICK_SECONDS = 0.00025  # of an item: less than what threads that wait for one another take for it
_AT_ONCE = 64


def gather(futures: "list[Future[R]]") -> list[R]:
    """Return all results in order; after a failure cancel the rest, wait for those that run, and raise it."""
    try:
        return [future.result() for future in futures]
    except BaseException:
        for future in futures:
            future.cancel()
        wait(futures)
        raise


def concurrently(function: Callable[[T], R], items: Iterable[T], threads: int = 16) -> list[R]:
    """Apply a function that mostly waits to every item, `threads` at a time; results in the order of the items.

    After a failure nothing new is begun; of several the one of the first item is raised.
    """
    todo = list(items)
    if len(todo) <= 1 or threads <= 1:
        return [function(item) for item in todo]
    places = iter(range(len(todo)))  # shared: each place is given out once. A future an item would cost more than most
    results, failures = dict[int, R](), dict[int, BaseException]()

    def work() -> None:
        for place in places:
            try:
                results[place] = function(todo[place])
            except BaseException as error:  # raised below, when all have ended
                failures[place] = error
                for _ in places:
                    pass

    count = min(threads, len(todo))
    with ThreadPoolExecutor(count) as pool:
        try:
            wait([pool.submit(work) for _ in range(count)])
        except BaseException:  # this thread was interrupted
            for _ in places:
                pass
            raise
    if failures:
        raise failures[min(failures)]
    return [results[place] for place in range(len(todo))]


def concurrently_if_slow(function: Callable[[T], R], items: Iterable[T], threads: int) -> list[R]:
    """As `concurrently`, but one item after the other for as long as they are quick: files of a local disk, say."""
    todo, results, count = list(items), list[R](), 1
    while some := todo[len(results) : len(results) + count]:
        began = time.perf_counter()
        results += [function(item) for item in some]
        if time.perf_counter() - began > _QUICK_SECONDS * len(some):
            break
        count = min(2 * count, _AT_ONCE)
    return results + concurrently(function, todo[len(results) :], threads)
