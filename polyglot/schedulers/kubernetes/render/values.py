"""Stage attempt -> values of charts/stage: exactly what the chart, and so a cluster, is told about one attempt.

Pure. Values are data to the chart, never templates. Quantities are written as Kubernetes writes them; whole numbers
stay below 2^53, as Helm reads them as floating point. charts/stage/values.schema.json is generated from the class.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from polyglot.core.canonical import Json
from polyglot.core.slug import slug
from polyglot.core.stage import PlannedStage
from polyglot.kinds.registry import kind_of, traits_of
from polyglot.kinds.settings import threads_each
from polyglot.schedulers.base import Attempt
from polyglot.schedulers.kubernetes.render.quantity import quantity
from polyglot.schedulers.kubernetes.render.request import request_text
from polyglot.schedulers.kubernetes.render.to_values import to_values
from polyglot.study.cluster import Cluster, PullPolicy
from polyglot.study.pool import Toleration

PREFIX = "polyglot.dev"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
TEMPORARY_BYTES = 2**30  # /tmp and the container's log
BACKSTOP_SECONDS = 2 * 3600  # for pending and pulling, which activeDeadlineSeconds counts


@dataclass(frozen=True, slots=True, kw_only=True)
class StagesValues:
    """The whole values file."""

    stages: "tuple[StageValues, ...]" = ()
    """One Job each, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageValues:
    """Values of one attempt; an empty text is something that the attempt does without."""

    name: str
    """Of the Job; deterministic, and so the same for every driver."""
    namespace: str
    """Where the Job goes."""
    labels: Mapping[str, str]
    """Of the Job: app.kubernetes.io's and polyglot.dev's, the values slugs."""
    annotations: Mapping[str, str]
    """Of the Job: the exact study, mix, label and key."""
    pod_labels: Mapping[str, str]
    """Of its pods: the Job's, without the queue's name, and whether they are ranks."""
    pod_annotations: Mapping[str, str]
    """Of its pods: the Job's and the pool's."""
    suspend: bool
    """Created suspended: a queue starts it."""
    image: str
    """By digest."""
    image_pull_policy: PullPolicy
    """When the image is pulled."""
    image_pull_secrets: tuple[str, ...]
    """Secrets of a private registry."""
    service_account_name: str
    """Its token is not mounted; it may stand for a workload identity."""
    priority_class_name: str
    """PriorityClass of the pods."""
    runtime_class_name: str
    """RuntimeClass of the pods."""
    node_selector: Mapping[str, str]
    """Labels that a node must have."""
    tolerations: tuple[Mapping[str, str | int], ...]
    """As the API has them."""
    request: str
    """The worker's request as JSON; empty when it lies in the store."""
    request_path: str
    """Where in the store the request lies, when it is too large for a variable."""
    store_url: str
    """Of the store; read only with a request path, since the request names it too."""
    environment: Mapping[str, str]
    """Plain variables of the profile."""
    store_secret: str
    """Secret with access-key and secret-key, mounted as files."""
    judge_secret: str
    """Secret with api-key, mounted as a file."""
    deepl_secret: str
    """Secret with api-key of DeepL, mounted as a file."""
    hub_secret: str
    """Secret with token of the Hugging Face hub, mounted as a file."""
    tracker_secret: str
    """Secret with the keys of trackers, each mounted as a file of the name of its variable."""
    threads: int
    """OMP_NUM_THREADS."""
    ranks: int
    """Pods that make one attempt together."""
    ranks_service: str
    """The headless Service through which they meet."""
    resources: Mapping[str, str]
    """Requests and limits of each pod."""
    scratch: str
    """Size of /work."""
    shared_memory: str
    """Size of /dev/shm, within the memory limit."""
    active_deadline_seconds: int
    """When the cluster ends the Job whatever the worker does."""
    grace_seconds: int
    """Between SIGTERM and SIGKILL."""
    ttl_seconds: int
    """How long the ended Job stays."""

    def document(self) -> Json:
        """As the values file has them, keys in camelCase."""
        return to_values(self)


def stage_values(attempt: Attempt, *, study: str, cluster: Cluster, request_path: str = "") -> StageValues:
    """Return the values of one attempt of a study's stage.

    Raises BadInput when the request is too large to go with the Job and `request_path` does not say where it lies.
    """
    planned, resources = attempt.planned, attempt.planned.resources
    pool = cluster.pool_of(planned.stage.kind)
    image = cluster.image_of(planned)
    scratch = scratch_of(planned, cluster.scratch_bytes)
    labels, annotations = _labels(attempt, study), _annotations(attempt, study)
    return StageValues(
        name=attempt.name,
        namespace=cluster.namespace,
        labels={**labels, **({QUEUE_LABEL: cluster.queue} if cluster.queue else {})},
        annotations=annotations,
        pod_labels={**labels, **_network_labels(planned)},
        pod_annotations={**{name: plain(text) for name, text in pool.annotations.items()}, **annotations},
        suspend=cluster.queue is not None,
        image=image,
        image_pull_policy=cluster.image_pull_policy,
        image_pull_secrets=cluster.image_pull_secrets,
        service_account_name=cluster.worker_service_account,
        priority_class_name=cluster.priority_class or "",
        runtime_class_name=pool.runtime_class or "",
        node_selector=pool.node_selector,
        tolerations=tuple(_toleration(toleration) for toleration in pool.tolerations),
        request="" if request_path else request_text(attempt),
        request_path=request_path,
        store_url=attempt.store_url,
        environment=cluster.environment,
        store_secret=cluster.store_secret or "",
        judge_secret=cluster.judge_secret_of(planned.stage) or "",
        deepl_secret=cluster.deepl_secret_of(planned.stage) or "",
        hub_secret=cluster.hub_secret_of(planned.stage) or "",
        tracker_secret=cluster.tracker_secret_of(planned) or "",
        threads=_threads(planned),
        ranks=resources.ranks,
        ranks_service=cluster.ranks_service if resources.ranks > 1 else "",
        resources={
            "cpu": str(resources.cpus),
            "memory": quantity(resources.memory_bytes),
            "ephemeral-storage": quantity(scratch + TEMPORARY_BYTES),
            **({pool.gpu_resource: str(resources.gpus)} if resources.gpus else {}),
            **{name: str(count) for name, count in pool.resources.items()},
        },
        scratch=quantity(scratch),
        shared_memory=quantity(resources.memory_bytes // 2) if image != cluster.images.worker else "",
        active_deadline_seconds=resources.deadline_seconds + BACKSTOP_SECONDS,
        grace_seconds=resources.grace_seconds,
        ttl_seconds=cluster.ttl_seconds,
    )


def plain(text: str) -> str:
    """The text, with the few characters that YAML readers refuse or fold written as escapes."""
    return "".join(c if _carried(ord(c)) else ascii(c)[1:-1] for c in text)


def _carried(code: int) -> bool:
    if code < 0x7F or 0xA0 <= code < 0xD800:
        return True  # controls below a space are JSON's escapes in the manifest
    return 0xE000 <= code < 0x110000 and code != 0xFEFF and code & 0xFFFE != 0xFFFE


def _threads(planned: PlannedStage) -> int:
    """As the worker chooses them."""
    processes = kind_of(planned.stage.kind).processes(planned.resources, planned.settings)
    return threads_each(planned.settings, cpus=planned.resources.cpus, processes=processes)


def scratch_of(planned: PlannedStage, default: int) -> int:
    """Bytes of disk: what the kind's resources say, else room for thrice the files that the stage names.

    A file is there as downloaded, as read or unpacked, and as the rows or weights that are made of it.
    """
    known = _named_bytes(planned.stage.params)
    return planned.resources.scratch_bytes or max(default, -(-3 * known // 2**30) * 2**30)


def _named_bytes(value: object) -> int:
    """The sizes of all files in a stage's parameters."""
    if isinstance(value, Mapping):
        own = value.get("bytes")
        return (own if isinstance(own, int) else 0) + sum(_named_bytes(item) for item in value.values())
    return sum(_named_bytes(item) for item in value) if isinstance(value, list | tuple) else 0


def _labels(attempt: Attempt, study: str) -> dict[str, str]:
    planned = attempt.planned
    labels = {
        "app.kubernetes.io/name": "polyglot",
        "app.kubernetes.io/component": planned.stage.kind,
        "app.kubernetes.io/managed-by": "polyglot",
        "app.kubernetes.io/part-of": slug(study),
        f"{PREFIX}/study": slug(study),
        f"{PREFIX}/mix": slug(planned.mix),
        f"{PREFIX}/kind": planned.stage.kind,
        f"{PREFIX}/key": planned.key[:12],
        f"{PREFIX}/attempt": str(attempt.number),
    }
    return {name: value for name, value in labels.items() if value}


def _network_labels(planned: PlannedStage) -> dict[str, str]:
    """What a pod is let to reach besides the store, as the NetworkPolicies of charts/polyglot select it."""
    traits = traits_of(planned.stage)
    reaches = {
        "ranked": planned.resources.ranks > 1,
        "calls-endpoint": bool(traits.asks),
        "fetches-sources": traits.fetches_sources,
        "tells-trackers": kind_of(planned.stage.kind).tells(planned.settings),
    }
    return {f"{PREFIX}/{name}": "true" for name, found in reaches.items() if found}


def _annotations(attempt: Attempt, study: str) -> dict[str, str]:
    planned = attempt.planned
    texts = {"study": study, "mix": planned.mix, "label": planned.label, "key": planned.key}
    return {f"{PREFIX}/{name}": plain(text) for name, text in texts.items() if text}


def _toleration(toleration: Toleration) -> dict[str, str | int]:
    fields: dict[str, str | int | None] = {
        "key": toleration.key,
        "operator": toleration.operator,
        "value": toleration.value or None,
        "effect": toleration.effect,
        "tolerationSeconds": toleration.toleration_seconds,
    }
    return {name: value for name, value in fields.items() if value is not None}
