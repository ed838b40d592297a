"""Trainings whose pods are taken away: they end as if nobody had, nothing is done twice, and `why` says what happened.

The trainer is the real one; what it trains is tiny (tests/kit/cluster/small_training.py). Every result is compared with
one that nobody disturbed, file by file.
"""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from polyglot.core.stage import Stage
from polyglot.study.pool import Pool, Toleration
from tests.kit.cluster.installation import Installation, installed
from tests.kit.cluster.namespace import RESTRICTED, fresh_namespace
from tests.kit.cluster.noop_study import cluster_of, images_of, submitted
from tests.kit.cluster.queues import LABEL, local_queue, priority_class
from tests.kit.cluster.slow_store import slow_store
from tests.kit.cluster.small_training import START_SECONDS, Training, commit_inputs, training
from tests.kit.cluster.target import Target
from tests.kit.graphs import stage
from tests.kit.world import until
from tools.cluster import processes

pytestmark = pytest.mark.timeout(1200)

PAUSE_SECONDS = 30
BIG = Pool(
    node_selector={"polyglot.dev/pool": "big"}, tolerations=(Toleration(key="nvidia.com/gpu", operator="Exists"),)
)
ON_BIG = {"pools": {"default": BIG}}
BIG_POD = {
    "nodeSelector": {"polyglot.dev/pool": "big"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
}
GPUS = {"nvidia.com/gpu": "2"}  # all that the node has
# two pods of two processes, which find the GPUs that they want on a node each; there is no GPU, so they use processors
KILLS = int(os.environ.get("KILLS", "2"))
FOUR_RANKS: dict[str, Any] = {
    "resources": {"ranks": 2, "gpus": 2, "memory_bytes": 3 * 2**30},
    "steps": 300 + 20 * KILLS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An installation with the inputs of trainings in its store."""

    installation: Installation
    inputs: dict[str, Stage]
    folder: Path

    @property
    def core(self) -> client.CoreV1Api:
        return self.installation.namespace.target.core

    @property
    def namespace(self) -> str:
        return self.installation.namespace.name

    def training(self, label: str, checkpoint_steps: int, **more: Any) -> Training:
        log = self.folder / f"{label}.log"
        more = {"checkpoint_steps": checkpoint_steps, "label": label, "log": log, **more}
        return training(self.installation, self.inputs, **more)

    def undisturbed(self, label: str, checkpoint_steps: int, **more: Any) -> Training:
        """One that has ended, and by its length saved nothing on the way."""
        one = self.training(label, checkpoint_steps, **more)
        with one.driven() as driver:
            one.ends_well(driver)
        assert one.starts == [1]
        return one


@pytest.fixture(scope="module")
def site(cluster: Target, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("disturbed")
    with installed(cluster, images, folder) as made:
        yield Site(installation=made, inputs=commit_inputs(made, folder / "inputs"), folder=folder)


@pytest.fixture(scope="module")
def undisturbed(site: Site) -> Training:
    """What all trainings by one rank are compared with."""
    return site.undisturbed("undisturbed", 1000)


def needs_own(site: Site, what: str) -> None:
    if not site.installation.namespace.target.own:
        pytest.skip(f"needs {what}")


def evict(site: Site, pod: str) -> None:
    site.core.create_namespaced_pod_eviction(pod, site.namespace, {"metadata": {"name": pod}})


def delete(site: Site, pod: str) -> None:
    site.core.delete_namespaced_pod(pod, site.namespace)


def check(one: Training, undisturbed: Training, *, starts: list[int]) -> None:
    """It ended as if nobody had disturbed it, and went on from where it had been."""
    assert one.result() == undisturbed.result()
    assert one.final_loss() == undisturbed.final_loss()
    assert one.starts == starts
    assert one.manifest is not None
    assert one.manifest.volatile["attempt"] == len(starts)
    if sum(starts) > 1:
        assert one.manifest.volatile["resumed_from_step"] > 0
    names = sorted(job["name"] for job in one.study.jobs())
    assert names == [f"{one.planned.name}-r{number}" for number in range(1, len(starts) + 1)]


@pytest.mark.parametrize(
    ("act", "steps", "says"),
    [(evict, 40, " disrupted (EvictionByEvictionAPI: "), (delete, 41, " was deleted")],
    ids=["evicted", "deleted"],
)
def test_a_pod_taken_away_is_replaced_and_goes_on(
    site: Site, undisturbed: Training, act: Callable[[Site, str], None], steps: int, says: str
) -> None:
    """Faults 14 and 15: SIGTERM is trapped, and the Job is not complete, whatever its pods came to."""
    one = site.training(act.__name__, steps)
    with one.driven() as driver:
        one.until_saved()
        pod = one.running().metadata.name
        act(site, pod)
        until(lambda: {other.metadata.name for other in one.pods()} - {pod}, 120)
        assert one.manifest is None
        (job,) = site.installation.namespace.target.batch.list_namespaced_job(
            site.namespace, label_selector=f"polyglot.dev/key={one.planned.key[:12]}"
        ).items
        assert not job.status.conditions
        saved = one.step_saved()
        one.ends_well(driver)
    check(one, undisturbed, starts=[2])
    assert one.manifest is not None
    assert one.manifest.volatile["resumed_from_step"] == saved
    line = one.reason(says)
    assert line.startswith(f"  attempt 1: pod {pod}{says}")
    assert line.endswith(f"; start 2 went on from the checkpoint of step {saved}")
    assert f"pod {pod}{says}" in one.log.read_text()  # its driver said so at once


@pytest.mark.alone
def test_a_node_that_becomes_unfit_is_left(site: Site, undisturbed: Training) -> None:
    """Fault 14: NoExecute. Until the taint goes, `why` says what the next pod waits for."""
    needs_own(site, "a node to taint")
    one = site.training("tainted", 42, **ON_BIG)
    taint = {"key": "polyglot.dev/unfit", "value": one.planned.key[:12], "effect": "NoExecute"}
    with one.driven() as driver:
        one.until_saved()
        pod = one.running()
        node = pod.spec.node_name
        before = [client.ApiClient().sanitize_for_serialization(each) for each in site.core.read_node(node).spec.taints]
        site.core.patch_node(node, {"spec": {"taints": [*before, taint]}})
        try:
            until(lambda: "untolerated taint" in one.why(), 120)
        finally:
            site.core.patch_node(node, {"spec": {"taints": before}})
        one.ends_well(driver)
    check(one, undisturbed, starts=[2])
    line = one.reason(f"pod {pod.metadata.name} disrupted (DeletionByTaintManager")
    assert "; start 2 went on from the checkpoint of step " in line


@pytest.fixture
def urgent(cluster: Target) -> Iterator[str]:
    """A PriorityClass above that of all other pods."""
    api, name = client.SchedulingV1Api(cluster.api), f"urgent-{time.time_ns()}"
    api.create_priority_class({"metadata": {"name": name}, "value": 1000})
    yield name
    api.delete_priority_class(name)


def test_a_more_urgent_pod_takes_its_gpus(site: Site, urgent: str) -> None:
    """Fault 14: preemption. It waits for the GPUs, and goes on when they are free: a process for each, on the CPU."""
    needs_own(site, "a node with two GPUs and no more")
    paired = {"resources": {"gpus": 2, "memory_bytes": 3 * 2**30}, **ON_BIG}
    alone = site.undisturbed("two-gpus", 1002, **paired)
    assert alone.manifest is not None
    assert alone.manifest.execution["world_size"] == 2
    one = site.training("preempted", 43, **paired)
    with one.driven() as driver, fresh_namespace(site.installation.namespace.target) as other:
        one.until_saved()
        pod = one.running().metadata.name
        other.run("important", "sleep 15", resources={"limits": GPUS}, priorityClassName=urgent, **BIG_POD)
        assert other.wait_job("important") == "Complete"
        one.ends_well(driver)
    check(one, alone, starts=[2])
    line = one.reason(f"pod {pod} disrupted (PreemptionByScheduler: ")
    assert "; start 2 went on from the checkpoint of step " in line


def test_a_grace_that_is_shorter_than_the_upload(site: Site, undisturbed: Training) -> None:
    """Fault 16: SIGKILL in the middle of a checkpoint. The one before it stands, and no line of the log is lost."""
    needs_own(site, "a relay in the cluster's own network")
    with slow_store(site.installation.namespace.target) as slow:
        environment = {**cluster_of(site.installation).environment, "AWS_ENDPOINT_URL_S3": slow.inside}
        one = site.training("throttled", 44, resources={"grace_seconds": 5}, environment=environment)
        with one.driven() as driver:
            one.until_saved()
            slow.throttle(100)  # the newest lines are not archived either
            pod = one.running().metadata.name
            until(lambda: "checkpoint after step" in one.said(pod), 30)
            said = one.said(pod)
            delete(site, pod)
            until(lambda: one.attempts.failure(1) is not None, 120)
            slow.throttle(None)
            saved = one.step_saved()
            assert saved > 0
            one.ends_well(driver)
    check(one, undisturbed, starts=[1, 1])
    assert one.manifest is not None
    assert one.manifest.volatile["resumed_from_step"] == saved
    line = one.reason("when its grace of 5 s was over")
    assert f"exit code 137 (signal 9) of pod {pod}, which was deleted" in line
    assert line.endswith(f"; attempt 2 went on from the checkpoint of step {saved}")
    assert b"".join(one.attempts.log(1)).decode().startswith(said)


def test_an_exit_0_without_a_manifest_fails_the_attempt(
    cluster: Target, noop_images: dict[str, str], tmp_path: Path
) -> None:
    """Fault 15: the Job is complete, and nobody believes it."""
    with installed(cluster, images_of(noop_images["worker"]), tmp_path) as made:
        environment = {**cluster_of(made).environment, "POLYGLOT_TEST_LEDGER": "/tmp/ledger"}
        study = submitted(made, [stage("failing", "liar", how="lie")], environment=environment)
        assert made.polyglot(*study.drive, check=False).returncode == 1
        batch = cluster.batch.list_namespaced_job(made.namespace.name).items
        assert [job.status.succeeded for job in batch] == [1] * 5
    assert study.results() == {}
    first, *_ = study.why("failing liar").splitlines()
    assert "the worker ended as if it had committed, but there is no manifest (5 attempts)" in first


@pytest.mark.alone
def test_an_api_server_that_says_nothing_for_half_a_minute(site: Site, undisturbed: Training) -> None:
    """Fault 13: while a training runs and its driver watches; neither notices more than a delay."""
    needs_own(site, "the API server's process")
    one = site.training("paused", 45)
    with one.driven() as driver:
        one.until_saved()
        processes.send("kube-apiserver", signal.SIGSTOP)
        try:
            time.sleep(PAUSE_SECONDS)  # the fault itself
            assert driver.poll() is None, one.log.read_text()
        finally:
            processes.send("kube-apiserver", signal.SIGCONT)
        one.ends_well(driver)
    check(one, undisturbed, starts=[1])
    assert "disrupted" not in one.why()


@pytest.fixture(scope="module")
def four_ranks(site: Site) -> Training:
    """What all trainings by two pods of two processes are compared with."""
    one = site.undisturbed("four-ranks", 1001, **FOUR_RANKS)
    assert one.manifest is not None
    assert one.manifest.execution["world_size"] == 4
    return one


def nodes_of(one: Training) -> set[str]:
    return {one.running(rank=pod).spec.node_name for pod in (0, 1)}


@pytest.mark.slow
def test_a_pod_of_four_ranks_is_evicted_and_all_go_on_together(site: Site, four_ranks: Training) -> None:
    """Fault 14 with ranks: the engine starts every rank anew, from the checkpoint that they left together."""
    one = site.training("rank-lost", 46, **FOUR_RANKS)
    with one.driven() as driver:
        one.until_saved()
        assert len(nodes_of(one)) == 2
        pod = one.running(rank=1).metadata.name
        evict(site, pod)
        one.ends_well(driver, 2 * START_SECONDS)
    check(one, four_ranks, starts=[2])
    assert one.attempts.of_rank(1).starts(1) == 2
    line = one.reason(f"pod {pod} disrupted (EvictionByEvictionAPI: ")
    assert "; start 2 went on from the checkpoint of step " in line
    for pod_number in (0, 1):  # each start of each pod is in the archive
        said = b"".join(one.attempts.of_rank(pod_number).log(1)).decode()
        assert all(f"attempt 1, start {start}, rank {2 * pod_number} of 4" in said for start in (1, 2))


@pytest.mark.slow
def test_four_ranks_are_preempted_in_their_queue_and_all_go_on_together(
    kueue: Target, site: Site, four_ranks: Training
) -> None:
    """Fault 14 with ranks and Kueue, which suspends the Job: both pods save, and all ranks wait for quota."""
    namespace = site.installation.namespace
    with (
        local_queue(namespace, {"nvidia.com/gpu": "4"}) as queue,
        priority_class(namespace, 1000) as usual,
        priority_class(namespace, 2000) as urgent,
    ):
        one = site.training("preempted-ranks", 48, queue=queue, priority_class=usual, **FOUR_RANKS)
        with one.driven() as driver:
            one.until_saved()
            held = {"limits": {"nvidia.com/gpu": "1", "cpu": "100m", "memory": "32Mi"}}
            more = {"labels": {LABEL: queue}, "job": {"suspend": True}, "priorityClassName": urgent}
            namespace.run("urgent", "sleep 1", resources=held, securityContext=RESTRICTED, **more)
            assert namespace.wait_job("urgent") == "Complete"
            one.ends_well(driver, 2 * START_SECONDS)
    check(one, four_ranks, starts=[2])
    assert "preempted by Kueue" in one.log.read_text()


@pytest.mark.slow
@pytest.mark.timeout(900 + 120 * KILLS)
def test_processes_of_two_pods_are_killed_and_all_go_on_together(site: Site, four_ranks: Training) -> None:
    """Whichever is killed, and whenever, there is one final loss. KILLS=10 kills so many."""
    needs_own(site, "the processes of its pods on this machine")
    one, moments = site.training("killed-processes", 17, max_attempts=KILLS + 1, **FOUR_RANKS), random.Random(17)
    with one.driven() as driver:
        for number in range(KILLS):
            one.until_saved(one.step_saved() + 1)
            rank, seconds = moments.randrange(4) if number else 3, moments.uniform(0, 1)
            time.sleep(seconds)
            print(f"kill {number + 1}: rank {rank}, {seconds:.2f} s after the checkpoint of step {one.step_saved()}")
            os.kill(process_of(one.running(rank=rank // 2).spec.hostname, rank % 2), signal.SIGKILL)
            until(lambda starts=number + 2: sum(one.starts) == starts, START_SECONDS)
        one.ends_well(driver, 2 * START_SECONDS)
    print(f"starts {one.starts}, final loss {one.final_loss()}, undisturbed {four_ranks.final_loss()}")
    assert one.result() == four_ranks.result()
    assert one.final_loss() == four_ranks.final_loss()
    assert sum(one.starts) == KILLS + 1


def process_of(host: str, local_rank: int) -> int:
    """The process on this machine that is a local rank of the pod of this host name."""
    named = f"HOSTNAME={host}".encode(), f"POLYGLOT_LOCAL_RANK={local_rank}".encode()
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if set(named) <= set(file.read_bytes().split(b"\0")):
                found.append(int(file.parent.name))
    (process,) = found
    return process
