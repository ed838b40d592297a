"""Micro-batches that are laid out in the background while another one computes.

A thread takes them from the memory-mapped tokens, a few at most before they are wanted. It lives for one step: what
goes wrong in it is raised where the step waits for it, and however the step ends, the thread has ended before. What is
computed is the same with and without it.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

AHEAD = 2  # micro-batches, where a profile does not say
_Item = TypeVar("_Item")


class Ahead(Generic[_Item]):
    """The items of an iterator, `count` of them at most made before they are taken; 0: each when it is taken.

    A context manager, which ends the thread. `waited_seconds` is how long taking them has taken so far.
    """

    def __init__(self, items: Iterator[_Item], count: int) -> None:
        self._items, self._count = items, count
        self._ready: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._closed = self._ended = False  # by who takes, by who makes
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._make, name="micro-batches", daemon=True) if count else None
        self.waited_seconds = 0.0

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()  # it ends after the item that it is at

    def __iter__(self) -> Iterator[_Item]:
        while True:
            began = time.perf_counter()
            try:
                item = next(self._items) if self._thread is None else self._take()
            except StopIteration:
                return
            finally:
                self.waited_seconds += time.perf_counter() - began
            yield item

    def _take(self) -> _Item:
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._ended)
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
        if self._error is not None:
            raise self._error
        raise StopIteration

    def _make(self) -> None:
        try:
            for item in self._items:
                with self._changed:
                    self._ready.append(item)
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: len(self._ready) < self._count or self._closed)
                    if self._closed:
                        return
        except BaseException as error:  # raised where the step takes its next one
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
