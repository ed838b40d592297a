"""What keeps a Job from going on: every row of the table, from literal documents."""

from typing import Any

import pytest

from polyglot.schedulers.kubernetes.hindrances import Around, hindrance
from polyglot.schedulers.kubernetes.states import runs
from tests.kit.kubernetes_documents import INDEXED, NOW, QUEUED, event, job, pod

QUOTA = (
    'pods "x" is forbidden: exceeded quota: q, requested: limits.memory={},pods=1, used: limits.memory=0,pods=3, '
    "limited: limits.memory={},pods=9"
)


def unschedulable(why: str, no_help: int) -> dict[str, Any]:
    """A pod as the scheduler of 1.34 leaves it, on two nodes of which so many gain nothing by preemption."""
    rest = f", {2 - no_help} No preemption victims found for incoming pod" if no_help < 2 else ""
    said = f"0/2 nodes are available: {why}. preemption: 0/2 nodes are available: {no_help} Preemption is not helpful"
    message = f"{said} for scheduling{rest}."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod(phase="Pending", conditions=[condition])


def queued(made: str = "11:59:50") -> dict[str, Any]:
    """A Job that a queue has not started."""
    found = job(suspend=True)
    found["metadata"] |= {"labels": {QUEUED: "q"}, "creationTimestamp": f"2026-01-01T{made}Z"}
    return found


def workload(*conditions: tuple[str, str, str, str], active: bool = True, **status: Any) -> dict[str, Any]:
    """What Kueue 0.14 keeps of a Job; conditions are (type, status, reason, message)."""
    names = ("type", "status", "reason", "message")
    shown = [dict(zip(names, one, strict=True)) for one in conditions]
    return {"metadata": {"name": "w"}, "spec": {"active": active}, "status": {"conditions": shown, **status}}


def deactivated(reason: str, why: str) -> dict[str, Any]:
    said = f"The workload is deactivated{why}"
    return workload(("QuotaReserved", "False", "Pending", said), ("Evicted", "True", reason, said), active=False)


class TestWorkload:
    """What Kueue keeps when its events are long forgotten."""

    @pytest.mark.parametrize(
        ("found", "says", "hopeless"),
        [
            (
                deactivated(
                    "DeactivatedDueToRequeuingLimitExceeded",
                    " due to exceeding the maximum number of re-queuing retries",
                ),
                "its Workload w is not active: The workload is deactivated due to exceeding the maximum number of "
                "re-queuing retries; it waits until its spec.active is set to true",
                True,
            ),
            (
                deactivated("DeactivatedDueToAdmissionCheck", " due to Admission check(s): budget, were rejected"),
                "its Workload w is not active: The workload is deactivated due to Admission check(s): budget, were "
                "rejected; it waits until its spec.active is set to true",
                True,
            ),
            (
                deactivated("Deactivated", ""),
                "its Workload w is not active: The workload is deactivated; it waits until its spec.active is set to "
                "true",
                False,
            ),
            (
                workload(active=False),
                "its Workload w is not active; it waits until its spec.active is set to true",
                False,
            ),
            (workload(), "waiting for quota in queue q", False),
            (
                workload(("QuotaReserved", "False", "Pending", "insufficient unused quota for cpu, 1 more needed")),
                "waiting for quota in queue q: insufficient unused quota for cpu, 1 more needed",
                False,
            ),
            (
                workload(("QuotaReserved", "False", "Pending", "flavor f, request > maximum capacity (3 > 1)")),
                "waiting for quota in queue q: flavor f, request > maximum capacity (3 > 1)",
                True,
            ),
            (
                workload(
                    ("QuotaReserved", "False", "Pending", "a, request > maximum capacity (3 > 1), b, 1 more needed")
                ),
                "waiting for quota in queue q: a, request > maximum capacity (3 > 1), b, 1 more needed",
                False,
            ),
            (
                workload(("QuotaReserved", "False", "Inadmissible", "LocalQueue q doesn't exist")),
                "waiting for quota in queue q: LocalQueue q doesn't exist",
                True,
            ),
            (
                workload(("QuotaReserved", "False", "Inadmissible", "ClusterQueue c is inactive")),
                "waiting for quota in queue q: ClusterQueue c is inactive",
                False,
            ),
            (
                workload(
                    ("QuotaReserved", "False", "Pending", "2 more needed"),
                    ("Evicted", "True", "Preempted", "Preempted to accommodate a workload (UID: u)"),
                ),
                "preempted by Kueue to accommodate a workload (UID: u); waiting for quota in queue q: 2 more needed",
                False,
            ),
            (
                workload(
                    ("QuotaReserved", "False", "Pending", "Exceeded the PodsReady timeout n/w"),
                    ("Evicted", "True", "PodsReadyTimeout", "Exceeded the PodsReady timeout n/w"),
                    requeueState={"count": 3},
                ),
                "stopped by Kueue: Exceeded the PodsReady timeout n/w, re-queued 3 times; waiting for quota in queue q",
                False,
            ),
            (
                workload(
                    ("QuotaReserved", "True", "QuotaReserved", "Quota reserved in ClusterQueue c"),
                    ("Evicted", "False", "QuotaReserved", "Previously: Preempted"),
                    admissionChecks=[
                        {"name": "ok", "state": "Ready", "message": ""},
                        {"name": "nodes", "state": "Pending", "message": "no capacity yet"},
                    ],
                ),
                "waiting for quota in queue q: admission checks: nodes is Pending (no capacity yet)",
                False,
            ),
        ],
    )
    def test_every_state(self, found: dict[str, Any], says: str, hopeless: bool) -> None:
        old = event("Pending", "what was long ago")
        seen = hindrance(queued(), [], Around(events=[old], workload=found, readable=True), NOW)
        assert seen is not None
        assert (seen.text, seen.hopeless) == (says, hopeless)

    @pytest.mark.parametrize(("made", "asks"), [("11:59:50", False), ("11:58:00", True), ("01:00:00", True)])
    def test_none_is_made_where_kueue_does_not_run(self, made: str, asks: bool) -> None:
        seen = hindrance(queued(made), [], Around(readable=True), NOW)
        assert seen is not None
        assert ("Kueue has made no Workload of it" in seen.text, seen.hopeless) == (asks, False)

    def test_who_suspended_a_job_without_a_queue_is_named(self) -> None:
        found, suspend = job(suspend=True), {"f:spec": {"f:suspend": {}}}
        found["metadata"]["managedFields"] = [
            {"manager": "kube-controller-manager", "time": "t1", "fieldsV1": {"f:status": {}}},
            {"manager": "kubectl-edit", "time": "2026-01-01T11:00:00Z", "fieldsV1": suspend},
        ]
        seen = hindrance(found, [], Around(), NOW)
        assert seen is not None
        assert seen.text.startswith("its Job was suspended by kubectl-edit at 2026-01-01T11:00:00Z; ")


class TestWaiting:
    @pytest.mark.parametrize(
        ("found", "pods", "events", "says", "hopeless"),
        [
            (job(suspend=True), [], [], "suspended; it waits until its spec.suspend is set to false", False),
            (job(), [], [event("FailedCreate", "exceeded quota: q, requested: cpu=1")], "exceeded quota", False),
            (job(), [], [event("FailedCreate", QUOTA.format("2Gi", "1Gi"))], "asks for more limits.memory than", True),
            (job(), [], [event("FailedCreate", QUOTA.format("1024Mi", "1Gi"))], "exceeded quota", False),
            (job(), [], [event("FailedCreate", QUOTA.format("500m", "1"))], "exceeded quota", False),
            (job(), [], [event("FailedCreate", QUOTA.format("1", "0"))], "exceeded quota", False),  # a gate
            (job(), [], [event("FailedCreate", 'violates PodSecurity "restricted"')], "PodSecurity", True),
            (job(), [], [event("FailedCreate", "maximum cpu usage per Container is 2")], "maximum cpu", True),
            (job(), [], [event("FailedCreate", "failed calling webhook: no route to host")], "webhook", False),
            (job(), [], [event("FailedCreate", "forbidden: because it is being terminated")], "terminated", False),
            (
                job(),
                [pod(phase="Pending", conditions=[
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}
                ])],
                [],
                "Unschedulable: 0/2 nodes",
                False,
            ),
            (job(), [unschedulable("1 Insufficient memory, 1 node(s) had untolerated taint(s)", 2)], [], "alone", True),
            (job(), [unschedulable("1 Insufficient memory, 1 node(s) had untolerated taint(s)", 1)], [], "0/2", False),
            (job(), [unschedulable("2 node(s) had untolerated taint(s)", 2)], [], "0/2", False),  # or away for now
            (job(), [pod(phase="Pending", state={"waiting": {"reason": "ErrImageNeverPull"}})], [], "NeverPull", True),
            (job(), [pod(phase="Pending", state={"waiting": {"reason": "InvalidImageName"}})], [], "a/b@", True),
            (
                job(),
                [pod(phase="Pending", state={"waiting": {"reason": "SignatureValidationFailed", "message": "no key"}})],
                [],
                "SignatureValidationFailed: no key",
                True,
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
        seen = hindrance(found, pods, Around(events=events), NOW)
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
        seen = hindrance(queued, [], Around(events=[event(reason, message) for reason, message in events]), NOW)
        assert seen is not None
        assert (seen.text, seen.hopeless) == (says, False)

    @pytest.mark.parametrize(("made", "hints"), [("11:59:30", False), ("11:58:00", True), ("09:00:00", False)])
    def test_a_queue_that_says_nothing_may_not_be_there(self, made: str, hints: bool) -> None:
        queued = job(suspend=True)
        queued["metadata"] |= {"labels": {QUEUED: "q"}, "creationTimestamp": f"2026-01-01T{made}Z"}
        seen = hindrance(queued, [], Around(), NOW)
        assert seen is not None
        assert ("is there a LocalQueue q?" in seen.text) is hints

    def test_a_preempted_worker_saves_before_it_is_said_to_wait(self) -> None:
        """Kueue's suspension deletes pods: what they write while they end is newer than any note."""
        leaving = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T12:00:30Z"})
        assert hindrance(job(suspend=True), [leaving], Around(), NOW) is None
        assert hindrance(job(suspend=True), [pod(43)], Around(), NOW) is not None
        lost = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T11:59:00Z"})
        seen = hindrance(job(suspend=True), [lost], Around(), NOW)
        assert seen is not None
        assert seen.lost_node == "node-1"

    def test_what_once_kept_it_is_forgotten_when_it_runs(self) -> None:
        refused = event("FailedCreate", "exceeded quota: q")
        mount = event("FailedMount", "no secret", "train-x-r1-abcde")
        running = pod(phase="Running")
        assert hindrance(job(), [running], Around(events=[refused, mount]), NOW) is None
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
        seen = hindrance(job(), [pod(phase="Running", conditions=conditions, metadata=metadata)], Around(), NOW)
        assert seen is not None
        assert "node node-1" in seen.text
        assert (seen.lost_node, seen.hopeless) == (lost, False)

    def test_a_worker_that_is_not_ready_by_its_own_node_s_word_is_not_lost(self) -> None:
        conditions = [{"type": name, "status": "False"} for name in ("Ready", "ContainersReady")]
        assert hindrance(job(), [pod(phase="Running", conditions=conditions)], Around(), NOW) is None

    def test_a_pod_within_its_grace_is_not_lost(self) -> None:
        leaving = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T12:00:30Z"})
        assert hindrance(job(), [leaving], Around(), NOW) is None
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
            found = hindrance(job(**INDEXED), pods, Around(), NOW)
            assert found is not None
            expected = "ImagePullBackOff: no such image" if len(pods) == 3 else "Unschedulable: no room"
            assert (found.text, found.hopeless) == (expected, len(pods) == 3)
