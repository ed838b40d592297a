"""Kueue and polyglot: stages wait for their queue's quota and say so, and what is preempted goes on where it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from polyglot.attempts.attempts import Attempts
from polyglot.core.stage import PlannedStage, Resources
from polyglot.schedulers.base import Ended, Event, Outcome, Running, Waiting
from polyglot.study.pool import Pool
from tests.kit.cluster.installation import Installation, installed
from tests.kit.cluster.namespace import RESTRICTED, Namespace
from tests.kit.cluster.noop_study import NoopStudy, images_of, submitted
from tests.kit.cluster.queues import (
    GROUP,
    LABEL,
    admission_check,
    hold_queue,
    impatient_kueue,
    local_queue,
    priority_class,
    reject,
    release_queue,
    workload_of,
)
from tests.kit.cluster.shell_jobs import attempt, scheduler_of, watch_until
from tests.kit.cluster.target import Target
from tests.kit.graphs import MIB, stage
from tests.kit.noop_jobs.steps.job import counted
from tests.kit.world import end, exit_code, until

GPU = "nvidia.com/gpu"
MIXES = ("EN", "DE", "ENDEFRITES")

pytestmark = pytest.mark.timeout(900)  # the first test may have to build Kueue


@pytest.fixture(scope="module")
def installation(
    kueue: Target, noop_images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    with installed(kueue, images_of(noop_images["worker"]), tmp_path_factory.mktemp("kueue")) as made:
        yield made


@pytest.fixture
def one_gpu(installation: Installation) -> Iterator[str]:
    """A queue with quota for one training."""
    with local_queue(installation.namespace, {GPU: "1"}) as name:
        yield name


def training(name: str, *, steps: int, mix: str = "EN", **params: Any) -> PlannedStage:
    """A stage that asks for a GPU, with a checkpoint a step."""
    resources = Resources(memory_bytes=256 * MIB, gpus=1, grace_seconds=params.pop("grace_seconds", 20))
    return replace(stage("steps", name, steps=steps, seconds=0.5, resources=resources, **params), mix=mix)


@contextmanager
def driven(study: NoopStudy, log: Path) -> Iterator[Any]:
    driver = study.installation.start(*study.drive, log=log)
    try:
        yield driver
    finally:
        end(driver)


def times(namespace: Namespace, name: str) -> tuple[Any, Any]:
    """When a Job started and when it was complete."""
    status = namespace.target.batch.read_namespaced_job(name, namespace.name).status
    return status.start_time, status.completion_time


def one_after_the_other(namespace: Namespace, jobs: list[str]) -> bool:
    ordered = sorted(times(namespace, name) for name in jobs)
    return all(done <= begun for (_, done), (begun, _) in zip(ordered, ordered[1:], strict=False))


def progress(study: NoopStudy, planned: PlannedStage) -> int:
    found = Attempts(study.installation.store, planned.stage).progress()
    return found.done if found else 0


def test_jobs_over_the_quota_run_one_after_the_other(kueue: Target, namespace: Namespace) -> None:
    """Kueue alone: it does what the tests below take for granted."""
    jobs = [f"queued-{number}" for number in range(3)]
    with local_queue(namespace, {"cpu": "1"}) as queue:
        for name in jobs:
            request = {"requests": {"cpu": "600m"}}
            namespace.run(name, "sleep 2", labels={LABEL: queue}, job={"suspend": True}, resources=request)
        assert [namespace.wait_job(name) for name in jobs] == ["Complete"] * 3
    assert one_after_the_other(namespace, jobs)


def test_ranks_that_are_suspended_run_again(namespace: Namespace) -> None:
    """As Kueue suspends them. Their pods are gone at once; when their 43 is seen before, it ends the whole Job."""
    rule = {"action": "FailJob", "onExitCodes": {"containerName": "worker", "operator": "In", "values": [43]}}
    indexed = {"completionMode": "Indexed", "completions": 2, "parallelism": 2, "podFailurePolicy": {"rules": [rule]}}
    work = attempt("trap 'exit 43' TERM; sleep 60 & wait", job=indexed)
    batch, name = namespace.target.batch, namespace.name

    def running() -> set[str]:
        pods = namespace.target.core.list_namespaced_pod(name).items
        return {p.metadata.name for p in pods if p.status.phase == "Running" and not p.metadata.deletion_timestamp}

    with scheduler_of(namespace) as scheduler:
        scheduler.submit(work)
        watch_until(scheduler, Running)
        until(lambda: len(running()) == 2, 30)
        before = running()
        batch.patch_namespaced_job(work.name, name, {"spec": {"suspend": True}})
        event: Event = watch_until(scheduler, (Ended, Waiting))
        if not isinstance(event, Ended):
            batch.patch_namespaced_job(work.name, name, {"spec": {"suspend": False}})
        while len(running() - before) < 2:
            if isinstance(event, Ended):
                assert event.outcome is Outcome.INTERRUPTED
                assert event.text.startswith("interrupted with its progress saved")
                scheduler.submit(work)
            event = next(scheduler.watch(1.0), Running(attempt=work))


def test_a_worker_that_does_not_hear_is_killed_after_its_grace_and_goes_on_all_the_same(
    installation: Installation, one_gpu: str, tmp_path: Path
) -> None:
    """Kubernetes counts no pod that a suspension deletes, however it ends: the same Job goes on."""
    deaf = training("deaf", steps=12, deaf_after=3, grace_seconds=2, nonce=one_gpu)
    high, log = training("short", steps=2, nonce=one_gpu), tmp_path / "driver.log"
    with (
        priority_class(installation.namespace, 1000) as usual,
        priority_class(installation.namespace, 2000) as urgent,
    ):
        study = submitted(installation, [deaf], queue=one_gpu, priority_class=usual)
        other = submitted(installation, [high], queue=one_gpu, priority_class=urgent)
        with driven(study, log) as driver:
            until(lambda: progress(study, deaf) == 3, 120)
            other.installation.polyglot(*other.drive)
            assert exit_code(driver, 240) == 0, log.read_text()
    assert study.starts() == {deaf.label: [2]}
    assert study.manifest(deaf.label).volatile["resumed_from_step"] == 3
    assert study.text(deaf.label) == counted(12)
    assert [job["name"] for job in study.jobs()] == [f"{deaf.name}-r1"]


def test_three_mixes_queue_and_run_one_after_the_other(
    installation: Installation, one_gpu: str, tmp_path: Path
) -> None:
    stages = [training(mix, steps=4, mix=mix, nonce=one_gpu) for mix in MIXES]
    namespace, log = installation.namespace, tmp_path / "driver.log"
    study = submitted(installation, stages, queue=one_gpu)
    held = {"resources": {"limits": {GPU: "1", "cpu": "100m", "memory": "32Mi"}}, "securityContext": RESTRICTED}
    namespace.run("holder", "sleep 3600", labels={LABEL: one_gpu}, job={"suspend": True}, **held)
    namespace.wait_running("holder")
    with driven(study, log) as driver:
        for planned in stages:
            until(lambda planned=planned: f"insufficient unused quota for {GPU}" in study.why(planned.label), 60)
            first, *_ = study.why(planned.label).splitlines()
            assert "is submitted and does not start: since " in first
            assert f"waiting for quota in queue {one_gpu}: couldn't assign flavors to pod set main" in first
        assert {job["pods"] for job in study.jobs()} == {0}
        namespace.target.batch.delete_namespaced_job("holder", namespace.name, propagation_policy="Foreground")
        assert exit_code(driver, 240) == 0, log.read_text()
    assert study.starts() == {planned.label: [1] for planned in stages}
    assert one_after_the_other(namespace, [f"{planned.name}-r1" for planned in stages])


def test_a_study_of_a_higher_priority_preempts_and_the_preempted_one_goes_on(
    installation: Installation, one_gpu: str, tmp_path: Path
) -> None:
    """Kueue suspends the Job, which deletes its pod without a DisruptionTarget and resets its deadline."""
    low, high = training("low", steps=24, nonce=one_gpu), training("high", steps=10, nonce=one_gpu)
    logs = {name: tmp_path / f"{name}.log" for name in ("low", "high")}
    gate = hold_queue(installation.namespace, one_gpu)
    with (
        priority_class(installation.namespace, 1000) as usual,
        priority_class(installation.namespace, 2000) as urgent,
    ):
        first = submitted(installation, [low], queue=one_gpu, priority_class=usual)
        second = submitted(installation, [high], queue=gate, priority_class=urgent)
        with driven(second, logs["high"]) as other, driven(first, logs["low"]) as driver:
            until(lambda: second.jobs() and progress(first, low) >= 3, 120)
            release_queue(installation.namespace, gate)
            until(lambda: "preempted by Kueue" in first.why(low.label), 120)
            assert exit_code(other, 120) == 0, logs["high"].read_text()
            assert exit_code(driver, 240) == 0, logs["low"].read_text()
    waits = [line for line in logs["low"].read_text().splitlines() if "preempted by Kueue" in line]
    assert "to accommodate a workload" in waits[-1]
    assert f"waiting for quota in queue {one_gpu}" in waits[-1]
    assert first.starts() == {low.label: [2]}
    assert second.starts() == {high.label: [1]}
    assert first.manifest(low.label).volatile["resumed_from_step"] >= 3
    assert [job["name"] for job in first.jobs()] == [f"{low.name}-r1"]
    assert [first.text(low.label), second.text(high.label)] == [counted(24), counted(10)]


def test_what_a_queue_can_never_give_ends_the_stage(installation: Installation, one_gpu: str) -> None:
    two = replace(training("two", steps=1, nonce=one_gpu), resources=Resources(memory_bytes=256 * MIB, gpus=2))
    study = submitted(installation, [two], queue=one_gpu, pending_deadline_seconds=5)
    assert installation.polyglot(*study.drive, check=False).returncode == 1
    first, *_ = study.why(two.label).splitlines()
    assert "failed for good: could not start for 5 s: waiting for quota in queue" in first
    assert "request > maximum capacity (2 > 1)" in first


def test_what_a_person_has_stopped_waits_and_goes_on(installation: Installation, one_gpu: str, tmp_path: Path) -> None:
    objects = client.CustomObjectsApi(installation.namespace.target.api)
    one, log = training("stopped", steps=12, nonce=one_gpu), tmp_path / "driver.log"
    study = submitted(installation, [one], queue=one_gpu, pending_deadline_seconds=1)

    def active(value: bool) -> None:
        name = workload_of(installation.namespace, f"{one.name}-r1")["metadata"]["name"]
        where = {"namespace": installation.namespace.name, "plural": "workloads", "name": name}
        objects.patch_namespaced_custom_object(**GROUP, **where, body={"spec": {"active": value}})

    with driven(study, log) as driver:
        until(lambda: progress(study, one) >= 2, 120)
        active(False)
        until(lambda: "is not active: The workload is deactivated; it waits until" in study.why(one.label), 60)
        active(True)
        assert exit_code(driver, 240) == 0, log.read_text()
    assert study.text(one.label) == counted(12)


def test_what_an_admission_check_refuses_ends_the_stage(installation: Installation, tmp_path: Path) -> None:
    log = tmp_path / "driver.log"
    with admission_check(installation.namespace) as (queue, check):
        one = training("refused", steps=1, nonce=queue)
        study = submitted(installation, [one], queue=queue, pending_deadline_seconds=10)
        with driven(study, log) as driver:
            until(lambda: f"admission checks: {check} is Pending" in study.why(one.label), 60)
            reject(installation.namespace, f"{one.name}-r1", check)
            assert exit_code(driver, 120) == 1, log.read_text()
    first, *_ = study.why(one.label).splitlines()
    assert f"deactivated due to Admission check(s): {check}, were rejected" in first


@pytest.mark.alone
def test_what_kueue_deactivates_after_its_re_queuing_limit_ends_the_stage(
    installation: Installation, one_gpu: str, tmp_path: Path
) -> None:
    """Its Workload tells it to a driver that comes when all events are gone."""
    namespace, log = installation.namespace, tmp_path / "driver.log"
    one = training("never", steps=1, nonce=one_gpu)
    nowhere = {"default": Pool(node_selector={"polyglot.dev/pool": "nowhere"})}
    study = submitted(installation, [one], queue=one_gpu, pools=nowhere, pending_deadline_seconds=30)
    with impatient_kueue():
        with driven(study, log):
            until(lambda: not workload_of(namespace, f"{one.name}-r1")["spec"].get("active", True), 120)
        namespace.target.core.delete_collection_namespaced_event(namespace.name)
        done = installation.polyglot(*study.drive, check=False)
    assert done.returncode == 1
    first, *_ = study.why(one.label).splitlines()
    assert "failed for good: could not start for 30 s: its Workload job-" in first
    assert (
        "deactivated due to exceeding the maximum number of re-queuing retries; it waits until its spec.active" in first
    )
