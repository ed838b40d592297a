"""Attempts as Jobs of a cluster.

Promises: a Job is created, never applied or replaced; one that is there under its name is adopted when it is of the
same stage, whatever its image or resources; ends are told from watches, never by polling; what keeps a Job from
starting is told within seconds; Jobs outlive their driver. At most three requests a stage besides the watches: one as a
rule.

Not promised: that two drivers create a Job only once in time (the API server's 409 decides), nor any order of events.

How a Job is told to the engine: the tables in `states`, `hindrances`, `kueue` and `disruptions`. What pods say that are
taken away is read to the end while they are there, as nobody can read it later.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Self

from polyglot.core.errors import PolyglotError
from polyglot.core.stage import PlannedStage
from polyglot.schedulers.base import (
    Attempt,
    Capacity,
    Disrupted,
    Ended,
    Event,
    Outcome,
    OutputLeft,
    Running,
    Scheduler,
    Waiting,
)
from polyglot.schedulers.kubernetes import states
from polyglot.schedulers.kubernetes.api import Api, ApiError
from polyglot.schedulers.kubernetes.capacity import capacity_of
from polyglot.schedulers.kubernetes.creator import JobCreator, Render
from polyglot.schedulers.kubernetes.disruptions import disruption, goes_away
from polyglot.schedulers.kubernetes.documents import owner, owner_name, rank_of
from polyglot.schedulers.kubernetes.driver import out_of_memory
from polyglot.schedulers.kubernetes.hindrances import Around, hindrance
from polyglot.schedulers.kubernetes.informer import Broken, Change, Informer, Listed, Update
from polyglot.schedulers.kubernetes.names import DRIVERS, JOB_NAME, MANAGED, WORKLOAD, Document
from polyglot.schedulers.kubernetes.output import output
from polyglot.schedulers.kubernetes.render.values import scratch_of
from polyglot.schedulers.kubernetes.tracked import Tracked
from polyglot.study.cluster import Cluster

_POD_LAG_SECONDS = 3.0  # a Job's failure may be seen this long before its pod's
_POD_SAYS_MORE = (Outcome.TRANSIENT, Outcome.PERMANENT)
_SWEEP_SECONDS = 5.0  # between two looks at what only time changes: lost nodes, hopeless waiting


class KubernetesScheduler(Scheduler):
    """`render` turns attempts into Job manifests, in their order; see `render.manifests`."""

    outlives_driver = True

    def __init__(self, api: Api, cluster: Cluster, render: Render) -> None:
        """Begins to look at the namespace when it is entered."""
        self._api, self._cluster, self._render = api, cluster, render
        self._updates: queue.SimpleQueue[Update] = queue.SimpleQueue()
        self._jobs = Informer(api, "jobs", MANAGED, self._updates)
        self._pods = Informer(api, "pods", MANAGED, self._updates, group=_job_of)
        self._events = Informer(api, "events", "", self._updates, group=_subject_of)
        self._workloads = Informer(api, "workloads", "", self._updates, group=owner_name, optional=True)
        self._informers = [self._jobs, self._pods, self._events, *([self._workloads] if cluster.queue else [])]
        self._tracked: dict[str, Tracked] = {}
        self._ended_uids: set[str] = set()  # of Jobs whose end the engine knows
        self._out: deque[Event] = deque()
        self._creator = JobCreator(api, render, self._out, self._ended_uids, self._track)
        self._outputs: queue.SimpleQueue[OutputLeft] = queue.SimpleQueue()  # of pods that went away
        self._swept = 0.0

    def __enter__(self) -> Self:
        for informer in self._informers:
            informer.start()
        return self

    def __exit__(self, *_: object) -> None:
        for informer in self._informers:
            informer.close()

    # What every scheduler says

    def notes(self, stages: Sequence[PlannedStage]) -> Sequence[str]:
        """Name drivers of the namespace that ran out of memory: nobody else would."""
        del stages
        try:
            pods, _ = self._api.list("pods", DRIVERS, patience_seconds=5)
        except ApiError:
            return ()  # what is wrong is told when Jobs are looked at
        return out_of_memory(pods)

    def capacity(self, planned: PlannedStage) -> Capacity:
        """What the profile says of the kind's pool."""
        return capacity_of(self._cluster, planned)

    def submit(self, attempt: Attempt) -> None:
        """Have a Job created, with all others that are pending, by the next `watch`."""
        if attempt.name not in self._tracked:
            self._creator.add(attempt)

    def watch(self, timeout_seconds: float) -> Iterator[Event]:
        """Yield what has changed, as soon as there is anything."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            self._creator.create()
            self._take_in(max(0.0, min(deadline - time.monotonic(), self._creator.seconds_until_due())))
            self._sweep()
            while not self._outputs.empty():
                self._out.append(self._outputs.get())
            if self._out:
                while self._out:
                    yield self._out.popleft()
                return
            if time.monotonic() >= deadline:
                return

    def logs(self, attempt: Attempt, *, follow: bool) -> Iterator[tuple[int, bytes]]:
        """Yield the output of the attempt's newest pod; with ranks, of each one's: side by side when followed."""
        pods = sorted(self._pods.about(attempt.name), key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        newest = {rank_of(pod): str(pod["metadata"]["name"]) for pod in pods}
        yield from output(self._api, newest, follow=follow)

    def cancel(self, attempt: Attempt) -> None:
        """Delete the Job in the foreground: SIGTERM, then its grace. Asked a second time: without the grace."""
        if self._creator.forget(attempt):
            self._end(attempt, Outcome.INTERRUPTED, "cancelled before its Job was created")
            return
        tracked = self._tracked.get(attempt.name)
        if tracked is None:
            return
        tracked.cancels += 1
        self._api.delete_job(attempt.name, uid=tracked.uid or None)
        if tracked.cancels > 1:
            self._delete_pods(attempt.name)

    def used(self) -> str:
        """The requests that were sent."""
        return f"{sum(self._api.calls.values())} requests to the API server"

    def _track(self, attempt: Attempt, uid: str) -> None:
        """Take up a Job that was created (uid "") or adopted."""
        self._tracked[attempt.name] = Tracked(attempt=attempt, uid=uid, seen=time.monotonic())
        job = self._jobs.get(attempt.name)
        if job is not None:  # its changes may have been taken in before it was tracked
            self._updates.put(Change(kind="jobs", object=job))

    # Looking

    def _take_in(self, patience_seconds: float) -> None:
        """Wait for a change, take in all that have come, and look at every Job that they are about."""
        names: set[str] = set()
        try:
            update = self._updates.get(timeout=patience_seconds) if patience_seconds > 0 else self._updates.get_nowait()
            while True:
                names |= self._about(update)
                update = self._updates.get_nowait()
        except queue.Empty:
            pass
        for name in names:
            self._look(name)

    def _about(self, update: Update) -> set[str]:
        """The names of the Jobs that an update is about."""
        if isinstance(update, Broken):
            raise PolyglotError(f"the cluster cannot be watched: {update.error}") from update.error
        if isinstance(update, Listed):
            if update.kind != "jobs":
                return set()
            lost = [t for name, t in self._tracked.items() if t.seen < update.began and self._jobs.get(name) is None]
            for tracked in lost:
                self._gone(tracked)
            return set()
        return self._about_change(update)

    def _about_change(self, change: Change) -> set[str]:
        metadata = change.object["metadata"]
        if change.kind == "jobs":
            tracked = self._tracked.get(metadata["name"])
            if tracked is None:
                return set()
            if change.gone:
                if tracked.uid in ("", metadata["uid"]) and self._jobs.get(metadata["name"]) is None:
                    self._gone(tracked)
                return set()
            return {metadata["name"]}
        if change.kind == "workloads":
            name = owner_name(change.object)
        elif change.kind == "pods":
            name = _job_of(change.object)
            if name in self._tracked:
                self._tracked[name].sees_pod(change.object)
            if change.gone and name in self._tracked:
                self._tracked[name].gone[metadata["name"]] = change.object
        else:
            name = _subject_of(change.object)
            if change.object.get("involvedObject", {}).get("kind") == "Pod":
                pod = self._pods.get(name)
                name = _job_of(pod) if pod else ""
        return {name} if name in self._tracked else set()

    def _look(self, name: str) -> None:
        """Compare a tracked Job with what was told of it."""
        tracked, job = self._tracked.get(name), self._jobs.get(name)
        if tracked is None or job is None:
            return
        tracked.uid = job["metadata"]["uid"]
        there = [pod for pod in self._pods.about(name) if owner(pod) in ("", tracked.uid)]
        pods = [*(pod for pod in tracked.gone.values() if owner(pod) in ("", tracked.uid)), *there]
        self._look_at_disruptions(tracked, job, pods)
        end = states.job_end(job, pods, tracked.graces)
        if end is None and (full := states.over_disk(there)):
            self._api.delete_job(name, uid=tracked.uid, foreground=False)  # which would replace the pod for ever
            self._delete_pods(name)
            end = states.JobEnd(outcome=Outcome.OUT_OF_DISK, text=full)
        if end is not None:
            self._look_at_end(tracked, end, job, pods)
            return
        pods = there
        found = hindrance(job, pods, self._around(tracked, pods), datetime.now(UTC))
        pod = states.runs(pods)
        if pod and (not tracked.started or found is None) and tracked.goes_on():
            self._out.append(Running(attempt=tracked.attempt, text=f"as {pod}"))
        if tracked.waits(found.text if found else "", hopeless=found is not None and found.hopeless):
            self._wait_for(tracked.attempt, tracked.waiting_for)
        if found is not None and found.lost_node and self._cluster.lost_node == "replace":
            self._abandon(tracked, found.lost_node)

    def _look_at_disruptions(self, tracked: Tracked, job: Document, pods: Sequence[Document]) -> None:
        """Tell what took pods away, and read what such a pod says to its end."""
        if tracked.cancels:
            return
        for pod in pods:
            name = pod["metadata"]["name"]
            if name not in tracked.disrupted and (text := disruption(job, pod)):
                tracked.disrupted.add(name)
                self._out.append(Disrupted(attempt=tracked.attempt, name=name, text=text))
            if name not in tracked.read and name not in tracked.gone and goes_away(pod):
                tracked.read.add(name)
                reader = threading.Thread(
                    target=self._read, args=(tracked.attempt, rank_of(pod), name), name=f"end-of-{name}"
                )
                reader.daemon = True  # a node that does not answer keeps it for long
                reader.start()

    def _read(self, attempt: Attempt, rank: int, pod: str) -> None:
        """Hand over all that a pod says until it ends."""
        try:
            data = b"".join(self._api.log(pod, follow=True))
        except ApiError:
            return  # its node is lost, and its output with it
        if data:
            self._outputs.put(OutputLeft(attempt=attempt, rank=rank, data=data))

    def _look_at_end(self, tracked: Tracked, end: states.JobEnd, job: Document, pods: Sequence[Document]) -> None:
        if end.outcome in _POD_SAYS_MORE and not states.is_explained(job, pods):
            # the pod's own end says more, and is seen in a moment
            now = time.monotonic()
            if tracked.failed_since is None:
                tracked.failed_since = now
            if now - tracked.failed_since < _POD_LAG_SECONDS:
                return
        self._ended_uids.add(tracked.uid)
        del self._tracked[tracked.attempt.name]
        unsaid = end.outcome is Outcome.INTERRUPTED and not tracked.disrupted and not tracked.cancels
        taken = Disrupted(attempt=tracked.attempt, name=f"job-{tracked.uid}", text=end.text) if unsaid else None
        self._out.append(
            Ended(
                attempt=tracked.attempt,
                outcome=end.outcome,
                text=end.text,
                disrupted=taken,
                peak_memory_bytes=end.peak_memory_bytes,
                had=self._scratch_of(tracked.attempt) if end.outcome is Outcome.OUT_OF_DISK else None,
            )
        )

    def _scratch_of(self, attempt: Attempt) -> int:
        return scratch_of(attempt.planned, self._cluster.scratch_bytes)

    def _sweep(self) -> None:
        """Look at what changes with time alone."""
        now = time.monotonic()
        late = [name for name, tracked in self._tracked.items() if tracked.failed_since is not None]
        if now - self._swept >= _SWEEP_SECONDS:
            self._swept = now
            late = list(self._tracked)
        for name in late:
            self._look(name)
        limit = self._cluster.pending_deadline_seconds
        for tracked in list(self._tracked.values()):
            if tracked.hopeless_seconds() > limit:
                del self._tracked[tracked.attempt.name]
                self._api.delete_job(tracked.attempt.name, uid=tracked.uid or None, foreground=False)
                self._end(tracked.attempt, Outcome.PERMANENT, f"could not start for {limit} s: {tracked.waiting_for}")

    def _abandon(self, tracked: Tracked, node: str) -> None:
        """Give up a pod on a lost node: its Job goes, and if the node returns, its worker's publication loses."""
        name = tracked.attempt.name
        del self._tracked[name]
        self._api.delete_job(name, uid=tracked.uid or None, foreground=False)
        self._delete_pods(name)
        self._end(tracked.attempt, Outcome.TRANSIENT, f"its node {node} was lost")

    def _gone(self, tracked: Tracked) -> None:
        """A Job went away: the store says whether it had done its work."""
        self._tracked.pop(tracked.attempt.name, None)
        if tracked.cancels:
            self._end(tracked.attempt, Outcome.INTERRUPTED, "cancelled")
            return
        said = f"Job {tracked.attempt.name} was deleted"
        taken = Disrupted(attempt=tracked.attempt, name=f"job-{tracked.uid}", text=said) if tracked.uid else None
        self._out.append(Ended(attempt=tracked.attempt, outcome=Outcome.INTERRUPTED, text=said, disrupted=taken))

    def _delete_pods(self, name: str) -> None:
        for pod in self._pods.about(name):
            self._api.delete_pod(pod["metadata"]["name"])

    def _around(self, tracked: Tracked, pods: Sequence[Document]) -> Around:
        name = tracked.attempt.name
        of_it = [one for one in self._workloads.about(name) if owner(one) in ("", tracked.uid)]
        return Around(
            events=self._events_about(name, pods),
            workload=of_it[0] if of_it else None,
            readable=self._workloads.is_known,
        )

    def _events_about(self, name: str, pods: Sequence[Document]) -> list[Document]:
        subjects = (name, *(pod["metadata"]["name"] for pod in pods))
        found = [one for subject in subjects for one in self._events.about(subject)]
        return sorted(found, key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime") or ""))

    # Telling

    def _end(self, attempt: Attempt, outcome: Outcome, text: str) -> None:
        self._out.append(Ended(attempt=attempt, outcome=outcome, text=text))

    def _wait_for(self, attempt: Attempt, text: str) -> None:
        self._out.append(Waiting(attempt=attempt, text=text))


def _job_of(pod: Document) -> str:
    return str(pod["metadata"].get("labels", {}).get(JOB_NAME, ""))


def _subject_of(event: Document) -> str:
    """The Job or pod that an event is about; what Kueue says of a Job's Workload is about the Job."""
    about = event.get("involvedObject", {})
    name = str(about.get("name", ""))
    workload = WORKLOAD.fullmatch(name) if about.get("kind") == "Workload" else None
    return workload[1] if workload else name
