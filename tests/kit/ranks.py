"""Trainings by several ranks, each in a container of its own (`jobs.worker.container`), on this machine."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from polyglot.attempts.publish import publish
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.train import TrainParams
from polyglot.store.locate import open_store
from tests.kit.container import Container
from tests.kit.ports import free_port
from tests.kit.stages import planned
from tests.kit.training import prepare
from tests.kit.world import until

Started = list[tuple[Container, "subprocess.Popen[bytes]"]]


def training(root: Path, *, processes: int = 1, **changes: Any) -> Container:
    """A tiny training whose inputs are committed to a store below `root`; each pod has so many processes."""
    url = f"file://{root}/store"
    inputs = {
        role: commit(url, role.partition(":")[0].replace("tokens", "tokenize"), folder, role=role)
        for role, folder in prepare(root / "inputs").items()
    }
    params = TrainParams(**{"steps": 6, "batch_size": 5, "learning_rate": 3e-3, "precision": "float32", **changes})
    made = planned(
        "train",
        params,
        inputs,
        label="train tiny",
        resources=Resources(grace_seconds=30),
        settings={"threads": 1, **({"processes": processes} if processes > 1 else {})},
    )
    kinds = {role: stage.kind for role, stage in inputs.items()}
    environment = {"POLYGLOT_JOBS_PACKAGE": "jobs", "OMP_NUM_THREADS": "1"}
    return Container(root / "container", made, url, input_kinds=kinds, environment=environment)


def commit(url: str, kind: str, folder: Path, *, role: str) -> Stage:
    """Commit a folder as the result of a stage that plays a role."""
    stage = Stage(kind=kind, version=1, params={"role": role})
    empty: dict[str, Any] = {}
    publish(
        open_store(url),
        stage,
        folder,
        inputs={},
        execution=empty,
        provenance=empty,
        metrics=empty,
        volatile=empty,
        deterministic=True,
    )
    return stage


@contextmanager
def started(
    one: Container, ranks: int, environments: Mapping[int, Mapping[str, str]] | None = None, **more: str
) -> Iterator[Started]:
    """Start all ranks of an attempt, each with a work directory of its own; killed at the end."""
    port = str(free_port())
    with ExitStack() as stack:
        found = []
        for rank in range(ranks):
            mine = replace(one, root=one.root.with_name(f"rank{rank}"))
            meeting = {
                "POLYGLOT_RANKS": str(ranks),
                "POLYGLOT_RANK": str(rank),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": port,
            }
            process = stack.enter_context(mine.started(**meeting, **more, **(environments or {}).get(rank, {})))
            found.append((mine, process))
        yield found


def training_record(one: Container) -> dict[str, Any]:
    """The training.json that was committed."""
    assert one.manifest is not None
    file = one.manifest.file("training.json")
    assert file is not None
    store = open_store(one.store_url)
    value: dict[str, Any] = json.loads(store.read(f"blobs/sha256/{file.sha256[:2]}/{file.sha256}"))
    return value


def ends(ranks: Started, seconds: float = 120) -> list[int]:
    """Exit codes of all ranks; each prints its log to a pipe, which is small enough."""
    until(lambda: all(process.poll() is not None for _, process in ranks), seconds)
    return [process.returncode for _, process in ranks]


def steps_done(one: Container) -> int:
    progress = one.attempts.progress()
    return progress.done if progress else 0


def checkpoints(one: Container) -> int:
    folder = Path(one.store_url.removeprefix("file://")) / one.planned.stage.path / "attempts" / "1" / "checkpoints"
    return len(list(folder.glob("*.json"))) if folder.exists() else 0
