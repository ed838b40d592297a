"""What a worker is told and may use, whatever scheduler starts it. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from polyglot.core.canonical import Json
from polyglot.core.stage import WorkDocument
from polyglot.schedulers.base import Attempt

LABEL_PREFIX = "polyglot.dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRequest:
    """One attempt. Quantities are plain numbers in the unit that the name says."""

    name: str  # deterministic
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    request: WorkDocument  # the JSON document that it is started with
    cpus: int
    memory_bytes: int
    gpus: int
    ranks: int
    deadline_seconds: int
    grace_seconds: int

    def document(self) -> dict[str, Json]:
        """As JSON."""
        return asdict(self)


def worker_request(attempt: Attempt, *, study: str) -> WorkerRequest:
    """Return the request for one attempt of a study's stage."""
    planned, resources = attempt.planned, attempt.planned.resources
    return WorkerRequest(
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
