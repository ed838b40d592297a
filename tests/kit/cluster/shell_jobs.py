"""Attempts whose Jobs run a shell command: the scheduler under test, the cluster real, the worker anything at all."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from polyglot.core.stage import PlannedStage, Stage
from polyglot.schedulers.base import Attempt, Event
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.client import Client
from polyglot.schedulers.kubernetes.names import KEY
from polyglot.schedulers.kubernetes.scheduler import KubernetesScheduler
from polyglot.study.cluster import Cluster
from tests.kit.cluster.namespace import Namespace
from tests.kit.clusters import cluster

E = TypeVar("E", bound=Event)
LABELS = {"app.kubernetes.io/managed-by": "polyglot"}
_RULES = [
    {"action": "FailJob", "onExitCodes": {"containerName": "worker", "operator": "In", "values": [42]}},
    {"action": "Ignore", "onExitCodes": {"containerName": "worker", "operator": "In", "values": [43]}},
    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
]


def cluster_of(namespace: Namespace, **changes: Any) -> Cluster:
    """The cluster section of a profile for a namespace."""
    return cluster(namespace=namespace.name, image_pull_policy="Never", **changes)


def api_of(namespace: Namespace) -> Api:
    """Requests to the namespace."""
    return Api(Client(namespace.target.api), namespace.name)


def attempt(command: str, *, number: int = 1, **pod: Any) -> Attempt:
    """An attempt that runs a shell command; `pod` are fields of its pod, `job` fields of its Job."""
    stage = Stage(kind="train", version=1, params={"command": command, "nonce": uuid.uuid4().hex})
    settings = {"command": command, "job": pod.pop("job", {}), "pod": pod}
    return Attempt(
        planned=PlannedStage(stage=stage, label=command, settings=settings), number=number, store_url="s3://x"
    )


def render(namespace: Namespace) -> Callable[[Sequence[Attempt]], list[dict[str, Any]]]:
    """What stands for the chart of stages."""

    def one(attempt: Attempt) -> dict[str, Any]:
        settings: dict[str, Any] = dict(attempt.planned.settings)
        pod = dict(settings["pod"])
        container = {
            "name": "worker",
            "image": pod.pop("image", namespace.target.image),
            "imagePullPolicy": namespace.target.pull_policy,
            "command": ["sh", "-c", settings["command"]],
            **{key: pod.pop(key) for key in ("resources", "volumeMounts") if key in pod},
        }
        template = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 2,
            "automountServiceAccountToken": False,
            "containers": [container],
            **pod,
        }
        spec = {"backoffLimit": 0, "podReplacementPolicy": "Failed", "podFailurePolicy": {"rules": _RULES}}
        metadata = {"name": attempt.name, "labels": LABELS, "annotations": {KEY: attempt.planned.key}}
        spec |= {"template": {"metadata": {"labels": LABELS}, "spec": template}, **settings["job"]}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}

    return lambda attempts: [one(attempt) for attempt in attempts]


def scheduler_of(namespace: Namespace, **changes: Any) -> KubernetesScheduler:
    """The scheduler of a namespace, not yet entered."""
    return KubernetesScheduler(api_of(namespace), cluster_of(namespace, **changes), render(namespace))


def watch_until(
    scheduler: KubernetesScheduler,
    kind: type[E] | tuple[type[E], ...],
    says: str = "",
    *,
    seconds: float = 90,
    seen: list[Event] | None = None,
) -> E:
    """Watch until an event of a kind says something, and return it; all events on the way go into `seen`."""
    deadline = time.monotonic() + seconds
    kept: list[Event] = [] if seen is None else seen
    while time.monotonic() < deadline:
        for event in scheduler.watch(1.0):
            kept.append(event)
            if isinstance(event, kind) and says in str(event):
                return event
    raise AssertionError(f"not within {seconds} s; seen: {kept}")
