"""A Kueue queue for one test: a LocalQueue, the ClusterQueue and the flavor behind it, all of one new name."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kubernetes import client

from tests.kit.cluster.namespace import Namespace

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
