"""Work side by side: results in order, the first failure told, nothing left running behind it."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


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
