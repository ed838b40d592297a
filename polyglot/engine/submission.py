"""A submission: everything that is needed to run a plan, on a cluster or on this machine, as one document of the store.

A driver plans nothing again: it reads exactly what was submitted, wherever it runs and however often it is started. So
does a nightly evaluation.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NotRequired, TypedDict

from polyglot.core.canonical import Json, sha256_bytes
from polyglot.core.errors import Corrupt
from polyglot.core.stage import PlannedStage, Resources, Stage, StageDocument
from polyglot.engine.drift_stages import asking_anew, drift_stages
from polyglot.kinds.drift import Watch
from polyglot.kinds.registry import kind_of
from polyglot.kinds.report import ReportParams
from polyglot.plan.plan import make_plan
from polyglot.store.nights import Night
from polyglot.store.store import Store
from polyglot.study.cluster import Cluster, Images
from polyglot.study.pool import Pool, Toleration

VERSION = 1


class _Row(TypedDict):
    """A stage of a submission as JSON; those from before there were checks have no `after`."""

    stage: StageDocument
    label: str
    mix: str
    resources: Mapping[str, int]
    settings: Mapping[str, Json]
    after: NotRequired[list[str]]


class _Document(TypedDict):
    """A submission as JSON."""

    order: int  # what submissions were called when the first ones were stored
    study: str
    title: str
    night: str
    max_attempts: int
    usd: float | None
    gpu_hours: NotRequired[float]
    backend: NotRequired[str]
    cluster: Mapping[str, Any] | None
    stages: list[_Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """`title` names the study and what it was narrowed to; `usd` and `gpu_hours` are the study's budget, if it has one.

    `backend` and `cluster` are the profile's that it was submitted with.
    """

    study: str
    title: str
    stages: tuple[PlannedStage, ...]
    backend: str
    cluster: Cluster | None
    max_attempts: int
    usd: float | None = None
    gpu_hours: float | None = None
    night: str = ""

    def to_json(self) -> bytes:
        """The document, the same bytes for the same submission."""
        document = _Document(
            order=VERSION,
            study=self.study,
            title=self.title,
            night=self.night,
            max_attempts=self.max_attempts,
            usd=self.usd,
            cluster=None if self.cluster is None else self.cluster.model_dump(),
            stages=[_row(planned) for planned in self.stages],
        )
        if self.gpu_hours is not None:
            document["gpu_hours"] = self.gpu_hours
        if self.backend != _backend_told_by(self.cluster):
            document["backend"] = self.backend
        return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes, *, where: str) -> "Submission":
        """Read it back. Raises Corrupt, naming `where`, for what no version of this program wrote."""
        try:
            document: _Document = json.loads(data)
            if document["order"] != VERSION:
                raise Corrupt(f"{where}: a submission of version {document['order']}; this program reads {VERSION}")
            cluster = None if document["cluster"] is None else _cluster(document["cluster"])
            return cls(
                study=document["study"],
                title=document["title"],
                night=document["night"],
                max_attempts=document["max_attempts"],
                usd=document["usd"],
                gpu_hours=document.get("gpu_hours"),
                backend=document.get("backend") or _backend_told_by(cluster),
                cluster=cluster,
                stages=tuple(_planned(row) for row in document["stages"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Corrupt(f"{where}: not a submission ({type(error).__name__}: {error})") from error

    @property
    def answers(self) -> bool:
        """Whether models answer in it, so that they can be evaluated anew."""
        return any(kind_of(planned.stage.kind).nightly for planned in self.stages)

    @property
    def digest12(self) -> str:
        """The beginning of the document's SHA-256: of the driver's name, so that equal submissions have one."""
        return sha256_bytes(self.to_json())[:12]

    def again(self, night: str, watch: Watch | None = None) -> "Submission":
        """The same models evaluated anew: answers, and all that follows from them, under the name of a night.

        The night becomes a parameter of the answers, so nothing of an earlier evaluation is taken for it, and two
        drivers of one night commit one evaluation. Nor are calls answered by replies of other stages: a night looks for
        whether a model says the same again. With `watch` old answers are judged anew too, and the night is held against
        the ones before it.
        """
        renamed: dict[str, str] = {}
        stages = []
        for planned in make_plan(self.study, self.stages):
            old = planned.stage
            inputs = {role: renamed.get(key, key) for role, key in old.inputs.items()}
            if watch is not None and old.kind == ReportParams.kind:
                watching = drift_stages(self.stages, renamed, watch, night)
                stages += watching
                inputs["drift"] = watching[-1].key
            params = {**old.params, "night": night} if kind_of(old.kind).nightly else old.params
            new = replace(old, params=params, inputs=inputs)
            if new.key != old.key:
                renamed[old.key] = new.key
                label = f"{planned.label} @{night}"
                planned = replace(planned, stage=new, label=label, settings=asking_anew(planned))
            stages.append(planned)
        return replace(self, stages=tuple(stages), night=night, title=f"{self.title} @{night}")


def submission_at(store: Store, path: str) -> Submission:
    """The submission that lies at a path of the store."""
    return Submission.from_json(store.read(path), where=f"{store.url}: {path}")


def submission_of_night(store: Store, night: Night) -> Submission:
    """What a night that began evaluates: its submission anew under its name, held against what its record says."""
    return submission_at(store, night.submission).again(night.name, night.watch)


def _backend_told_by(cluster: Cluster | None) -> str:
    """The backend of a document that names none: the first two never do, as drivers are named by its digest."""
    return "local" if cluster is None else "kubernetes"


def _cluster(document: Mapping[str, Any]) -> Cluster:
    """As it was submitted: what has become a rule since is none for it."""
    pools = {
        name: Pool.model_construct(
            **{**pool, "tolerations": tuple(Toleration.model_construct(**one) for one in pool["tolerations"])}
        )
        for name, pool in document["pools"].items()
    }
    images, secrets = Images.model_construct(**document["images"]), tuple(document["image_pull_secrets"])
    return Cluster.model_construct(**{**document, "images": images, "pools": pools, "image_pull_secrets": secrets})


def _row(planned: PlannedStage) -> _Row:
    row = _Row(
        stage=planned.stage.document(),
        label=planned.label,
        mix=planned.mix,
        resources=asdict(planned.resources),
        settings=dict(planned.settings),
    )
    if planned.after:
        row["after"] = list(planned.after)
    return row


def _planned(row: _Row) -> PlannedStage:
    return PlannedStage(
        stage=Stage.from_document(row["stage"]),
        label=row["label"],
        mix=row["mix"],
        resources=Resources(**row["resources"]),
        settings=row["settings"],
        after=tuple(row.get("after", ())),
    )
