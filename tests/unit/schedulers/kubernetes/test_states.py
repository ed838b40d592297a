"""What a Job and its pods say, in the words of the engine: every row of the two tables, from literal documents."""

from typing import Any

import pytest

from polyglot.schedulers.base import Outcome
from polyglot.schedulers.kubernetes.disruptions import disruption, goes_away
from polyglot.schedulers.kubernetes.driver import out_of_memory
from polyglot.schedulers.kubernetes.states import is_explained, job_end
from tests.kit.kubernetes_documents import (
    ASKED,
    BEFORE,
    DELETED,
    DISRUPTED,
    FAILED,
    LOST,
    POLICY,
    RANKS,
    SUSPENDED,
    job,
    pod,
)


def suspended(by: str) -> dict[str, Any]:
    """A Job that somebody has suspended."""
    found = job(suspend=True)
    fields = [{"manager": by, "time": "t", "fieldsV1": {"f:spec": {"f:suspend": {}}}}]
    found["metadata"]["managedFields"] = fields
    return found


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
            (FAILED, [pod(137, metadata=DELETED)], Outcome.TRANSIENT, "abcde, which was deleted"),
            (RANKS, [], Outcome.INTERRUPTED, "interrupted: Pod x has condition DisruptionTarget"),  # who saved it?
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

    @pytest.mark.parametrize(
        ("code", "grace", "says"),
        [
            (137, 60, "exit code 137 (signal 9) of pod train-x-r1-abcde, which was deleted and had not ended when its "
             "grace of 60 s was over"),
            (137, 0, "exit code 137 (signal 9) of pod train-x-r1-abcde, which was deleted with no grace, by force"),
            (None, 0, "pod train-x-r1-abcde was deleted with no grace, by force, and its end was not seen"),
            (None, 3, "pod train-x-r1-abcde was deleted, and its end was not seen"),
            (1, 0, "exit code 1 of pod train-x-r1-abcde"),
        ],
    )  # fmt: skip
    def test_a_deletion_is_told_with_the_grace_that_it_gave(self, code: int | None, grace: int, says: str) -> None:
        """The pod's own metadata say 0 in the end, whatever it was."""
        gone = {"deletionTimestamp": "2026-01-01T12:00:05Z", "deletionGracePeriodSeconds": 0}
        end = job_end(FAILED, [pod(code, metadata=gone)], {"train-x-r1-abcde": grace})
        assert end is not None
        assert (end.outcome, end.text) == (Outcome.TRANSIENT, says)

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


def test_a_driver_that_ran_out_of_memory_is_named() -> None:
    pods = [pod(1), pod(137, reason="OOMKilled", metadata={"name": "driver-x-1-abc"}), pod(phase="Running")]
    (line,) = out_of_memory(pods)
    assert line.startswith(
        "the driver driver-x-1-abc ran out of its memory (OOMKilled); raise kubernetes.driver-memory"
    )


class TestDisruption:
    @pytest.mark.parametrize(
        ("found", "one", "says"),
        [
            (job(), pod(phase="Running", conditions=[DISRUPTED]), "(PreemptionByScheduler: preempted)"),
            (RANKS, pod(43, conditions=[DISRUPTED]), "(PreemptionByScheduler: preempted)"),
            (job(), pod(43, metadata=DELETED), "was deleted"),
            (job(suspend=True), pod(43, metadata=DELETED), "its Job was suspended"),
            (suspended("kueue"), pod(43, metadata=DELETED), "its Job was suspended by kueue"),
            (suspended("kubectl-edit"), pod(43, metadata=DELETED), "its Job was suspended by kubectl-edit"),
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
