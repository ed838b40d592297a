"""The engine: one loop over a plan. Commit seen -> release dependants; room -> submit; event -> classify.

It holds no state that it cannot rebuild from the store and the scheduler, so it can be killed at any moment: the next
run finds the manifests, the attempts with their failure records, and what still runs. It is the only owner of retries;
the table of outcomes is at the top of `outcomes`. A stage that failed for good stops its branch; the others finish.
Two drivers of one plan are fine: conditional puts (and a lock per key on one machine) arbitrate.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from polyglot.attempts.attempts import Attempts
from polyglot.attempts.progress import Progress
from polyglot.core.errors import Corrupt, Interrupted, OverBudget, PolyglotError, Refused, StoreError, TimedOut
from polyglot.core.stage import PlannedStage
from polyglot.engine.archive import archive_rest, keep
from polyglot.engine.history import History
from polyglot.engine.observer import NullObserver, Observer
from polyglot.engine.outcomes import GiveUp, Limits
from polyglot.engine.stop import StopRequest
from polyglot.schedulers.base import Attempt, Event, Outcome, Scheduler
from polyglot.store.committed import committed, committed_many
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store

_TICK_SECONDS = 0.5
_STORE_AWAY_SECONDS = 5.0  # between two looks after the store's own bounded retries have failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a run ended. `failed` maps keys to reasons, `blocked` keys to the key of what failed before them."""

    cached: int
    committed: int
    failed: Mapping[str, str]
    blocked: Mapping[str, str]
    over_budget: frozenset[str]  # of the failed: those that go on when the budget allows it
    seconds: float
    labels: Mapping[str, str]  # of the failed and blocked
    names: Mapping[str, str]  # of the same: what `retry` and `why` take, whatever else lies in the store

    def raise_if_failed(self) -> None:
        """Raise OverBudget when spent money is all that failed, PolyglotError when anything else did."""
        if self.over_budget and self.over_budget == self.failed.keys():
            raise OverBudget(self.describe())
        if self.failed or self.blocked:
            raise PolyglotError(self.describe())

    def describe(self) -> str:
        """One line, and one more for each failure."""
        counts = [f"{self.committed} computed", f"{self.cached} cached"]
        counts += [f"{len(self.failed)} failed"] if self.failed else []
        counts += [f"{len(self.blocked)} blocked by them"] if self.blocked else []
        lines = [f"{', '.join(counts)} in {self.seconds:.1f} s"]
        lines += [f"  {self.labels[key]} ({self.names[key]}): {reason}" for key, reason in self.failed.items()]
        lines += (
            ["  once the cause is mended, `polyglot retry STAGE` lets it try again"]
            if set(self.failed) - self.over_budget
            else []
        )
        return "\n".join(lines)


@dataclass(slots=True)
class _Node:
    """A stage of the plan that is not done yet."""

    planned: PlannedStage
    missing: set[str]  # keys of inputs that are not done
    not_before: float = 0.0
    attempt: Attempt | None = None  # submitted and not ended
    running: bool = False
    stuck: bool = False  # it began, and its place says that it does not go on: its node may be lost, its worker at work
    waits: str = ""  # for what, as it was noted last
    started: float | None = None
    interruptions: int = 0
    again: bool = False  # it was done when the run began, or in it, and its result was withdrawn or its inputs changed
    shown: Progress | None = None  # the progress that was told last


def run(
    stages: Sequence[PlannedStage],
    store: Store,
    scheduler: Scheduler,
    *,
    observer: Observer | None = None,
    max_attempts: int = 5,
    deadline_seconds: float | None = None,
    limits: Limits | None = None,
    stop: StopRequest | None = None,
) -> Summary:
    """Run every stage that is not done, and return when none can go on.

    `stages` contains every input of every stage. `limits` replaces `max_attempts` and `deadline_seconds`. Without a
    `stop` of the caller's, SIGINT and SIGTERM stop the run (in the main thread). Raises BadInput before anything
    starts when a stage can never run here, Interrupted when stopped, TimedOut after the deadline: no worker is left.
    """
    limits = limits or Limits(max_attempts=max_attempts, deadline_seconds=deadline_seconds)
    with contextlib.ExitStack() as stack:
        if stop is None:
            stop = StopRequest()
            if threading.current_thread() is threading.main_thread():
                stack.enter_context(stop.on_signals())
        return _Engine(stages, store, scheduler, observer or NullObserver(), limits, stop).run()


@dataclass(slots=True)
class _Engine:
    stages: Sequence[PlannedStage]
    store: Store
    scheduler: Scheduler
    observer: Observer
    limits: Limits
    stop: StopRequest
    by_key: dict[str, PlannedStage] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)  # key -> result digest, of what is done
    open: dict[str, _Node] = field(default_factory=dict)
    readers: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    over_budget: set[str] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)
    looked: float = 0.0
    store_away_until: float = 0.0

    def run(self) -> Summary:
        cached = self._look_up()
        for node in self.open.values():
            self.scheduler.check(node.planned)
        self.store = self.store.impatient()  # workers have limits and users press keys while a request waits
        try:
            self._loop()
            self._wind_up()
        except KeyboardInterrupt:
            self._wind_up(settle=False)
        except BaseException:
            self._wind_up(settle=False)  # whatever it is, it is no reason to lose what workers have not saved yet
            raise
        summary = Summary(
            cached=cached,
            committed=len(self.results) - cached,
            failed=self.failed,
            blocked=self.blocked,
            over_budget=frozenset(self.over_budget),
            seconds=time.monotonic() - self.began,
            labels={key: self.by_key[key].label for key in (*self.failed, *self.blocked)},
            names={key: self.by_key[key].name for key in (*self.failed, *self.blocked)},
        )
        if self.open and self.stop:
            raise Interrupted(
                f"interrupted after {summary.describe()}; what was committed or checkpointed is kept, and the same "
                "command goes on from there"
            )
        if self.open:
            raise TimedOut(f"the deadline of {self.limits.deadline_seconds:g} s passed: {summary.describe()}")
        return summary

    def _loop(self) -> None:
        while self.open and not self.stop and not self._is_late():
            self._submit_ready()
            for event in self.scheduler.watch(self._patience()):
                self._handle(event)
            self._look_at_progress()

    # What the store says

    def _look_up(self) -> int:
        """Find what is done already; returns how many stages are."""
        self.by_key = {planned.key: planned for planned in self.stages}
        manifests = committed_many(self.store, [planned.stage for planned in self.stages])
        for planned in self.stages:
            inputs = set(planned.stage.inputs.values())
            for key in inputs:
                if key not in self.by_key:
                    raise ValueError(f"{planned.label}: no stage of the plan makes its input {key}")
                self.readers.setdefault(key, []).append(planned.key)
            if planned.key in manifests:
                self.results[planned.key] = manifests[planned.key].result
            else:
                self.open[planned.key] = _Node(planned, inputs - manifests.keys())
        self.observer.cached([self.by_key[key] for key in self.results])
        return len(self.results)

    def _settle(self, node: _Node) -> bool:
        """Look whether a stage is done by now, and if so release what waits for it."""
        key = node.planned.key
        manifest = committed(self.store, node.planned.stage.kind, key)
        if manifest is None:
            return False
        if not self._holds(manifest):
            self._look_at_inputs(node)
            if not self._holds(manifest):
                return False  # made from an input that has been withdrawn or made anew since: the worker replaces it
        del self.open[key]
        self.results[key] = manifest.result
        for reader in self.readers.get(key, ()):
            if reader in self.open:
                self.open[reader].missing.discard(key)
        began = node.started if node.started is not None else time.monotonic()
        if not node.again or node.started is not None:  # else it was told already
            self.observer.committed(node.planned, time.monotonic() - began)
        return True

    def _holds(self, manifest: Manifest) -> bool:
        """Whether a result was made from the results that this run knows of its inputs."""
        return all(manifest.inputs[role] == self.results.get(key) for role, key in manifest.stage.inputs.items())

    def _look_at_inputs(self, node: _Node) -> None:
        """Take in what has become of a stage's inputs while this run went on: withdrawn, or made anew by others."""
        for key in sorted(set(node.planned.stage.inputs.values()) & self.results.keys()):
            manifest = committed(self.store, self.by_key[key].stage.kind, key)
            if manifest is None:
                self._reopen(key, "its result was withdrawn; it is made again")
            elif manifest.result != self.results[key]:
                self.results[key] = manifest.result
                for reader in self.readers.get(key, ()):
                    if reader in self.results:
                        self._reopen(reader, "an input was made anew; it is looked at again")

    def _reopen(self, key: str, why: str) -> None:
        """Make a stage that was done one that is not, and all that was made from it."""
        planned = self.by_key[key]
        del self.results[key]
        missing = {of for of in planned.stage.inputs.values() if of not in self.results}
        self.open[key] = _Node(planned, missing, again=True)
        self.observer.warning(planned, why)
        for reader in self.readers.get(key, ()):
            if reader in self.open:
                self.open[reader].missing.add(key)
            elif reader in self.results:
                self._reopen(reader, "what it was made from is made again; it is looked at again")

    # Starting

    def _submit_ready(self) -> None:
        for node in list(self.open.values()):
            now = time.monotonic()
            if self.store_away_until > now:
                return
            if node.planned.key not in self.open or node.missing or node.attempt is not None or node.not_before > now:
                continue
            with self._patient_with_store(node):
                self._submit(node)

    def _submit(self, node: _Node) -> None:
        if self._settle(node) or node.missing:
            return
        decision = History.read(self.store, node.planned.stage).decide(self.limits)
        if isinstance(decision, GiveUp):
            self._give_up(node, decision.reason)
            return
        kinds = {role: self.by_key[key].stage.kind for role, key in node.planned.stage.inputs.items()}
        attempt = Attempt(planned=node.planned, number=decision.number, store_url=self.store.url, input_kinds=kinds)
        self.scheduler.submit(attempt)
        node.attempt = attempt

    @contextlib.contextmanager
    def _patient_with_store(self, node: _Node) -> Iterator[None]:
        """Come back to a stage later when the store is away. What the store refuses ends the run; what it holds
        damaged fails the stage, for this run alone, as the next one may find it mended.
        """
        try:
            yield
        except Refused:
            raise
        except Corrupt as error:
            self._give_up(node, str(error))
        except StoreError as error:
            node.not_before = self.store_away_until = time.monotonic() + _STORE_AWAY_SECONDS
            self.observer.warning(node.planned, f"{error}; looking again in {_STORE_AWAY_SECONDS:.0f} s")

    def _give_up(self, node: _Node, reason: str) -> None:
        """Fail a stage for good and block everything that needs it."""
        key = node.planned.key
        del self.open[key]
        self.failed[key] = reason
        self.observer.failed(node.planned, reason)
        behind = list(self.readers.get(key, ()))
        while behind:
            reader = behind.pop()
            blocked = self.open.pop(reader, None)
            if blocked is not None:
                self.blocked[reader] = key
                if blocked.attempt is not None:  # this input was done when it started
                    self.scheduler.cancel(blocked.attempt)
                self.observer.blocked(blocked.planned, node.planned)
                behind += self.readers.get(reader, ())

    # Classifying

    def _handle(self, event: Event) -> None:
        if event.outcome is None and (event.disruption or event.output):
            if news := keep(event, self.store):
                self.observer.warning(event.attempt.planned, news)
            return
        node = self.open.get(event.attempt.planned.key)
        if node is None or node.attempt is None or node.attempt.name != event.attempt.name:
            return
        if event.waiting and event.waiting == node.waits:
            return  # a cluster that refuses to create its Job is asked for days, and each note is an object
        if event.waiting or (event.outcome is None and node.stuck):
            node.stuck, node.waits = node.running and bool(event.waiting), ""
            with contextlib.suppress(StoreError):  # only for `why`; the next reason may be luckier
                Attempts(self.store, node.planned.stage).note(event.attempt.number, event.waiting)
                node.waits = event.waiting
        if event.waiting:
            self.observer.waiting(node.planned, event.waiting)
            return
        node.waits = ""
        if event.outcome is None:
            if not node.running:
                node.running = True
                node.started = node.started or time.monotonic()
                self.observer.started(node.planned, event.attempt.number)
            return
        node.attempt, node.running, node.stuck = None, False, False
        with self._patient_with_store(node):
            self._classify(node, event)

    def _classify(self, node: _Node, event: Event) -> None:
        if event.outcome is Outcome.INTERRUPTED:
            # At once the first time; a stage that is interrupted over and over makes the driver slower, not busier.
            node.interruptions += 1
            node.not_before = time.monotonic() + min(5.0, 0.2 * (node.interruptions - 1))
            if not self._settle(node):
                keep(event, self.store)
                self._look_at_inputs(node)  # a worker that found one withdrawn ends like this
            return
        if event.outcome is not Outcome.COMMITTED:
            archive_rest(Attempts(self.store, node.planned.stage), event.attempt, self.scheduler)
        history = History.read(self.store, node.planned.stage)
        if self._settle(node):
            if event.outcome is not Outcome.COMMITTED:
                self.observer.warning(node.planned, history.reason(event.attempt.number) or event.message)
            return
        if node.missing:
            return  # an input was withdrawn while it worked
        reason = history.add(event)
        if history.is_over_budget(event.attempt.number):
            self.over_budget.add(node.planned.key)
            self._give_up(node, reason)
            return
        decision = history.decide(self.limits)
        if isinstance(decision, GiveUp):
            self._give_up(node, decision.reason)
        else:
            node.not_before = time.monotonic() + decision.after_seconds
            self.observer.retrying(node.planned, reason, decision.after_seconds)

    # Looking and waiting

    def _patience(self) -> float:
        """How long to wait for events: until the next stage may start again, at most a tick."""
        now = time.monotonic()
        waits = [node.not_before - now for node in self.open.values() if node.attempt is None and not node.missing]
        return max(0.0, min([_TICK_SECONDS, *waits]))

    def _look_at_progress(self) -> None:
        now = time.monotonic()
        if now - self.looked < self.limits.progress_seconds:
            return
        self.looked = now
        with contextlib.suppress(StoreError):  # only to show; the next look may be luckier
            for node in list(self.open.values()):
                if node.stuck and self._settle(node):
                    continue  # nobody else would tell: what a lost node commits, its Job does not know
                if node.running:
                    progress = Attempts(self.store, node.planned.stage).progress()
                    if progress is not None and progress != node.shown:
                        node.shown = progress
                        self.observer.progress(node.planned, progress)

    def _is_late(self) -> bool:
        limit = self.limits.deadline_seconds
        return limit is not None and bool(self.open) and time.monotonic() - self.began > limit

    def _wind_up(self, *, settle: bool = True) -> None:
        """Ask what still runs to stop, and wait for its end: SIGTERM, or SIGKILL when asked twice.

        What outlives its driver is left alone: the next driver adopts it. Without `settle` nothing is asked of the
        store; the next run finds there how these attempts ended.
        """
        asked = 0
        if self.scheduler.outlives_driver:
            return
        while any(node.attempt is not None for node in self.open.values()):
            times = max(1, min(2, self.stop.times))
            while asked < times:
                asked += 1
                for node in list(self.open.values()):
                    if node.attempt is not None:
                        self.scheduler.cancel(node.attempt)
            for event in self.scheduler.watch(_TICK_SECONDS):
                if settle and event.outcome is not Outcome.INTERRUPTED:
                    self._handle(event)
                elif event.outcome is not None and event.attempt.planned.key in self.open:
                    self.open[event.attempt.planned.key].attempt = None
