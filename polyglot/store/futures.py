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
    """Apply a function that mostly waits to every item, `threads` at a time; results in the order of the items."""
    todo = list(items)
    if len(todo) <= 1 or threads <= 1:
        return [function(item) for item in todo]
    with ThreadPoolExecutor(min(threads, len(todo))) as pool:
        return gather([pool.submit(function, item) for item in todo])
