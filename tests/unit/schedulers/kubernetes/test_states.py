"""What a Job and its pods say, in the words of the engine: every row of the two tables, from literal documents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from polyglot.schedulers.base import Outcome
from polyglot.schedulers.kubernetes.disruptions import disruption, goes_away
from polyglot.schedulers.kubernetes.states import hindrance, is_explained, job_end, runs

QUEUED = "kueue.x-k8s.io/queue-name"
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "preempted"}


def job(condition: str = "", reason: str = "", message: str = "", **spec: Any) -> dict[str, Any]:
    told = {"status": "True", "reason": reason, "message": message, "lastTransitionTime": "2026-01-01T12:00:00Z"}
    conditions = [{"type": condition, **told}] if condition else []
    return {"metadata": {"name": "train-x-r1", "labels": {}}, "spec": spec, "status": {"conditions": conditions}}


def pod(
    code: int | None = None, *, reason: str = "Error", says: str = "", made: str = "2026-01-01T11:00:00Z", **more: Any
) -> dict[str, Any]:
    state = {} if code is None else {"terminated": {"exitCode": code, "reason": reason, "message": says}}
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
SUSPENDED = job("Failed", "PodFailurePolicy", "Container worker for pod a/x failed with exit code 43 matching rule")
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
            (
                FAILED,
                [pod(137, reason="OOMKilled")],
                Outcome.OUT_OF_MEMORY,
                "at least the 0.03 GiB that it was allowed",
            ),
            (FAILED, [pod(1, reason="OOMKilled")], Outcome.OUT_OF_MEMORY, "OOMKilled"),
            (POLICY, [pod(45, says="no input")], Outcome.INTERRUPTED, "exit code 45: no input"),
            (RANKS, [pod(43), pod(45)], Outcome.INTERRUPTED, "exit code 45"),
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
            (SUSPENDED, [], Outcome.INTERRUPTED, "progress saved"),
            (RANKS, [pod(43), pod(42)], Outcome.PERMANENT, "42"),
            (ASKED, [], Outcome.INTERRUPTED, "pod n/x failed with exit code 43"),
            (LOST, [pod(137), pod(43)], Outcome.TRANSIENT, "exit code 137 (signal 9) of pod train-x-r1-abcde"),
            (LOST, [pod(43), pod(43)], Outcome.INTERRUPTED, "progress saved"),
            (FAILED, [pod(137, metadata=DELETED)], Outcome.TRANSIENT, "when its grace of 5 s was over"),
        ],
    )
    def test_every_row(self, found: dict[str, Any], pods: list[dict[str, Any]], outcome: Outcome, says: str) -> None:
        end = job_end(found, pods)
        assert end is not None
        assert end.outcome is outcome
        assert says in end.text

    @pytest.mark.parametrize(
        ("found", "code", "message"),
        [
            (POLICY, 42, "exit code 42: no such row"),
            (FAILED, 1, "exit code 1 of pod train-x-r1-abcde: no such row"),
            (FAILED, 3, "exit code 3: the budget is spent: no such row"),
            (FAILED, 44, "exit code 44: out of memory: no such row"),
        ],
    )
    def test_the_worker_s_own_reason_is_told_in_one_plain_line(
        self, found: dict[str, Any], code: int, message: str
    ) -> None:
        end = job_end(found, [pod(code, says="no such\n row")])
        assert end is not None
        assert end.text == message
        hostile = job_end(found, [pod(code, says="\x1b[2J" + "x" * 4096)])
        assert hostile is not None
        assert hostile.text.isprintable()
        assert len(hostile.text) < 600

    @pytest.mark.parametrize(("limit", "peak"), [("32Mi", 2**25), ("1Gi", 2**30), ("1048577", 2**20 + 1), ("", None)])
    def test_the_peak_of_what_the_kernel_killed_is_its_limit(self, limit: str, peak: int | None) -> None:
        killed = pod(137, reason="OOMKilled")
        killed["spec"]["containers"][0]["resources"] = {"limits": {"memory": limit}} if limit else {}
        end = job_end(FAILED, [killed])
        assert end is not None
        assert (end.outcome, end.peak_memory_bytes) == (Outcome.OUT_OF_MEMORY, peak)

    def test_a_job_that_has_not_ended_has_no_ending(self) -> None:
        assert job_end(job(), [pod(43)]) is None

    def test_pods_that_were_replaced_do_not_explain_a_failure(self) -> None:
        older = pod(43, made="2026-01-01T10:00:00Z", conditions=[DISRUPTED])
        end = job_end(FAILED, [pod(1, made="2026-01-01T11:00:00Z"), older])
        assert end is not None
        assert end.outcome is Outcome.TRANSIENT

    def test_a_failure_is_explained_by_its_own_pods_and_not_by_those_that_were_replaced(self) -> None:
        interrupted, second = pod(43), "2026-01-01T11:30:00Z"
        assert not is_explained(FAILED, [])
        assert not is_explained(FAILED, [interrupted, pod(made=second, phase="Running")])
        assert is_explained(FAILED, [interrupted, pod(44, made=second)])
        assert is_explained(LOST, [pod(1), pod(made=second, phase="Running")])


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
        seen = hindrance(found, pods, events, NOW)
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
        seen = hindrance(queued, [], [event(reason, message) for reason, message in events], NOW)
        assert seen is not None
        assert (seen.text, seen.hopeless) == (says, False)

    @pytest.mark.parametrize(("made", "hints"), [("11:59:30", False), ("11:58:00", True), ("09:00:00", False)])
    def test_a_queue_that_says_nothing_may_not_be_there(self, made: str, hints: bool) -> None:
        queued = job(suspend=True)
        queued["metadata"] |= {"labels": {QUEUED: "q"}, "creationTimestamp": f"2026-01-01T{made}Z"}
        seen = hindrance(queued, [], [], NOW)
        assert seen is not None
        assert ("is there a LocalQueue q?" in seen.text) is hints

    def test_a_preempted_worker_saves_before_it_is_said_to_wait(self) -> None:
        """Kueue's suspension deletes pods: what they write while they end is newer than any note."""
        leaving = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T12:00:30Z"})
        assert hindrance(job(suspend=True), [leaving], [], NOW) is None
        assert hindrance(job(suspend=True), [pod(43)], [], NOW) is not None
        lost = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T11:59:00Z"})
        seen = hindrance(job(suspend=True), [lost], [], NOW)
        assert seen is not None
        assert seen.lost_node == "node-1"

    def test_what_once_kept_it_is_forgotten_when_it_runs(self) -> None:
        refused = event("FailedCreate", "exceeded quota: q")
        mount = event("FailedMount", "no secret", "train-x-r1-abcde")
        running = pod(phase="Running")
        assert hindrance(job(), [running], [refused, mount], NOW) is None
        assert runs([running]) == "train-x-r1-abcde on node-1"

    @pytest.mark.parametrize(
        ("at", "leaving", "lost"),
        [
            ("2026-01-01T11:59:50Z", "", ""),  # it may come back
            ("2026-01-01T11:54:00Z", "", "node-1"),  # it tolerates that, so the cluster does not delete it
            ("2026-01-01T11:54:00Z", "2026-01-01T12:00:10Z", ""),  # the cluster gives it its grace
            ("2026-01-01T11:54:00Z", "2026-01-01T11:59:00Z", "node-1"),
        ],
    )
    def test_a_node_that_does_not_answer_is_named_at_once_and_given_up_later(
        self, at: str, leaving: str, lost: str
    ) -> None:
        conditions = [
            {"type": "Ready", "status": "False", "lastTransitionTime": at},
            {"type": "ContainersReady", "status": "True", "lastTransitionTime": at},
        ]
        metadata = {"deletionTimestamp": leaving} if leaving else {}
        seen = hindrance(job(), [pod(phase="Running", conditions=conditions, metadata=metadata)], [], NOW)
        assert seen is not None
        assert "node node-1" in seen.text
        assert (seen.lost_node, seen.hopeless) == (lost, False)

    def test_a_worker_that_is_not_ready_by_its_own_node_s_word_is_not_lost(self) -> None:
        conditions = [{"type": name, "status": "False"} for name in ("Ready", "ContainersReady")]
        assert hindrance(job(), [pod(phase="Running", conditions=conditions)], [], NOW) is None

    def test_a_pod_within_its_grace_is_not_lost(self) -> None:
        leaving = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T12:00:30Z"})
        assert hindrance(job(), [leaving], [], NOW) is None
        assert runs([leaving]) == ""

    def test_of_several_ranks_the_one_that_decides_is_told_whichever_changed_last(self) -> None:
        missing = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
        full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room"}
        ranks = [
            pod(phase="Pending", conditions=[full], metadata={"name": "train-x-r1-0-a"}),
            pod(phase="Pending", state=missing, metadata={"name": "train-x-r1-1-b"}),
            pod(phase="Pending", conditions=[{**full, "message": "no GPU"}], metadata={"name": "train-x-r1-2-c"}),
        ]
        for pods in (ranks, ranks[::-1], [ranks[2], ranks[0]]):
            found = hindrance(job(**INDEXED), pods, [], NOW)
            assert found is not None
            expected = "ImagePullBackOff: no such image" if len(pods) == 3 else "Unschedulable: no room"
            assert (found.text, found.hopeless) == (expected, len(pods) == 3)


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
