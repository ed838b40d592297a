"""What a Job and its pods say, in the words of the engine: every row of the two tables, from literal documents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from polyglot.run.backend import Outcome
from polyglot.run.kubernetes.states import ending, runs, waiting

QUEUED = "kueue.x-k8s.io/queue-name"
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "preempted"}


def job(condition: str = "", reason: str = "", message: str = "", **spec: Any) -> dict[str, Any]:
    conditions = [{"type": condition, "status": "True", "reason": reason, "message": message}] if condition else []
    return {"metadata": {"name": "train-x-r1", "labels": {}}, "spec": spec, "status": {"conditions": conditions}}


def pod(
    code: int | None = None, *, reason: str = "Error", made: str = "2026-01-01T11:00:00Z", **more: Any
) -> dict[str, Any]:
    state = {} if code is None else {"terminated": {"exitCode": code, "reason": reason}}
    return {
        "metadata": {"name": "train-x-r1-abcde", "creationTimestamp": made, **more.pop("metadata", {})},
        "spec": {"nodeName": "node-1", "containers": [{"resources": {"limits": {"memory": "32Mi"}}}]},
        "status": {
            "phase": more.pop("phase", "Failed"),
            "conditions": more.pop("conditions", []),
            "containerStatuses": [{"state": more.pop("state", state), "image": "a/b@sha256:c"}],
        },
    }


def event(reason: str, message: str, about: str = "train-x-r1") -> dict[str, Any]:
    return {"reason": reason, "message": message, "involvedObject": {"name": about, "kind": "Job"}}


FAILED = job("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
SUSPENDED = job("Failed", "PodFailurePolicy", "Container worker for pod a/x failed with exit code 43 matching rule")
POLICY = job("Failed", "PodFailurePolicy", "Container worker for pod x failed with exit code 42 matching FailJob rule")
RANKS = job("Failed", "PodFailurePolicy", "Pod x has condition DisruptionTarget", completionMode="Indexed")


class TestEnding:
    @pytest.mark.parametrize(
        ("found", "pods", "outcome", "says"),
        [
            (job("Complete"), [], Outcome.COMMITTED, "complete"),
            (POLICY, [pod(42)], Outcome.PERMANENT, "42"),
            (POLICY, [], Outcome.PERMANENT, "42"),
            (job("Failed", "DeadlineExceeded"), [pod(137)], Outcome.TIMED_OUT, "DeadlineExceeded"),
            (FAILED, [pod(3)], Outcome.OVER_BUDGET, "budget"),
            (FAILED, [pod(124)], Outcome.TIMED_OUT, "124"),
            (FAILED, [pod(137, reason="OOMKilled")], Outcome.OUT_OF_MEMORY, "32Mi"),
            (FAILED, [pod(1, reason="OOMKilled")], Outcome.OUT_OF_MEMORY, "OOMKilled"),
            (FAILED, [pod(44)], Outcome.OUT_OF_MEMORY, "memory"),
            (FAILED, [pod(137)], Outcome.TRANSIENT, "exit code 137 (signal 9)"),
            (FAILED, [pod(1)], Outcome.TRANSIENT, "exit code 1 of train-x-r1-abcde"),
            (FAILED, [], Outcome.TRANSIENT, "backoff limit"),
            (RANKS, [pod(143, conditions=[DISRUPTED]), pod(1)], Outcome.INTERRUPTED, "preempted"),
            (RANKS, [pod(43), pod(1)], Outcome.INTERRUPTED, "progress saved"),
            (SUSPENDED, [], Outcome.INTERRUPTED, "progress saved"),
            (RANKS, [pod(43), pod(42)], Outcome.PERMANENT, "42"),
        ],
    )
    def test_every_row(self, found: dict[str, Any], pods: list[dict[str, Any]], outcome: Outcome, says: str) -> None:
        end = ending(found, pods)
        assert end is not None
        assert end.outcome is outcome
        assert says in end.message

    def test_a_job_that_has_not_ended_has_no_ending(self) -> None:
        assert ending(job(), [pod(43)]) is None

    def test_pods_that_were_replaced_do_not_explain_a_failure(self) -> None:
        older = pod(43, made="2026-01-01T10:00:00Z", conditions=[DISRUPTED])
        end = ending(FAILED, [pod(1, made="2026-01-01T11:00:00Z"), older])
        assert end is not None
        assert end.outcome is Outcome.TRANSIENT


class TestWaiting:
    @pytest.mark.parametrize(
        ("found", "pods", "events", "says", "hopeless"),
        [
            (job(suspend=True), [], [], "suspended", False),
            (job(), [], [event("FailedCreate", "exceeded quota: q, requested: cpu=1")], "exceeded quota", False),
            (job(), [], [event("FailedCreate", 'violates PodSecurity "restricted"')], "PodSecurity", True),
            (
                job(),
                [pod(phase="Pending", conditions=[
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}
                ])],
                [],
                "Unschedulable: 0/2 nodes",
                False,
            ),
            (job(), [pod(phase="Pending", state={"waiting": {"reason": "ErrImagePull"}})], [], "a/b@sha256:c", True),
            (
                job(),
                [pod(phase="Pending", state={"waiting": {"reason": "ContainerCreating"}})],
                [event("FailedMount", 'secret "x" not found', "train-x-r1-abcde")],
                'secret "x" not found',
                True,
            ),
            (
                job(),
                [pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T11:59:00Z"})],
                [],
                "node node-1 does not answer",
                False,
            ),
        ],
    )  # fmt: skip
    def test_every_row(
        self, found: dict[str, Any], pods: list[Any], events: list[Any], says: str, hopeless: bool
    ) -> None:
        seen = waiting(found, pods, events, NOW)
        assert seen is not None
        assert says in seen.text
        assert seen.hopeless is hopeless

    @pytest.mark.parametrize(
        ("events", "says"),
        [
            ([], "waiting for quota in queue q"),
            (
                [("Pending", "couldn't assign flavors to pod set main: 1 more needed")],
                "waiting for quota in queue q: couldn't assign flavors to pod set main: 1 more needed",
            ),
            (
                [
                    ("Pending", "1 more needed"),
                    ("Started", "Admitted by clusterQueue c"),
                    ("Stopped", "Preempted to accommodate a workload (UID: u) due to prioritization"),
                ],
                "preempted by Kueue to accommodate a workload (UID: u) due to prioritization; "
                "waiting for quota in queue q",
            ),
            (
                [("Started", "Admitted"), ("Stopped", "Preempted to make room"), ("Pending", "2 more needed")],
                "preempted by Kueue to make room; waiting for quota in queue q: 2 more needed",
            ),
            (
                [("Started", "Admitted"), ("Stopped", "Exceeded the PodsReady timeout")],
                "stopped by Kueue: Exceeded the PodsReady timeout; waiting for quota in queue q",
            ),
            ([("Stopped", "Preempted"), ("Started", "Admitted"), ("Pending", "x")], "waiting for quota in queue q: x"),
        ],
    )
    def test_a_queue_s_own_words(self, events: list[tuple[str, str]], says: str) -> None:
        queued = job(suspend=True)
        queued["metadata"]["labels"] = {QUEUED: "q"}
        seen = waiting(queued, [], [event(reason, message) for reason, message in events], NOW)
        assert seen is not None
        assert (seen.text, seen.hopeless) == (says, False)

    @pytest.mark.parametrize(("made", "hints"), [("11:59:30", False), ("11:58:00", True), ("09:00:00", False)])
    def test_a_queue_that_says_nothing_may_not_be_there(self, made: str, hints: bool) -> None:
        queued = job(suspend=True)
        queued["metadata"] |= {"labels": {QUEUED: "q"}, "creationTimestamp": f"2026-01-01T{made}Z"}
        seen = waiting(queued, [], [], NOW)
        assert seen is not None
        assert ("is there a LocalQueue q?" in seen.text) is hints

    def test_a_preempted_worker_saves_before_it_is_said_to_wait(self) -> None:
        """Kueue's suspension deletes pods: what they write while they end is newer than any note."""
        leaving = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T12:00:30Z"})
        assert waiting(job(suspend=True), [leaving], [], NOW) is None
        assert waiting(job(suspend=True), [pod(43)], [], NOW) is not None
        lost = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T11:59:00Z"})
        seen = waiting(job(suspend=True), [lost], [], NOW)
        assert seen is not None
        assert seen.lost_node == "node-1"

    def test_what_once_kept_it_is_forgotten_when_it_runs(self) -> None:
        refused = event("FailedCreate", "exceeded quota: q")
        mount = event("FailedMount", "no secret", "train-x-r1-abcde")
        running = pod(phase="Running")
        assert waiting(job(), [running], [refused, mount], NOW) is None
        assert runs([running]) == "train-x-r1-abcde on node-1"

    def test_a_pod_within_its_grace_is_not_lost(self) -> None:
        leaving = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T12:00:30Z"})
        assert waiting(job(), [leaving], [], NOW) is None
        assert runs([leaving]) == ""
