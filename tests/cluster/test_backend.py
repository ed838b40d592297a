"""The Kubernetes scheduler on a cluster: how Jobs end, why they do not start, adoption, cancelling, broken watches."""

import signal
import time
from typing import Any

import pytest

from polyglot.schedulers.base import Disrupted, Ended, Event, Outcome, OutputLeft, Running, Waiting
from tests.kit.cluster.namespace import Namespace
from tests.kit.cluster.shell_jobs import api_of, attempt, render, scheduler_of, watch_until
from tests.kit.cluster.target import Target
from tests.kit.world import until
from tools.cluster import processes

MOUNT = [{"name": "s", "mountPath": "/s"}]
SMALL = {"limits": {"memory": "32Mi"}, "requests": {"memory": "32Mi"}}


class TestEnds:
    @pytest.mark.parametrize(
        ("command", "pod", "outcome", "says"),
        [
            ("echo fine", {}, Outcome.COMMITTED, "complete"),
            ("exit 42", {}, Outcome.PERMANENT, "42"),
            ("echo no such row >/dev/termination-log; exit 42", {}, Outcome.PERMANENT, "exit code 42: no such row"),
            ("exit 5", {}, Outcome.TRANSIENT, "exit code 5"),
            ("exit 3", {}, Outcome.OVER_BUDGET, "budget"),
            ("exit 44", {}, Outcome.OUT_OF_MEMORY, "memory"),
            ("exit 124", {}, Outcome.TIMED_OUT, "124"),
            ("exit 137", {}, Outcome.TRANSIENT, "exit code 137 (signal 9)"),
            ("head -c 200m /dev/zero | tail -c 150m", {"resources": SMALL}, Outcome.OUT_OF_MEMORY, "0.03 GiB"),
            ("sleep 60", {"job": {"activeDeadlineSeconds": 2}}, Outcome.TIMED_OUT, "DeadlineExceeded"),
        ],
    )
    def test_every_end_has_its_outcome(
        self, namespace: Namespace, command: str, pod: dict[str, Any], outcome: Outcome, says: str
    ) -> None:
        with scheduler_of(namespace) as scheduler:
            scheduler.submit(attempt(command, **pod))
            end = watch_until(scheduler, Ended)
            assert (end.outcome, says in end.text) == (outcome, True), end.text
            assert scheduler._api.calls["create job"] == 1
            asked = set(scheduler._api.calls) - {"read log"}  # of a pod that goes away
            assert not [name for name in asked if name.startswith(("read", "delete"))]

    @pytest.mark.parametrize(
        ("grace", "says"),
        [
            (0, "was deleted with no grace, by force"),
            (3, "which was deleted and had not ended when its grace of 3 s was over"),
            (None, "which was deleted and had not ended when its grace of 6 s was over"),
        ],
    )
    def test_a_pod_that_was_deleted_has_the_grace_that_it_was_given(
        self, namespace: Namespace, grace: int | None, says: str
    ) -> None:
        """Deaf to SIGTERM. When its kubelet has killed it, the pod says that its grace is 0, however long it was."""
        core, name = namespace.target.core, namespace.name
        with scheduler_of(namespace) as scheduler:
            scheduler.submit(attempt("trap '' TERM; while :; do sleep 1; done", terminationGracePeriodSeconds=6))
            watch_until(scheduler, Running)
            (pod,) = core.list_namespaced_pod(name).items
            given = {} if grace is None else {"grace_period_seconds": grace}
            core.delete_namespaced_pod(pod.metadata.name, name, **given)
            end = watch_until(scheduler, Ended, seconds=60)
        assert end.outcome is Outcome.TRANSIENT
        assert f"pod {pod.metadata.name}" in end.text
        assert says in end.text

    def test_an_interrupted_pod_is_replaced_within_its_job(self, namespace: Namespace) -> None:
        """Fault 14: the eviction API; the Job goes on with another pod and the engine hears of no end."""
        with scheduler_of(namespace) as scheduler:
            scheduler.submit(attempt("echo begun; trap 'echo the last; exit 43' TERM; sleep 30 & wait"))
            watch_until(scheduler, Running)
            core, name = namespace.target.core, namespace.name
            first = core.list_namespaced_pod(name).items[0].metadata.name
            core.create_namespaced_pod_eviction(first, name, {"metadata": {"name": first}})
            events: list[Event] = []
            deadline = time.monotonic() + 60
            while {pod.metadata.name for pod in core.list_namespaced_pod(name).items} <= {first}:
                events += scheduler.watch(1.0)
                assert time.monotonic() < deadline
            assert not [event for event in events if isinstance(event, Ended)]
            (job,) = namespace.target.batch.list_namespaced_job(name).items
            assert not job.status.conditions
            (told,) = [event for event in events if isinstance(event, Disrupted)]
            assert told.name == first
            assert told.text.startswith(f"pod {first} disrupted (EvictionByEvictionAPI: ")
            (left,) = [event for event in events if isinstance(event, OutputLeft)]
            assert (left.rank, left.data) == (0, b"begun\nthe last\n")  # nobody else could read it now


class TestWaiting:
    """Fault 19: the reason within a minute, and an end where no time will help."""

    @pytest.mark.parametrize(
        ("pod", "says", "hopeless"),
        [
            ({"image": "nowhere.invalid/none:1"}, "none:1", True),
            (
                {"volumes": [{"name": "s", "secret": {"secretName": "absent"}}], "volumeMounts": MOUNT},
                'secret "absent" not found',
                True,
            ),
            ({"nodeSelector": {"no": "node"}}, "Unschedulable", False),
            ({"resources": {"limits": {"nvidia.com/gpu": 64}}}, "Insufficient nvidia.com/gpu", True),
            ({"serviceAccountName": "absent"}, "absent", True),
        ],
    )
    def test_the_reason_is_told(self, namespace: Namespace, pod: dict[str, Any], says: str, hopeless: bool) -> None:
        began = time.monotonic()
        with scheduler_of(namespace, pending_deadline_seconds=3) as scheduler:
            scheduler.submit(attempt("true", **pod))
            watch_until(scheduler, Waiting, says, seconds=60)
            assert time.monotonic() - began < 60
            if hopeless:
                end = watch_until(scheduler, Ended, seconds=60)
                assert end.outcome is Outcome.PERMANENT
                assert says in end.text
            else:
                assert not [event for event in scheduler.watch(5.0) if isinstance(event, Ended)]

    def test_an_exhausted_quota_is_told_and_waited_for(self, namespace: Namespace) -> None:
        quota = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}
        namespace.target.core.create_namespaced_resource_quota(namespace.name, quota)
        with scheduler_of(namespace, pending_deadline_seconds=1) as scheduler:
            first, second = attempt("sleep 8"), attempt("echo second")
            scheduler.submit(first)
            watch_until(scheduler, Running)
            scheduler.submit(second)
            watch_until(scheduler, Waiting, "exceeded quota", seconds=60)
            ends = {watch_until(scheduler, Ended).attempt.name, watch_until(scheduler, Ended, seconds=120).attempt.name}
            assert ends == {first.name, second.name}

    def test_pod_security_refuses_by_name(self, namespace: Namespace) -> None:
        label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
        namespace.target.core.patch_namespace(namespace.name, label)
        with scheduler_of(namespace) as scheduler:
            scheduler.submit(attempt("true"))
            event = watch_until(scheduler, Waiting, seconds=60)
            assert "violates PodSecurity" in event.text


class TestAdoption:
    def test_a_second_driver_adopts_what_runs(self, namespace: Namespace) -> None:
        """Fault 12: one Job, whoever created it."""
        work = attempt("sleep 5")
        with scheduler_of(namespace) as first, scheduler_of(namespace) as second:
            for scheduler in (first, second):
                scheduler.submit(work)
                watch_until(scheduler, Running)
            assert len(namespace.target.batch.list_namespaced_job(namespace.name).items) == 1
            for scheduler in (first, second):
                assert watch_until(scheduler, Ended).outcome is Outcome.COMMITTED

    def test_a_failed_job_of_an_earlier_driver_is_told_to_the_next(self, namespace: Namespace) -> None:
        work = attempt("exit 5")
        with scheduler_of(namespace) as first:
            first.submit(work)
            watch_until(first, Ended)
        with scheduler_of(namespace) as second:
            second.submit(work)
            assert watch_until(second, Ended).outcome is Outcome.TRANSIENT
            assert len(namespace.target.batch.list_namespaced_job(namespace.name).items) == 1

    def test_a_job_that_completed_before_it_could_be_adopted_is_looked_at_and_not_made_anew(
        self, namespace: Namespace
    ) -> None:
        """Fault 12: the engine looks once more; when it wants the attempt all the same, the Job makes room."""
        work, batch = attempt("true"), namespace.target.batch
        with scheduler_of(namespace) as first:
            first.submit(work)
            watch_until(first, Ended)
        (before,) = batch.list_namespaced_job(namespace.name).items
        with scheduler_of(namespace) as second:
            second.submit(work)
            assert watch_until(second, Ended).outcome is Outcome.INTERRUPTED
            assert [job.metadata.uid for job in batch.list_namespaced_job(namespace.name).items] == [
                before.metadata.uid
            ]
            second.submit(work)
            assert watch_until(second, Ended).outcome is Outcome.COMMITTED
            assert [job.metadata.uid for job in batch.list_namespaced_job(namespace.name).items] != [
                before.metadata.uid
            ]

    def test_another_stages_job_of_the_same_name_is_refused(self, namespace: Namespace) -> None:
        work = attempt("true")
        (manifest,) = render(namespace)([work])
        manifest["metadata"]["annotations"] = {}
        api_of(namespace).create_job(manifest)
        with scheduler_of(namespace) as scheduler:
            scheduler.submit(work)
            end = watch_until(scheduler, Ended)
            assert end.outcome is Outcome.PERMANENT
            assert "another Job of the name" in end.text

    def test_a_job_that_was_deleted_counts_as_interrupted_and_can_be_created_again(self, namespace: Namespace) -> None:
        """Fault 21: the Job is removed before its end was seen."""
        work = attempt("sleep 60")
        with scheduler_of(namespace) as scheduler:
            for _ in range(2):
                scheduler.submit(work)
                watch_until(scheduler, Running)
                api_of(namespace).delete_job(work.name, foreground=False)
                assert watch_until(scheduler, Ended).outcome is Outcome.INTERRUPTED

    def test_a_job_with_no_time_to_live_is_not_missed(self, namespace: Namespace) -> None:
        """Fault 21: ttl 0."""
        with scheduler_of(namespace) as scheduler:
            scheduler.submit(attempt("true", job={"ttlSecondsAfterFinished": 0}))
            assert watch_until(scheduler, Ended).outcome in (Outcome.COMMITTED, Outcome.INTERRUPTED)


class TestCancel:
    def test_a_worker_gets_its_grace(self, namespace: Namespace) -> None:
        work = attempt("trap 'echo saved; exit 43' TERM; sleep 60 & wait")
        with scheduler_of(namespace) as scheduler:
            scheduler.submit(work)
            watch_until(scheduler, Running)
            scheduler.cancel(work)
            assert watch_until(scheduler, Ended).outcome is Outcome.INTERRUPTED
            assert namespace.target.batch.list_namespaced_job(namespace.name).items == []

    def test_what_was_not_created_needs_no_request(self, namespace: Namespace) -> None:
        work = attempt("true")
        with scheduler_of(namespace) as scheduler:
            scheduler.submit(work)
            scheduler.cancel(work)
            assert watch_until(scheduler, Ended).outcome is Outcome.INTERRUPTED
            assert scheduler._api.calls["create job"] == 0


class TestLogs:
    def test_ranks_are_followed_side_by_side(self, namespace: Namespace) -> None:
        """The second speaks while the first is silent; both are heard to their ends."""
        command = "test $JOB_COMPLETION_INDEX = 1 && echo early || { sleep 10; echo late; }"
        work = attempt(command, job={"completionMode": "Indexed", "completions": 2, "parallelism": 2})

        def begun() -> int:
            pods = namespace.target.core.list_namespaced_pod(namespace.name).items
            return sum(pod.status.phase in ("Running", "Succeeded") for pod in pods)

        with scheduler_of(namespace) as scheduler:
            scheduler.submit(work)
            watch_until(scheduler, Running)
            until(lambda: begun() == 2, 60)
            assert list(scheduler.logs(work, follow=True)) == [(1, b"early\n"), (0, b"late\n")]
            assert watch_until(scheduler, Ended).outcome is Outcome.COMMITTED
            assert sorted(scheduler.logs(work, follow=False)) == [(0, b"late\n"), (1, b"early\n")]


class TestBrokenWatches:
    @pytest.mark.alone
    def test_a_paused_api_server_loses_no_completion(self, namespace: Namespace, cluster: Target) -> None:
        """Fault 13: the server says nothing for half a minute, while a Job ends."""
        if not cluster.own:
            pytest.skip("needs the API server's process")
        events: list[Event] = []
        with scheduler_of(namespace) as scheduler:
            scheduler.submit(attempt("sleep 10"))
            watch_until(scheduler, Running, seen=events)
            processes.send("kube-apiserver", signal.SIGSTOP)
            try:
                until = time.monotonic() + 30
                while time.monotonic() < until:
                    events += scheduler.watch(1.0)
            finally:
                processes.send("kube-apiserver", signal.SIGCONT)
            assert watch_until(scheduler, Ended, seconds=120, seen=events).outcome is Outcome.COMMITTED
            assert sum(isinstance(event, Ended) for event in events) == 1

    def test_a_watch_that_is_too_old_is_replaced_by_a_list(self, namespace: Namespace) -> None:
        """Fault 13: 410 Gone; the difference between two lists is told as if it had been watched."""
        api = api_of(namespace)
        real, gone = api.watch, {"times": 0}

        def watch(kind: str, version: str, **more: Any) -> Any:
            for event in real(kind, version, **more):
                yield event
                if kind == "jobs" and gone["times"] < 3:
                    gone["times"] += 1
                    from polyglot.schedulers.kubernetes.api import ApiError

                    raise ApiError("too old resource version", status=410)

        api.watch = watch  # type: ignore[method-assign]
        scheduler = scheduler_of(namespace)
        scheduler._api = api
        for informer in (scheduler._jobs, scheduler._pods, scheduler._events):
            informer._api = api
        with scheduler:
            scheduler.submit(attempt("sleep 2"))
            assert watch_until(scheduler, Ended).outcome is Outcome.COMMITTED
        assert gone["times"] >= 2
        assert api.calls["list jobs"] >= 3
