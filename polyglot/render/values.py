"""Stage attempt -> chart values: exactly what a chart, and so a cluster, is told about one attempt.

Pure. Values are data to the chart, never templates. The same values describe a local process: its request is what
the worker reads on either backend.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from polyglot.run.backend import Attempt

LABEL_PREFIX = "polyglot.dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageValues:
    """Values of the stage chart. Quantities are plain numbers in the unit that the name says."""

    name: str  # of the Job; deterministic
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    request: Mapping[str, Any]  # the worker's whole order, mounted as a file
    cpus: int
    memory_bytes: int
    gpus: int
    ranks: int
    deadline_seconds: int
    grace_seconds: int

    def document(self) -> dict[str, Any]:
        """The values as JSON."""
        return asdict(self)


def stage_values(attempt: Attempt, *, study: str) -> StageValues:
    """Return the values of one attempt of a study's stage."""
    planned, resources = attempt.planned, attempt.planned.resources
    return StageValues(
        name=attempt.name,
        labels={
            f"{LABEL_PREFIX}/study": study,
            f"{LABEL_PREFIX}/kind": planned.stage.kind,
            f"{LABEL_PREFIX}/key": planned.key[:12],
            f"{LABEL_PREFIX}/attempt": str(attempt.number),
        },
        annotations={
            f"{LABEL_PREFIX}/key": planned.key,
            f"{LABEL_PREFIX}/label": planned.label,
            f"{LABEL_PREFIX}/mix": planned.mix,
        },
        request=attempt.request(),
        cpus=resources.cpus,
        memory_bytes=resources.memory_bytes,
        gpus=resources.gpus,
        ranks=resources.ranks,
        deadline_seconds=resources.deadline_seconds,
        grace_seconds=resources.grace_seconds,
    )
