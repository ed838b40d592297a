"""The same work on several things at once, this process and others: results as if one had come after the other.

A process is started anew (`spawn`), as the worker has threads that a fork would leave half alive; so the work is a
function of a module, and what goes in and comes out of other processes is pickled. What one of them raises is raised
here, and ends the others. A process that dies without a word is told by name; where it was killed (SIGKILL) nobody but
the system does so, for want of memory. Whoever raises from `check` ends all of them; none outlives this process.
"""

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")

Check = Callable[[], None]
Work = Callable[[Item, Check], Result]

_LOOK_SECONDS = 0.5  # between two calls of `check`


def each(work: Work[Item, Result], items: Mapping[str, Item], *, at_once: int, check: Check) -> dict[str, Result]:
    """Return what `work` makes of every item, under its name and in their order.

    `at_once` are worked on at the same time, one of them in this process. The work calls what it is given now and then;
    so `check` is called. Raises what the work raises, MemoryError for a process that was killed, and RuntimeError for
    one that ended otherwise without a result.
    """
    waiting, found = list(items), dict[str, Result]()
    running: dict[str, _Started[Result]] = {}

    def look(seconds: float = 0.0) -> None:
        ready = wait([started.connection for started in running.values()], timeout=seconds)
        check()  # first: whoever was asked to stop had its processes stopped, too
        for name in [name for name, started in running.items() if started.connection in ready]:
            found[name] = running[name].result()
            running.pop(name).end()
        while waiting and len(running) < at_once - 1:
            name = waiting.pop(0)
            running[name] = _Started(work, items[name], name)

    try:
        while waiting:
            mine = waiting.pop(0)
            look()
            found[mine] = work(items[mine], look)
        while running:
            look(_LOOK_SECONDS)
    finally:
        for started in running.values():
            started.process.terminate()
        for started in running.values():
            started.end()
    return {name: found[name] for name in items}


class _Started(Generic[Result]):
    """A process at work, and the end of a pipe that its result comes out of."""

    def __init__(self, work: Work[Item, Result], item: Item, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_run, args=(work, item, theirs), name=name, daemon=True)
        self.process.start()
        theirs.close()  # the pipe then ends when the process does

    def result(self) -> Result:
        """What came of it, once there is something to read."""
        try:
            answer: _Answer[Result] = self.connection.recv()
        except (EOFError, OSError):  # before its answer, or in the middle of it
            self.process.join()
            name, code = self.process.name, self.process.exitcode
            if code == -signal.SIGKILL:
                raise MemoryError(f"{name}: its process was killed, as the system does for want of memory") from None
            raise RuntimeError(f"{name}: its process ended with {code} and without a result") from None
        if answer.error is not None:
            answer.error.add_note(f"In the process of {self.process.name}:\n{answer.traceback}")
            raise answer.error
        return cast(Result, answer.result)

    def end(self) -> None:
        """Leave nothing of it behind; it has ended, or was told to."""
        self.process.join()
        self.connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer(Generic[Result]):
    result: Result | None = None
    error: Exception | None = None
    traceback: str = ""


def _run(work: Work[Item, Result], item: Item, connection: Connection) -> None:
    """In the new process: work, and say what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: who started us decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer = _Answer(result=work(item, _go_on))
    except Exception as error:
        answer = _Answer(error=_carried(error), traceback=traceback.format_exc())
    connection.send(answer)
    connection.close()


def _go_on() -> None:
    """Nobody is asked to stop here: the process is ended."""


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _carried(error: Exception) -> Exception:
    """The error as it comes out at the other end, or one with its words where it would not."""
    with contextlib.suppress(Exception):
        if str(pickle.loads(pickle.dumps(error))) == str(error):  # noqa: S301 - our own
            return error
    return RuntimeError(f"{type(error).__name__}: {error}")
