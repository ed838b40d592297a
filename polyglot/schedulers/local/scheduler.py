"""Attempts as worker processes of this machine.

Promises: never more than the budget at once; the first that fits of what waits starts first; a worker over its memory
is killed and reported as out of memory with the peak seen; one over its deadline is asked to stop, then killed; two
drivers never run one stage at the same time; workers do not outlive their driver by more than their grace.

Not promised: limits that hold between two samples of memory (every `sample_seconds`), nor isolation of files.

How an ended process is told to the engine: the table in `worker`.
"""

import contextlib
import json
import os
import selectors
import shutil
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from polyglot.core.canonical import digest
from polyglot.core.devices import MACHINE_CPUS
from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.kinds.registry import environment_of, kind_of, traits_of
from polyglot.kinds.settings import threads_of
from polyglot.schedulers.base import Attempt, Capacity, Ended, Event, Outcome, Running, Scheduler, Starting
from polyglot.schedulers.local.budget import Allocation, Allocator, Budget
from polyglot.schedulers.local.lock import KeyLocks, locks_directory
from polyglot.schedulers.local.process import KernelKills, Launch, PlainProcess, Process, ask_to_stop, kill
from polyglot.schedulers.local.warm import MODEL_LIBRARIES, WarmServer
from polyglot.schedulers.local.worker import Worker
from polyglot.study.profile import Profile

_POLL_SECONDS = 0.25
_UNBORN_SECONDS = 3.0  # that a fork server gets to name the process of a worker that shall stop


class LocalScheduler(Scheduler):
    """`state` is a local directory for logs, caches and work directories; nothing in it is ever the truth.

    `locks` is the directory of the locks, in `state` unless drivers with other states shall see them.
    `environments` are folders whose Python starts the workers that need another one than ours.
    `warm` forks workers from servers that have imported what they need (POLYGLOT_WARM=0 in the environment: never).
    """

    def __init__(
        self,
        state: Path,
        *,
        locks: Path | None = None,
        budget: Budget | None = None,
        warm: bool = True,
        environment: Mapping[str, str] | None = None,
        environments: Mapping[str, str] | None = None,
        sample_seconds: float = 0.5,
    ) -> None:
        self._state = state.absolute()
        self.budget = budget or Budget.of_machine()
        self._allocator = Allocator(self.budget)
        self._warm = warm and os.environ.get("POLYGLOT_WARM", "1") != "0"
        self._environment = {**os.environ, **(environment or {})}
        self._environments = {name: Path(folder).absolute() for name, folder in (environments or {}).items()}
        self._sample_seconds = sample_seconds
        self._locks = (locks or self._state / "locks").absolute()
        (self._state / "logs").mkdir(parents=True, exist_ok=True)
        self._waiting: dict[str, Attempt] = {}
        self._contended: set[str] = set()  # names of waiting attempts whose lock another driver held
        self._running: dict[str, Worker] = {}
        self._events: deque[Event] = deque()
        self._servers: dict[str, WarmServer] = {}
        self._sampled = 0.0
        self._kernel_kills = KernelKills()

    @classmethod
    def for_profile(cls, profile: Profile) -> "LocalScheduler":
        """The scheduler of a profile: its CPUs and memory, at most the machine's; state where POLYGLOT_STATE says."""
        return cls(
            state_directory(),
            locks=locks_directory(),
            budget=Budget.of_profile(profile),
            environments=profile.environments,
        )

    # What every scheduler says

    def check(self, planned: PlannedStage) -> None:
        """Raise BadInput when there can never be room for a stage, or the environment that it needs is not there."""
        self.budget.check(planned)
        if not Path(self._python(planned)).exists():
            own = environment_of(planned)
            raise BadInput(
                f"answers by {own} need an environment of their own, which is not there",
                where=planned.label,
                expected=self._python(planned),
                remedy=f"`make {own}` makes it; the profile's `environments: {{{own}: FOLDER}}` names another folder",
            )

    def notes(self, stages: Sequence[PlannedStage]) -> Sequence[str]:
        """Name the kinds of stages that ask for more CPUs than there are."""
        return self.budget.notes(stages)

    def capacity(self, planned: PlannedStage) -> Capacity:
        """All the memory that this machine gives to workers."""
        del planned
        return Capacity(memory_bytes=self.budget.memory_bytes, where="this machine")

    def submit(self, attempt: Attempt) -> None:
        """Queue an attempt; it starts when there is room."""
        if attempt.name not in self._running:
            self._waiting.setdefault(attempt.name, attempt)
        self._server(attempt.planned)  # importing torch may begin while the attempt waits

    def watch(self, timeout_seconds: float) -> Iterator[Event]:
        """Yield ends and starts as they are seen; returns after the timeout when there are none."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            self._reap()
            self._admit()
            self._sample()
            self._enforce()
            if self._events:
                while self._events:
                    yield self._events.popleft()
                return
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._sleep(min(left, _POLL_SECONDS))

    def logs(self, attempt: Attempt, *, follow: bool) -> Iterator[tuple[int, bytes]]:
        """Yield the attempt's output from its beginning, of rank 0; with `follow`, until the attempt has ended."""
        path = self.log_path(attempt)
        offset = 0
        while True:
            over = not (follow and self.is_running(attempt))
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(offset)
                while data := file.read(1 << 16):
                    offset += len(data)
                    yield 0, data
            if over:
                return
            time.sleep(_POLL_SECONDS)

    def cancel(self, attempt: Attempt) -> None:
        """Ask it to stop: SIGTERM now, SIGKILL after its grace. Asked a second time: SIGKILL now."""
        if self._waiting.pop(attempt.name, None) is not None:
            self._tell_interrupted(attempt, "cancelled before it started")
            return
        running = self._running.get(attempt.name)
        if running is None:
            return
        if running.stop_asked is None:
            running.stop_asked = time.monotonic()
        else:
            kill(running.process)
        self._enforce()

    # What only this scheduler has

    def is_running(self, attempt: Attempt) -> bool:
        """True while any driver on this machine runs the attempt's stage."""
        return bool(self._locks_of(attempt).held(attempt.planned.key))

    def log_path(self, attempt: Attempt) -> Path:
        """The log file of an attempt: `<state>/logs/<digest of the store's URL>/<name>.log`."""
        return self._state / "logs" / _of_store(attempt) / f"{attempt.name}.log"

    def close(self) -> None:
        """Kill what still runs, and the fork servers."""
        for running in self._running.values():
            kill(running.process)
        deadline = time.monotonic() + 10
        while self._running and time.monotonic() < deadline:
            self._reap()
            self._sleep(0.05)
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def __exit__(self, *_: object) -> None:
        self.close()

    # Starting

    def _admit(self) -> None:
        """Start the first of the waiting attempts that fit, until none fits."""
        for name, attempt in list(self._waiting.items()):
            share = self._allocator.allocate(attempt.planned.resources)
            if share is None:
                continue
            lock = self._locks_of(attempt).acquire(attempt.planned.key)
            if lock is None or name in self._contended:
                self._allocator.release(share)
                if name not in self._contended:
                    self._contended.add(name)
                    holder = self._locks_of(attempt).holder(attempt.planned.key)
                    self._events.append(Starting(attempt=attempt, text=f"waits for {holder}, which works on it"))
                if lock is not None:  # free again: the other driver has committed or failed, which the engine looks up
                    os.close(lock)
                    self._contended.discard(name)
                    del self._waiting[name]
                    self._tell_interrupted(attempt, "another driver worked on it")
                continue
            del self._waiting[name]
            try:
                process = self._start(attempt, share, lock)
            finally:
                os.close(lock)  # the worker has its own copy
            if process.begins:
                self._events.append(Starting(attempt=attempt, text=process.begins))
            self._running[name] = Worker(attempt=attempt, process=process, share=share, started=time.monotonic())

    def _start(self, attempt: Attempt, share: Allocation, lock: int) -> Process:
        place = self._place(attempt)
        shutil.rmtree(place, ignore_errors=True)  # of an earlier start that was killed
        place.mkdir(parents=True)
        request = place / "request.json"
        request.write_text(json.dumps(attempt.request(cpus=share.cpus)), encoding="utf-8")  # no more than there are
        log = self.log_path(attempt)
        log.parent.mkdir(parents=True, exist_ok=True)
        arguments = ["--request", str(request), "--work", str(place / "work"), "--log", str(log)]
        arguments += ["--cache", str(self._state / "cache")]
        kind = attempt.planned.stage.kind
        threads = str(threads_of(attempt.planned.settings) or share.cpus)
        environment = {**self._environment, "OMP_NUM_THREADS": threads}
        environment[MACHINE_CPUS] = str(self.budget.cpus)
        if self.budget.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(share.gpus)
            environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as /dev/nvidiaN are numbered
        server = self._server(attempt.planned)
        launch = Launch(
            name=attempt.name,
            kind=kind,
            arguments=arguments,
            environment=environment,
            log=log,
            lock=lock,
            python=self._python(attempt.planned),
        )
        if server is not None:
            try:
                return server.fork(launch)
            except OSError:  # it died: plain processes from here on
                self._warm = False
        return PlainProcess(launch)

    def _python(self, planned: PlannedStage) -> str:
        """The interpreter that a stage's worker is started with."""
        own = environment_of(planned)
        return str(self._environments.get(own, Path(own)) / "bin" / "python") if own else sys.executable

    def _server(self, planned: PlannedStage) -> WarmServer | None:
        """The fork server for stages of its sort, started at its first use; None when switched off or dead.

        It has our own interpreter, so it has no workers of another environment; one of several processes starts them
        itself, and would import for nothing. Nor has it workers with a GPU: importing models initialises CUDA where
        there is one (torchao), and a process that was forked from it could not. So it sees none.
        """
        kind = kind_of(planned.stage.kind)
        several = kind.processes(planned.resources, planned.settings) > 1
        if not self._warm or environment_of(planned) or planned.resources.gpus or several:
            return None
        group = "model" if traits_of(planned.stage).loads_model else "light"
        server = self._servers.get(group)
        if server is None:
            server = WarmServer(
                libraries=MODEL_LIBRARIES if group == "model" else (),
                environment={**self._environment, "CUDA_VISIBLE_DEVICES": ""},
                log=self._state / "logs" / f"warm-{group}.log",
            )
            self._servers[group] = server
        return server if server.alive else None

    # Watching

    def _reap(self) -> None:
        for name, running in list(self._running.items()):
            status = running.process.exit_status()  # a forked process learns its id and its end in the same breath
            if not running.announced and running.process.pid is not None:
                running.announced = True
                self._events.append(Running(attempt=running.attempt, text=f"as process {running.process.pid}"))
            if status is None:
                continue
            del self._running[name]
            running.process.close()
            self._allocator.release(running.share)
            shutil.rmtree(self._place(running.attempt), ignore_errors=True)
            self._events.append(running.end(status, killed_by_kernel=self._kernel_kills.recent()))

    def _tell_interrupted(self, attempt: Attempt, text: str) -> None:
        self._events.append(Ended(attempt=attempt, outcome=Outcome.INTERRUPTED, text=text))

    def _sample(self) -> None:
        """Measure memory, at most every `sample_seconds`; kill what is over its share."""
        now = time.monotonic()
        if now - self._sampled < self._sample_seconds:
            return
        self._sampled = now
        self._kernel_kills.sample()
        for running in self._running.values():
            if running.process.pid is None or running.killed_as is not None:
                continue
            if running.memory.sample(running.process.pid) > running.share.memory_bytes:
                running.killed_as = Outcome.OUT_OF_MEMORY
                kill(running.process)

    def _enforce(self) -> None:
        """Ask to stop what the engine cancelled; kill what outstayed its grace or its deadline."""
        now = time.monotonic()
        for running in self._running.values():
            limits = running.attempt.planned.resources
            if running.stop_asked is not None:
                if running.process.pid is None:
                    if now - running.stop_asked > _UNBORN_SECONDS:
                        kill(running.process)
                elif not running.stop_sent:
                    ask_to_stop(running.process)
                    running.stop_sent = True
                if now - running.stop_asked > limits.grace_seconds:
                    kill(running.process)
            # The worker minds its deadline itself; this is the backstop for one that is stuck.
            if running.killed_as is None and now - running.started > limits.deadline_seconds + limits.grace_seconds:
                running.killed_as = Outcome.TIMED_OUT
                kill(running.process)

    def _sleep(self, seconds: float) -> None:
        """Wait for the end of any worker, at most so long."""
        descriptors = {running.process.wakes() for running in self._running.values()} - {None}
        unwatched = any(running.process.wakes() is None for running in self._running.values())
        with selectors.DefaultSelector() as selector:
            for descriptor in descriptors:
                if descriptor is not None:
                    selector.register(descriptor, selectors.EVENT_READ)
            selector.select(min(seconds, 0.05) if unwatched else seconds)

    def _locks_of(self, attempt: Attempt) -> KeyLocks:
        return KeyLocks(self._locks, attempt.store_url)

    def _place(self, attempt: Attempt) -> Path:
        return self._state / "attempts" / _of_store(attempt) / attempt.name


def _of_store(attempt: Attempt) -> str:
    """A folder's name for what belongs to one store: the same stages, by name and number, may run for another one."""
    return digest(attempt.store_url)[:16]


def state_directory() -> Path:
    """Where this machine keeps what is not the truth: POLYGLOT_STATE, else `.polyglot` of the working directory."""
    return Path(os.environ.get("POLYGLOT_STATE") or ".polyglot")
