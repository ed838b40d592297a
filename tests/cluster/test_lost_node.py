"""Fault 20: a node is lost and its workers come back as zombies; one manifest all the same, and the node is named.

One outage serves all tests: the kubelet of node 2 is stopped while four workers run there, and half of a training by
two pods of two processes.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.attempts.history import History
from polyglot.core.canonical import sha256_bytes
from polyglot.core.stage import PlannedStage, Resources
from polyglot.engine.survey import Observation, StageState, survey
from polyglot.schedulers.kubernetes.names import KEY
from polyglot.store.committed import committed
from polyglot.store.manifest import manifest_path
from polyglot.study.pool import Pool, Toleration
from tests.kit.cluster import lost_node
from tests.kit.cluster.installation import Installation, installed
from tests.kit.cluster.lost_node import LABEL, LOST
from tests.kit.cluster.noop_study import NoopStudy, cluster_of, images_of, submitted
from tests.kit.cluster.small_training import START_SECONDS, Training, commit_inputs, training
from tests.kit.cluster.target import Target
from tests.kit.graphs import MIB, stage
from tests.kit.world import end, exit_code, until

HOLD = "/work/hold"
GPU_NODES = Toleration(key="nvidia.com/gpu", operator="Exists")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200), pytest.mark.alone]


def steps(name: str, count: int, seconds: float) -> PlannedStage:
    """Asks for no CPU, so that four of them fit on the node whatever else is there."""
    resources = Resources(cpus=0, memory_bytes=256 * MIB, grace_seconds=5)
    return stage("steps", name, steps=count, seconds=seconds, resources=resources, settings={"threads": 1})


FROZEN, WATCHED_BY_NOBODY = steps("frozen", 80, 0.3), steps("watched by nobody", 50, 0.5)
ZOMBIE, PATIENT = steps("zombie", 6, 0.2), steps("patient", 80, 0.3)


@dataclass
class Outage:
    """What was seen before, during and after it."""

    ranks: Training  # by two pods on a node each, with `lost-node: replace`
    report: NoopStudy  # FROZEN and WATCHED_BY_NOBODY, with `lost-node: report`
    replace: NoopStudy  # ZOMBIE, with `lost-node: replace`
    patient: NoopStudy  # PATIENT, with `lost-node: replace` and pods that tolerate a node that does not answer
    folder: Path
    drivers: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)  # of the first pods, by the stage's label
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def studies(self) -> dict[str, NoopStudy]:
        return {"report": self.report, "replace": self.replace, "patient": self.patient}

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def ends_well(self, name: str, seconds: float = 120) -> None:
        assert exit_code(self.drivers[name], seconds) == 0, self.log(name)


@pytest.fixture(scope="module")
def installation(
    cluster: Target, noop_images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    if not cluster.own:
        pytest.skip("needs the kubelet's process and the containers' processes")
    with installed(cluster, images_of(noop_images["worker"]), tmp_path_factory.mktemp("lost")) as made:
        yield made


@pytest.fixture(scope="module")
def outage(installation: Installation, images: dict[str, str]) -> Iterator[Outage]:
    there = {"polyglot.dev/pool": LOST.pool}
    moving = Pool(node_selector={LABEL: "yes"}, tolerations=(GPU_NODES,))
    staying = Pool(node_selector=there, tolerations=(GPU_NODES,))
    patient = Pool(node_selector=there, tolerations=(Toleration(operator="Exists"),))
    environment = {**cluster_of(installation).environment, "POLYGLOT_HOLD": f"steps:blobs:{HOLD}"}
    happened = Outage(
        ranks=four_ranks(installation, images, "ranks", 20, gpus=2, lost_node="replace"),
        report=submitted(installation, [FROZEN, WATCHED_BY_NOBODY], pools={"default": staying}),
        replace=submitted(
            installation, [ZOMBIE], pools={"default": moving}, lost_node="replace", environment=environment
        ),
        patient=submitted(installation, [PATIENT], pools={"default": patient}, lost_node="replace"),
        folder=installation.folder,
    )
    try:
        with lost_node.labelled():
            happened.drivers["ranks"] = installation.start(
                *happened.ranks.study.drive, log=happened.folder / "ranks.log"
            )
            half_of_ranks_is_frozen(happened)
            for name, study in happened.studies.items():
                happened.drivers[name] = installation.start(*study.drive, log=happened.folder / f"{name}.log")
            before(happened)
            with lost_node.lost():
                during(happened)
            happened.ends_well("report")
            happened.ends_well("patient")
            happened.ends_well("ranks", 2 * START_SECONDS)
        yield happened
    finally:
        for name, driver in happened.drivers.items():
            end(driver)
            print(f"driver {name}:\n{happened.log(name)}")


def four_ranks(
    installation: Installation, images: dict[str, str], label: str, checkpoint_steps: int, **more: Any
) -> Training:
    """A real training by two pods of two processes; those with GPUs are on two nodes."""
    gpus = int(more.pop("gpus", 0))
    return training(
        installation,
        commit_inputs(installation, installation.folder / f"inputs of {label}"),
        checkpoint_steps=checkpoint_steps,
        label=label,
        log=installation.folder / f"{label}.log",
        resources={"ranks": 2, "gpus": gpus, "memory_bytes": 3 * 2**30, "grace_seconds": 5},
        settings={} if gpus else {"processes": 2},
        steps=150,
        pools={"default": Pool(tolerations=(GPU_NODES,))},
        images=cluster_of(installation).images.model_copy(update=images),
        **more,
    )


def half_of_ranks_is_frozen(happened: Outage) -> None:
    """Before the others begin, which take less time than a training's start."""
    happened.ranks.until_saved()
    pods = {pod.spec.node_name: pod.metadata.uid for pod in map(happened.ranks.running, (0, 1))}
    assert set(pods) == {LOST.name, lost_node.OTHER.name}
    lost_node.freeze(pods[LOST.name])


def before(happened: Outage) -> None:
    """Every worker is at its work, the zombie's with everything stored but its manifest."""
    for study in happened.studies.values():
        for planned in study.submission.stages:
            until(lambda planned=planned, study=study: steps_done(study, planned) >= 3, 90)
    happened.uids = pods_of(happened.report.installation, FROZEN, WATCHED_BY_NOBODY, ZOMBIE, PATIENT)
    until(lambda: holds(happened.uids[ZOMBIE.label]), 30)
    for planned in (FROZEN, ZOMBIE, PATIENT):
        lost_node.freeze(happened.uids[planned.label])


def during(happened: Outage) -> None:
    """The stuck are told, the replaced are made anew and commit, the zombie publishes too late; then all are thawed."""
    replace, store = happened.replace, happened.replace.installation.store
    lost_node.move_label()
    until(lambda: observed(happened.patient, PATIENT).state is StageState.STUCK, 90)
    happened.seen["patient"] = happened.patient.why(PATIENT.label)
    until(lambda: "should have ended" in observed(happened.report, FROZEN).detail, 90)
    happened.seen["report"] = happened.report.why(FROZEN.label)
    until(lambda: WATCHED_BY_NOBODY.label in happened.report.results(), 60)

    until(lambda: attempts(replace, ZOMBIE).starts(2), 90)
    happened.seen["replaced"] = replace.why(ZOMBIE.label)
    (second,) = pods_of(happened.report.installation, ZOMBIE, attempt=2).values()
    until(lambda: holds(second), 60)
    release(second)
    happened.ends_well("replace")
    path = manifest_path("steps", ZOMBIE.key)
    happened.seen["manifest"] = store.read(path).decode()
    zombie = happened.uids[ZOMBIE.label]
    release(zombie)
    lost_node.thaw(zombie)
    until(lambda: "committed as" in logged(replace, ZOMBIE, 1), 60)
    happened.seen["manifest after the zombie"] = store.read(path).decode()
    for planned in (FROZEN, PATIENT):
        lost_node.thaw(happened.uids[planned.label])
    until(lambda: happened.ranks.attempts.failure(1) is not None, 120)


def attempts(study: NoopStudy, planned: PlannedStage) -> Attempts:
    return Attempts(study.installation.store, planned.stage)


def steps_done(study: NoopStudy, planned: PlannedStage) -> int:
    progress = attempts(study, planned).progress()
    return progress.done if progress else 0


def observed(study: NoopStudy, planned: PlannedStage) -> Observation:
    """What `polyglot status` says of a stage."""
    return survey([planned], study.installation.store)[planned.key]


def logged(study: NoopStudy, planned: PlannedStage, number: int) -> str:
    return b"".join(attempts(study, planned).log(number)).decode()


def pods_of(installation: Installation, *stages: PlannedStage, attempt: int = 1) -> dict[str, str]:
    """Label -> uid of the pod of an attempt at each of these stages."""
    labels, core = {planned.key: planned.label for planned in stages}, installation.namespace.target.core
    selector = f"polyglot.dev/attempt={attempt}"
    pods = core.list_namespaced_pod(installation.namespace.name, label_selector=selector).items
    keys = {pod.metadata.uid: pod.metadata.annotations[KEY] for pod in pods}
    return {labels[key]: uid for uid, key in keys.items() if key in labels}


def holds(uid: str) -> bool:
    """True when a pod's worker has stored everything but its manifest."""
    reached = lost_node.inside(uid, f"{HOLD}.reached")
    return reached is not None and reached.exists()


def release(uid: str) -> None:
    """Let it go on to its manifest."""
    hold = lost_node.inside(uid, HOLD)
    assert hold is not None
    hold.touch()


def test_a_stage_on_a_lost_node_is_said_to_be_stuck_and_the_node_is_named(outage: Outage) -> None:
    """`lost-node: report`: nothing is replaced while the node may have a worker at work."""
    first, *_ = outage.seen["report"].splitlines()
    assert first.startswith("steps frozen was begun and is stuck: since ")
    assert f"its node {LOST.name} does not answer" in first
    assert f"its node {LOST.name} does not answer" in outage.log("report")


def test_a_worker_whose_node_returns_saves_and_its_successor_goes_on(outage: Outage) -> None:
    """The cluster had given the pod up, so the kubelet ended it: one attempt, two starts, nothing done twice."""
    assert outage.report.starts()[FROZEN.label] == [2]
    assert "stopped as asked" in logged(outage.report, FROZEN, 1)
    assert {job["name"] for job in outage.report.jobs()} == {f"{FROZEN.name}-r1", f"{WATCHED_BY_NOBODY.name}-r1"}


def test_what_a_lost_node_commits_is_seen_while_it_is_lost(outage: Outage) -> None:
    assert outage.report.starts()[WATCHED_BY_NOBODY.label] == [1]


def test_a_lost_attempt_is_replaced_and_its_zombie_changes_nothing(outage: Outage) -> None:
    """`lost-node: replace`: both had stored everything; the second manifest is refused, and the zombie adopts."""
    assert "  attempt 1: transient at " in outage.seen["replaced"]
    assert f": its node {LOST.name} was lost" in outage.seen["replaced"]
    assert outage.replace.starts()[ZOMBIE.label] == [1, 1]
    assert [job["name"] for job in outage.replace.jobs()] == [f"{ZOMBIE.name}-r2"]
    assert outage.seen["manifest after the zombie"] == outage.seen["manifest"]
    manifest = committed(outage.replace.installation.store, "steps", ZOMBIE.key)
    assert manifest is not None
    assert manifest.volatile["attempt"] == 2
    assert f"committed as {manifest.result[:12]}" in logged(outage.replace, ZOMBIE, 1)


def test_a_node_that_returns_before_its_pods_are_given_up_has_lost_nothing(outage: Outage) -> None:
    """Its pods tolerate that it does not answer. It was named meanwhile, and `replace` waits for longer than that."""
    first, *_ = outage.seen["patient"].splitlines()
    assert first.startswith("steps patient was begun and is stuck: since ")
    assert f"the node {LOST.name} of the pod " in first
    assert History(outage.patient.installation.store, PATIENT.stage).noted(1) is None  # the driver saw it go on
    assert outage.patient.starts() == {PATIENT.label: [1]}
    assert [job["pods"] for job in outage.patient.jobs()] == [1]


def test_ranks_of_a_lost_node_are_replaced_and_all_go_on_together(
    outage: Outage, installation: Installation, images: dict[str, str]
) -> None:
    """Those of the other node wait for them, and are ended; the next attempt needs both nodes again."""
    assert f"its node {LOST.name} was lost" in outage.ranks.why()
    assert outage.ranks.starts == [1, 1]
    assert outage.ranks.manifest is not None
    assert outage.ranks.manifest.volatile["resumed_from_step"] > 0
    alone = four_ranks(installation, images, "undisturbed ranks", 1000)
    with alone.driven() as driver:
        alone.ends_well(driver)
    assert outage.ranks.result() == alone.result()
    assert outage.ranks.final_loss() == alone.final_loss()


def test_results_are_those_of_an_undisturbed_run(outage: Outage) -> None:
    for study in outage.studies.values():
        for planned in study.submission.stages:
            manifest = committed(study.installation.store, "steps", planned.key)
            assert manifest is not None
            text = str(pow(31, int(str(planned.stage.params["steps"])), 1_000_003))
            assert {record.path: record.sha256 for record in manifest.files} == {"text": sha256_bytes(text.encode())}
