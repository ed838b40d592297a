"""Kueue does what the tests of polyglot on it take for granted."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from tests.kit.cluster.namespace import Namespace
from tests.kit.cluster.target import Target

_KUEUE = {"group": "kueue.x-k8s.io", "version": "v1beta1"}


@pytest.fixture
def queue(kueue: Target, namespace: Namespace) -> Iterator[str]:
    """A LocalQueue with a quota of one CPU."""
    name, objects = f"test-{uuid.uuid4().hex[:10]}", client.CustomObjectsApi(kueue.api)
    resource = {"name": "cpu", "nominalQuota": "1"}
    group = {"coveredResources": ["cpu"], "flavors": [{"name": name, "resources": [resource]}]}
    kinds: dict[str, dict[str, Any]] = {
        "resourceflavors": {"kind": "ResourceFlavor", "spec": {}},
        "clusterqueues": {"kind": "ClusterQueue", "spec": {"namespaceSelector": {}, "resourceGroups": [group]}},
    }
    head = {"apiVersion": "kueue.x-k8s.io/v1beta1", "metadata": {"name": name}}
    for plural, body in kinds.items():
        objects.create_cluster_custom_object(**_KUEUE, plural=plural, body=head | body)
    local = head | {"kind": "LocalQueue", "spec": {"clusterQueue": name}}
    objects.create_namespaced_custom_object(**_KUEUE, namespace=namespace.name, plural="localqueues", body=local)
    yield name
    for plural in reversed(kinds):
        objects.delete_cluster_custom_object(**_KUEUE, plural=plural, name=name)


@pytest.mark.timeout(900)  # the first one builds Kueue
def test_jobs_over_the_quota_run_one_after_the_other(queue: str, namespace: Namespace) -> None:
    jobs = [f"queued-{number}" for number in range(3)]
    for name in jobs:
        labels = {"kueue.x-k8s.io/queue-name": queue}
        namespace.run(name, "sleep 2", labels=labels, job={"suspend": True}, resources={"requests": {"cpu": "600m"}})
    assert [namespace.wait_job(name) for name in jobs] == ["Complete"] * 3
    times = sorted(_times(namespace, name) for name in jobs)
    assert all(end <= start for (_, end), (start, _) in zip(times, times[1:], strict=False))


def _times(namespace: Namespace, name: str) -> tuple[Any, Any]:
    status = namespace.target.batch.read_namespaced_job(name, namespace.name).status
    return status.start_time, status.completion_time
