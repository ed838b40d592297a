"""The engine: one loop over a plan. Commit seen -> release dependants; room -> submit; event -> classify.

It holds no state that it cannot rebuild from the store and the scheduler, so it can be killed at any moment: the next
run finds the manifests, the attempts with their failure records, and what still runs. It is the only owner of retries;
the table of outcomes is at the top of `outcomes`. A stage that failed for good stops its branch; the others finish.
Two drivers of one plan are fine: conditional puts (and a lock per key on one machine) arbitrate.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

from polyglot.attempts.attempts import Attempts
from polyglot.core.errors import Corrupt, Interrupted, Refused, StoreError, TimedOut
from polyglot.core.stage import PlannedStage
from polyglot.engine.archive import archive_output, archive_rest, record_disruption
from polyglot.engine.gpu_hours import GpuHours
from polyglot.engine.graph import Graph, Node
from polyglot.engine.observer import Observer
from polyglot.engine.outcomes import GiveUp, Limits
from polyglot.engine.retries import Retries
from polyglot.engine.stop import StopRequest
from polyglot.engine.summary import Summary
from polyglot.plan.plan import checks
from polyglot.schedulers.base import (
    Attempt,
    Disrupted,
    Ended,
    Event,
    Outcome,
    OutputLeft,
    Running,
    Scheduler,
    Starting,
    Waiting,
)
from polyglot.store.store import Store

_TICK_SECONDS = 0.5
_STORE_AWAY_SECONDS = 5.0  # between two looks after the store's own bounded retries have failed


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
    gpu_hours: float | None = None,
) -> Summary:
    """Run every stage that is not done, and return when none can go on.

    `stages` contains every input of every stage. `limits` replaces `max_attempts` and `deadline_seconds`. Without a
    `stop` of the caller's, SIGINT and SIGTERM stop the run (in the main thread). `gpu_hours` bounds what all runs of
    these stages may use together. Raises BadInput before anything starts when a stage can never run here, Interrupted
    when stopped, TimedOut after the deadline: no worker is left.
    """
    limits = limits or Limits(max_attempts=max_attempts, deadline_seconds=deadline_seconds)
    hours = GpuHours(stages, store, gpu_hours)
    with contextlib.ExitStack() as stack:
        if stop is None:
            stop = StopRequest()
            if threading.current_thread() is threading.main_thread():
                stack.enter_context(stop.on_signals())
        observer = observer or Observer()
        return _Engine(Graph(stages, store, observer), scheduler, observer, limits, stop, hours).run()


class _Engine:
    def __init__(
        self,
        graph: Graph,
        scheduler: Scheduler,
        observer: Observer,
        limits: Limits,
        stop: StopRequest,
        hours: GpuHours,
    ) -> None:
        self.hours = hours
        self.graph, self.scheduler, self.observer, self.limits, self.stop = graph, scheduler, observer, limits, stop
        self.began, self.looked, self.store_away_until = time.monotonic(), 0.0, 0.0
        self.over_budget: set[str] = set()

    def run(self) -> Summary:
        cached = len(self.graph.results)
        for node in self.graph.open.values():
            self.scheduler.check(node.planned)
        self.graph.store = self.graph.store.impatient()  # workers have limits and users press keys while it waits
        try:
            self._loop()
            self._wind_up()
        except KeyboardInterrupt:
            self._wind_up(settle=False)
        except BaseException:
            self._wind_up(settle=False)  # whatever it is, it is no reason to lose what workers have not saved yet
            raise
        stopped = {key: self.graph.by_key[key] for key in (*self.graph.failed, *self.graph.blocked)}
        summary = Summary(
            cached=cached,
            committed=len(self.graph.results) - cached,
            failed=self.graph.failed,
            blocked=self.graph.blocked,
            over_budget=frozenset(self.over_budget),
            seconds=time.monotonic() - self.began,
            labels={key: planned.label for key, planned in stopped.items()},
            names={key: planned.name for key, planned in stopped.items()},
            checks=frozenset(self.graph.failed.keys() & {one.key for one in checks(self.graph.by_key.values())}),
            findings=self._findings(),
        )
        if self.graph.open and self.stop:
            raise Interrupted(
                f"interrupted after {summary.describe()}; what was committed or checkpointed is kept, and the same "
                "command goes on from there"
            )
        if self.graph.open:
            raise TimedOut(f"the deadline of {self.limits.deadline_seconds:g} s passed: {summary.describe()}")
        return summary

    def _loop(self) -> None:
        while self.graph.open and not self.stop and not self._is_late():
            self._submit_ready()
            for event in self.scheduler.watch(self._patience()):
                self._handle(event)
            self._mind_hours()
            self._look_at_progress()

    def _findings(self) -> dict[str, tuple[str, ...]]:
        """What each failed stage found wrong, where that is more than its reason."""
        found = {}
        with contextlib.suppress(StoreError):  # the reasons are known
            for key in self.graph.failed:
                failure = Attempts(self.graph.store, self.graph.by_key[key].stage).blocked()
                if failure is not None and failure.findings:
                    found[key] = failure.findings
        return found

    # Starting

    def _submit_ready(self) -> None:
        for node in list(self.graph.open.values()):
            now = time.monotonic()
            if self.store_away_until > now:
                return
            ready = not node.missing and node.attempt is None and node.not_before <= now
            if ready and node.planned.key in self.graph.open:
                with self._patient_with_store(node):
                    self._submit(node)

    def _submit(self, node: Node) -> None:
        if self.graph.settle(node) or node.missing:
            return
        if refused := self.hours.refuses(node.planned):
            self.over_budget.add(node.planned.key)
            self._give_up(node, refused)
            return
        retries = self._retries(node)
        decision = retries.decide(self.limits)
        if isinstance(decision, GiveUp):
            self._give_up(node, decision.reason)
            return
        kinds = {role: self.graph.by_key[key].stage.kind for role, key in node.planned.stage.inputs.items()}
        url = self.graph.store.url
        planned = retries.next(decision.number).planned
        attempt = Attempt(planned=planned, number=decision.number, store_url=url, input_kinds=kinds)
        self.scheduler.submit(attempt)
        node.attempt = attempt

    @contextlib.contextmanager
    def _patient_with_store(self, node: Node) -> Iterator[None]:
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

    def _give_up(self, node: Node, reason: str) -> None:
        for attempt in self.graph.give_up(node, reason):
            self.scheduler.cancel(attempt)

    # Classifying

    def _handle(self, event: Event) -> None:
        attempt = event.attempt
        attempts = Attempts(self.graph.store, attempt.planned.stage)
        node = self.graph.open.get(attempt.planned.key)
        awaited = node is not None and node.attempt is not None and node.attempt.name == attempt.name
        match event:
            case Disrupted():
                if record_disruption(attempts, event):
                    self.observer.warning(attempt.planned, event.text)
            case OutputLeft():
                archive_output(attempts.of_rank(event.rank), attempt.number, event.data)
            case Starting() if node and awaited:
                self.observer.starting(node.planned, attempt.number, event.text)
            case Waiting() if node and awaited:
                if event.text != node.waits:  # a cluster that refuses its Job is asked for days: each note is an object
                    node.stuck = node.running
                    self._note(node, attempts, event.text)
                    self.observer.waiting(node.planned, event.text)
            case Running() if node and awaited:
                if node.stuck:
                    node.stuck = False
                    self._note(node, attempts, "")
                node.waits = ""
                if not node.running:
                    node.running = True
                    node.started = node.started or time.monotonic()
                    self.hours.begin(node.planned)
                    self.observer.started(node.planned, attempt.number)
            case Ended() if node and awaited:
                node.attempt, node.running, node.stuck, node.waits = None, False, False, ""
                self.hours.end(node.planned)
                with self._patient_with_store(node):
                    self._classify(node, event)

    def _note(self, node: Node, attempts: Attempts, text: str) -> None:
        """Leave word of what an attempt waits for, or "" when it goes on: for `why` alone, so a store may be away."""
        node.waits = ""
        if node.attempt is not None:
            with contextlib.suppress(StoreError):  # the next reason may be luckier
                attempts.note(node.attempt.number, text)
                node.waits = text

    def _classify(self, node: Node, event: Ended) -> None:
        store, stage, number = self.graph.store, node.planned.stage, event.attempt.number
        if event.outcome is Outcome.INTERRUPTED:
            # At once the first time; a stage that is interrupted over and over makes the driver slower, not busier.
            node.interruptions += 1
            node.not_before = time.monotonic() + min(5.0, 0.2 * (node.interruptions - 1))
            if not self.graph.settle(node):
                if event.disrupted:
                    record_disruption(Attempts(store, stage), event.disrupted)
                self.graph.look_at_inputs(node)  # a worker that found one withdrawn ends like this
            return
        if event.outcome is not Outcome.COMMITTED:
            archive_rest(Attempts(store, stage), event.attempt, self.scheduler)
        retries = self._retries(node)
        if self.graph.settle(node):
            if event.outcome is not Outcome.COMMITTED:
                self.observer.warning(node.planned, retries.reason(number) or event.text)
            return
        if node.missing:
            return  # an input was withdrawn while it worked
        reason = retries.add(event)
        if retries.is_over_budget(number):
            self.over_budget.add(node.planned.key)
            self._give_up(node, reason)
            return
        decision = retries.decide(self.limits)
        if isinstance(decision, GiveUp):
            self._give_up(node, decision.reason)
        else:
            node.not_before = time.monotonic() + decision.after_seconds
            more = retries.given_text()
            text = f"{reason}; it is given {more}" if more else reason
            self.observer.retrying(node.planned, text, decision.after_seconds)

    def _retries(self, node: Node) -> Retries:
        return Retries(self.graph.store, node.planned, self.scheduler.capacity(node.planned))

    # Looking and waiting

    def _patience(self) -> float:
        """How long to wait for events: until the next stage may start again, at most a tick."""
        now = time.monotonic()
        waits = [n.not_before - now for n in self.graph.open.values() if n.attempt is None and not n.missing]
        return max(0.0, min([_TICK_SECONDS, *waits]))

    def _look_at_progress(self) -> None:
        now = time.monotonic()
        if now - self.looked < self.limits.progress_seconds:
            return
        self.looked = now
        with contextlib.suppress(StoreError):  # only to show; the next look may be luckier
            for node in list(self.graph.open.values()):
                if node.stuck and self.graph.settle(node):
                    continue  # nobody else would tell: what a lost node commits, its Job does not know
                if node.running:
                    progress = Attempts(self.graph.store, node.planned.stage).progress()
                    if progress is not None and progress != node.shown:
                        node.shown = progress
                        self.observer.progress(node.planned, progress)

    def _mind_hours(self) -> None:
        """Ask stages to save and stop whose GPU hours are used up; they are not begun again."""
        for node in self.graph.open.values():
            if node.running and node.attempt is not None and not node.asked and self.hours.refuses(node.planned):
                node.asked = True
                self.scheduler.cancel(node.attempt)

    def _is_late(self) -> bool:
        limit = self.limits.deadline_seconds
        return limit is not None and time.monotonic() - self.began > limit

    def _wind_up(self, *, settle: bool = True) -> None:
        """Ask what still runs to stop, and wait for its end: SIGTERM, or SIGKILL when asked twice.

        What outlives its driver is left alone: the next driver adopts it. Without `settle` nothing is asked of the
        store; the next run finds there how these attempts ended.
        """
        if self.scheduler.outlives_driver:
            return
        asked = 0
        while any(node.attempt is not None for node in self.graph.open.values()):
            times = max(1, min(2, self.stop.times))
            while asked < times:
                asked += 1
                for node in list(self.graph.open.values()):
                    if node.attempt is not None:
                        self.scheduler.cancel(node.attempt)
            for event in self.scheduler.watch(_TICK_SECONDS):
                interrupted = isinstance(event, Ended) and event.outcome is Outcome.INTERRUPTED
                if settle and not interrupted:
                    self._handle(event)
                elif isinstance(event, Ended) and event.attempt.planned.key in self.graph.open:
                    self.graph.open[event.attempt.planned.key].attempt = None
