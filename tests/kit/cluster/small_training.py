"""A training of some seconds on a cluster, to be disturbed: the real trainer, its inputs committed beforehand.

Trainings that differ in `checkpoint_steps` alone end in the same files: a checkpoint never changes a result. So each
test has a stage of its own in one store, to be compared with one that nobody disturbed.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyglot.attempts.attempts import Attempts
from polyglot.attempts.checkpoints import newest_paths, read_checkpoint
from polyglot.core.stage import PlannedStage, Resources, Stage
from polyglot.kinds.train import TrainParams
from polyglot.store.blobs import blob_path
from polyglot.store.committed import committed
from polyglot.store.manifest import Manifest
from tests.kit.cluster.installation import Installation
from tests.kit.cluster.noop_study import NoopStudy, submitted
from tests.kit.stages import commit, planned
from tests.kit.training import prepare
from tests.kit.world import end, exit_code, until

STEPS = 600
START_SECONDS = 240  # of a pod that imports torch
_GIB = 2**30


def commit_inputs(installation: Installation, folder: Path) -> dict[str, Stage]:
    """Put a tiny base model, a token set and a mix into the store, and return their stages by role."""
    stages = {}
    for role, out in prepare(folder).items():
        kind = role.partition(":")[0].replace("tokens", "tokenize")
        stages[role] = Stage(kind=kind, version=1, params={"role": role})
        commit(installation.store, stages[role], out)
    return stages


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training that was submitted; `log` is its driver's."""

    study: NoopStudy
    planned: PlannedStage
    log: Path

    @contextmanager
    def driven(self) -> Iterator["subprocess.Popen[bytes]"]:
        """A driver on this machine; killed at the end if it still runs."""
        driver = self.study.installation.start(*self.study.drive, log=self.log)
        try:
            yield driver
        finally:
            end(driver)

    def ends_well(self, driver: "subprocess.Popen[bytes]", seconds: float = START_SECONDS) -> None:
        """Wait for the driver's end, which is the study's."""
        assert exit_code(driver, seconds) == 0, self.log.read_text()

    @property
    def attempts(self) -> Attempts:
        return Attempts(self.study.installation.store, self.planned.stage)

    @property
    def starts(self) -> list[int]:
        """How many workers have started, by attempt."""
        return self.study.starts()[self.planned.label]

    @property
    def manifest(self) -> Manifest | None:
        return committed(self.study.installation.store, "train", self.planned.key)

    def result(self) -> dict[str, str]:
        """SHA-256 of every file, by path; fails when it is not committed."""
        assert self.manifest is not None
        return {record.path: record.sha256 for record in self.manifest.files}

    def final_loss(self) -> float:
        """As the training's record has it."""
        assert self.manifest is not None
        file = self.manifest.file("training.json")
        assert file is not None
        record = json.loads(self.study.installation.store.read(blob_path(file.sha256)))
        return float(record["final_loss"])

    def step_saved(self) -> int:
        """The step of the newest checkpoint; 0 when there is none."""
        store = self.study.installation.store
        paths = newest_paths(store, f"{self.planned.stage.path}/attempts/")
        return read_checkpoint(store, paths[0])[0] if paths else 0

    def until_saved(self, step: int = 1) -> None:
        """Wait until a checkpoint of a step, or of a later one, is there."""

        def saved() -> bool:
            time.sleep(0.2)
            return self.step_saved() >= step

        until(saved, START_SECONDS)

    def pods(self) -> Sequence[Any]:
        """Its pods that are not marked for deletion, the oldest first."""
        target, namespace = self.study.installation.namespace.target, self.study.installation.namespace.name
        selector = f"polyglot.dev/key={self.planned.key[:12]}"
        found = target.core.list_namespaced_pod(namespace, label_selector=selector).items
        pods = [pod for pod in found if pod.metadata.deletion_timestamp is None]
        return sorted(pods, key=lambda pod: str(pod.metadata.creation_timestamp))

    def running(self, rank: int = 0) -> Any:
        """The pod of a rank that runs."""
        (pod,) = [pod for pod in self.pods() if pod.status.phase == "Running" and _rank(pod) == rank]
        return pod

    def why(self) -> str:
        """What `polyglot why` says."""
        return self.study.why(self.planned.label)

    def said(self, pod: str) -> str:
        """What a pod has said so far."""
        namespace = self.study.installation.namespace
        return str(namespace.target.core.read_namespaced_pod_log(pod, namespace.name))

    def reason(self, text: str) -> str:
        """The one line of `why` that has a text; fails when there is none, or another."""
        (line,) = [line for line in self.why().splitlines() if text in line]
        return line


def training(
    installation: Installation,
    inputs: dict[str, Stage],
    *,
    checkpoint_steps: int,
    label: str,
    log: Path,
    resources: dict[str, int] | None = None,
    settings: dict[str, int] | None = None,
    steps: int = STEPS,
    **changes: Any,
) -> Training:
    """Submit one; `changes` are fields of the profile's Cluster."""
    params = TrainParams(
        steps=steps, batch_size=5, learning_rate=3e-3, precision="float32", checkpoint_steps=checkpoint_steps
    )
    made = planned(
        "train",
        params,
        inputs,
        label=f"train {label}",
        resources=Resources(**{"memory_bytes": 2 * _GIB, "grace_seconds": 60, **(resources or {})}),
        settings={"threads": 1, **(settings or {})},
    )
    before = [PlannedStage(stage=stage, label=f"{stage.kind} {role}") for role, stage in inputs.items()]
    return Training(study=submitted(installation, [*before, made], **changes), planned=made, log=log)


def _rank(pod: Any) -> int:
    return int((pod.metadata.annotations or {}).get("batch.kubernetes.io/job-completion-index", 0))
