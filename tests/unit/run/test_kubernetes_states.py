"""What a Job and its pods say, in the words of the engine: every row of the two tables, from literal documents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from polyglot.run.backend import Outcome
from polyglot.run.kubernetes.disruptions import disruption, goes_away
from polyglot.run.kubernetes.states import ending, runs, waiting

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "preempted"}


def job(condition: str = "", reason: str = "", message: str = "", **spec: Any) -> dict[str, Any]:
    told = {"status": "True", "reason": reason, "message": message, "lastTransitionTime": "2026-01-01T12:00:00Z"}
    conditions = [{"type": condition, **told}] if condition else []
    return {"metadata": {"name": "train-x-r1", "labels": {}}, "spec": spec, "status": {"conditions": conditions}}


def pod(
    code: int | None = None, *, reason: str = "Error", made: str = "2026-01-01T11:00:00Z", **more: Any
) -> dict[str, Any]:
    state = {} if code is None else {"terminated": {"exitCode": code, "reason": reason}}
    return {
        "metadata": {"name": "train-x-r1-abcde", "creationTimestamp": made, **more.pop("metadata", {})},
        "spec": {
            "nodeName": "node-1",
            "containers": [{"resources": {"limits": {"memory": "32Mi"}}}],
            "terminationGracePeriodSeconds": 5,
        },
        "status": {
            "phase": more.pop("phase", "Failed"),
            "conditions": more.pop("conditions", []),
            "containerStatuses": [{"state": more.pop("state", state), "image": "a/b@sha256:c"}],
        },
    }


def event(reason: str, message: str, about: str = "train-x-r1") -> dict[str, Any]:
    return {"reason": reason, "message": message, "involvedObject": {"name": about, "kind": "Job"}}


FAILED = job("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
POLICY = job("Failed", "PodFailurePolicy", "Container worker for pod x failed with exit code 42 matching FailJob rule")
INDEXED = {"completionMode": "Indexed"}
RANKS = job("Failed", "PodFailurePolicy", "Pod x has condition DisruptionTarget", **INDEXED)
ASKED = job("Failed", "PodFailurePolicy", "Container worker for pod n/x failed with exit code 43", **INDEXED)
LOST = job("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit", **INDEXED)
BEFORE = {"deletionTimestamp": "2026-01-01T12:00:04Z", "deletionGracePeriodSeconds": 5}
DELETED = {"deletionTimestamp": "2026-01-01T12:00:05Z", "deletionGracePeriodSeconds": 5}


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
            (FAILED, [pod(1)], Outcome.TRANSIENT, "exit code 1 of pod train-x-r1-abcde"),
            (FAILED, [], Outcome.TRANSIENT, "backoff limit"),
            (
                RANKS,
                [pod(143, conditions=[DISRUPTED]), pod(1)],
                Outcome.INTERRUPTED,
                "(PreemptionByScheduler: preempted)",
            ),
            (RANKS, [pod(43), pod(1)], Outcome.INTERRUPTED, "progress saved"),
            (RANKS, [pod(43), pod(42)], Outcome.PERMANENT, "42"),
            (ASKED, [], Outcome.INTERRUPTED, "pod n/x failed with exit code 43"),
            (LOST, [pod(137), pod(43)], Outcome.TRANSIENT, "exit code 137 (signal 9) of pod train-x-r1-abcde"),
            (LOST, [pod(43), pod(43)], Outcome.INTERRUPTED, "progress saved"),
            (FAILED, [pod(137, metadata=DELETED)], Outcome.TRANSIENT, "when its grace of 5 s was over"),
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


class TestDisruption:
    @pytest.mark.parametrize(
        ("found", "one", "says"),
        [
            (job(), pod(phase="Running", conditions=[DISRUPTED]), "(PreemptionByScheduler: preempted)"),
            (RANKS, pod(43, conditions=[DISRUPTED]), "(PreemptionByScheduler: preempted)"),
            (job(), pod(43, metadata=DELETED), "was deleted"),
            (job(suspend=True), pod(43, metadata=DELETED), "took the quota back"),
            (LOST, pod(43, metadata=BEFORE), "was deleted"),  # that is why its Job ended
        ],
    )
    def test_what_took_a_pod_away(self, found: dict[str, Any], one: dict[str, Any], says: str) -> None:
        assert disruption(found, one).startswith("pod train-x-r1-abcde ")
        assert says in disruption(found, one)

    @pytest.mark.parametrize(
        ("found", "one"),
        [
            (job(), pod(phase="Running")),
            (job(), pod(1)),
            (job(), pod(phase="Running", metadata=DELETED)),  # what it comes to is seen when it has ended
            (job(), pod(0, phase="Succeeded", metadata=DELETED)),
            (job(), pod(137, metadata=DELETED)),  # its attempt fails for that
            (LOST, pod(43, metadata=DELETED)),  # a peer of what was lost
            (job("FailureTarget"), pod(43, metadata=DELETED)),
            ({**job(), "metadata": {"name": "train-x-r1", **DELETED}}, pod(43, metadata=DELETED)),
        ],
    )
    def test_what_goes_with_its_job_was_not_taken_away(self, found: dict[str, Any], one: dict[str, Any]) -> None:
        assert disruption(found, one) == ""

    def test_what_goes_away_is_read_while_it_is_there(self) -> None:
        assert goes_away(pod(phase="Running", conditions=[DISRUPTED]))
        assert goes_away(pod(phase="Running", metadata=DELETED))
        assert not goes_away(pod(phase="Running"))
        assert not goes_away(pod(phase="Pending", metadata=DELETED))
