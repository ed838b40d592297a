"""A Kueue queue for one test: a LocalQueue, the ClusterQueue and the flavor behind it, all of one new name.

And, for tests that run alone, another configuration of Kueue itself.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kubernetes import client

from tests.kit.cluster.namespace import Namespace
from tests.kit.world import until
from tools.cluster.kubectl import kubectl
from tools.cluster.shell import ClusterError

GROUP = {"group": "kueue.x-k8s.io", "version": "v1beta1"}
LABEL = "kueue.x-k8s.io/queue-name"
_ROOM = {"cpu": "64", "memory": "64Gi", "ephemeral-storage": "640Gi"}  # what polyglot's pods ask for besides GPUs


@contextmanager
def local_queue(namespace: Namespace, quota: Mapping[str, str]) -> Iterator[str]:
    """Make a queue with these quotas, in which the higher priority preempts, and return its name.

    It has room enough of what `quota` does not name, as Kueue admits nothing that asks for a resource without a quota.
    """
    name, objects = f"test-{uuid.uuid4().hex[:10]}", client.CustomObjectsApi(namespace.target.api)
    resources = [{"name": key, "nominalQuota": value} for key, value in {**_ROOM, **quota}.items()]
    group = {
        "coveredResources": [resource["name"] for resource in resources],
        "flavors": [{"name": name, "resources": resources}],
    }
    spec = {
        "namespaceSelector": {},
        "queueingStrategy": "BestEffortFIFO",
        "preemption": {"withinClusterQueue": "LowerPriority"},
        "resourceGroups": [group],
    }
    head = {"apiVersion": "kueue.x-k8s.io/v1beta1", "metadata": {"name": name}}
    kinds = {
        "resourceflavors": {"kind": "ResourceFlavor", "spec": {}},
        "clusterqueues": {"kind": "ClusterQueue", "spec": spec},
    }
    for plural, body in kinds.items():
        objects.create_cluster_custom_object(**GROUP, plural=plural, body=head | body)
    local = head | {"kind": "LocalQueue", "spec": {"clusterQueue": name}}
    objects.create_namespaced_custom_object(**GROUP, namespace=namespace.name, plural="localqueues", body=local)
    try:
        yield name
    finally:
        for plural in reversed(kinds):
            objects.delete_cluster_custom_object(**GROUP, plural=plural, name=name)


def hold_queue(namespace: Namespace, name: str) -> str:
    """Make another LocalQueue before a queue's ClusterQueue, which lets nothing through until it is released."""
    objects, held = client.CustomObjectsApi(namespace.target.api), f"{name}-held"
    head = {"apiVersion": "kueue.x-k8s.io/v1beta1", "kind": "LocalQueue", "metadata": {"name": held}}
    body = head | {"spec": {"clusterQueue": name, "stopPolicy": "Hold"}}
    objects.create_namespaced_custom_object(**GROUP, namespace=namespace.name, plural="localqueues", body=body)
    return held


def release_queue(namespace: Namespace, name: str) -> None:
    """Let through what waits in a LocalQueue that was held."""
    objects, body = client.CustomObjectsApi(namespace.target.api), {"spec": {"stopPolicy": "None"}}
    objects.patch_namespaced_custom_object(
        **GROUP, namespace=namespace.name, plural="localqueues", name=name, body=body
    )


@contextmanager
def priority_class(namespace: Namespace, value: int) -> Iterator[str]:
    """Make a PriorityClass that lets no scheduler preempt: what is preempted is Kueue's to say."""
    name, api = f"{namespace.name}-{value}", client.SchedulingV1Api(namespace.target.api)
    api.create_priority_class({"metadata": {"name": name}, "value": value, "preemptionPolicy": "Never"})
    try:
        yield name
    finally:
        api.delete_priority_class(name)


def workload_of(namespace: Namespace, job: str) -> dict[str, Any]:
    """What Kueue keeps of a Job, as soon as it does."""
    objects = client.CustomObjectsApi(namespace.target.api)

    def found() -> dict[str, Any] | None:
        items = objects.list_namespaced_custom_object(**GROUP, namespace=namespace.name, plural="workloads")["items"]
        return next((one for one in items if one["metadata"]["ownerReferences"][0]["name"] == job), None)

    until(found, 60)
    made = found()
    assert made is not None
    return made


@contextmanager
def admission_check(namespace: Namespace) -> Iterator[tuple[str, str]]:
    """Make a queue whose quota is given once a check says so, which nobody makes; yields both names."""
    objects, name = client.CustomObjectsApi(namespace.target.api), f"check-{uuid.uuid4().hex[:10]}"
    head = {"apiVersion": "kueue.x-k8s.io/v1beta1", "kind": "AdmissionCheck", "metadata": {"name": name}}
    made = {**GROUP, "plural": "admissionchecks"}
    objects.create_cluster_custom_object(**made, body={**head, "spec": {"controllerName": "polyglot.dev/test"}})
    active = {"type": "Active", "status": "True", "reason": "Active", "message": "", "lastTransitionTime": _LONG_AGO}
    objects.patch_cluster_custom_object_status(**made, name=name, body={"status": {"conditions": [active]}})
    try:
        with local_queue(namespace, {"nvidia.com/gpu": "1"}) as queue:
            body = {"spec": {"admissionChecks": [name]}}
            objects.patch_cluster_custom_object(**GROUP, plural="clusterqueues", name=queue, body=body)
            yield queue, name
    finally:
        objects.delete_cluster_custom_object(**made, name=name)


def reject(namespace: Namespace, job: str, check: str) -> None:
    """Say no in the name of a check."""
    name = workload_of(namespace, job)["metadata"]["name"]
    state = {"name": check, "state": "Rejected", "message": "no budget left", "lastTransitionTime": _LONG_AGO}
    where = {"namespace": namespace.name, "plural": "workloads", "name": name}
    body = {"status": {"admissionChecks": [state]}}
    client.CustomObjectsApi(namespace.target.api).patch_namespaced_custom_object_status(**GROUP, **where, body=body)


_LONG_AGO = "2026-01-01T00:00:00Z"
_REQUEUES = """
waitForPodsReady:
  enable: true
  timeout: 5s
  requeuingStrategy: {backoffLimitCount: 1, backoffBaseSeconds: 1}
"""


@contextmanager
def impatient_kueue() -> Iterator[None]:
    """Have Kueue deactivate what has not started twice within five seconds. Only of a cluster of ours."""
    found = json.loads(kubectl("-n", "kueue-system", "get", "configmap", "kueue-manager-config", "-o", "json"))
    usual = found["data"]["controller_manager_config.yaml"]
    _configure(usual + _REQUEUES)
    try:
        yield
    finally:
        _configure(usual)


def _configure(text: str) -> None:
    patch = json.dumps({"data": {"controller_manager_config.yaml": text}})
    kubectl("-n", "kueue-system", "patch", "configmap", "kueue-manager-config", "--type=merge", f"--patch={patch}")
    kubectl("-n", "kueue-system", "delete", "pod", "--all", "--wait=true")
    until(_answers, 120)


def _answers() -> bool:
    """Whether Kueue's webhook does: it looks at every Job."""
    flavor = json.dumps(
        {"apiVersion": "kueue.x-k8s.io/v1beta1", "kind": "ResourceFlavor", "metadata": {"name": "probe"}}
    )
    try:
        kubectl("apply", "--dry-run=server", "--filename=-", stdin=flavor)
    except ClusterError:
        return False
    return True
