"""Small stages and results to publish."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyglot.attempts.publish import publish
from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds.kind import Params
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store

EXECUTION = {"image": "local", "device": "cpu", "threads": 1, "torch": "2.0"}


def stage(name: str = "a", *, kind: str = "mix", inputs: Mapping[str, Stage] | None = None) -> Stage:
    """A stage whose key follows from its name and inputs."""
    keys = {role: other.key for role, other in (inputs or {}).items()}
    return Stage(kind=kind, version=1, params={"name": name}, inputs=keys, seed=0)


def planned(
    kind: str, params: Params, inputs: Mapping[str, Stage], *, label: str, seed: int | None = 0, **more: Any
) -> PlannedStage:
    """A stage with the parameters of its kind on the stages that it reads; `more` are fields of PlannedStage."""
    keys = {role: other.key for role, other in inputs.items()}
    made = Stage(kind=kind, version=params.version, params=params.document(), inputs=keys, seed=seed)
    return PlannedStage(stage=made, label=label, **more)


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder and return it."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def commit(
    store: Store,
    made: Stage,
    out: Path,
    *,
    inputs: Mapping[str, str] | None = None,
    deterministic: bool = True,
    execution: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    volatile: Mapping[str, Any] | None = None,
) -> Manifest:
    """Publish with defaults for what a test does not care about."""
    return publish(
        store,
        made,
        out,
        inputs=inputs or {},
        execution=execution or EXECUTION,
        provenance={"git": "0000000"},
        metrics=metrics or {"rows": 1},
        volatile=volatile or {"seconds": {"run": 0.5}},
        deterministic=deterministic,
    )
