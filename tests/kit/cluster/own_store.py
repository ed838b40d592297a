"""A second S3 server in our cluster, for tests that take a store away: nobody else's study is in it.

Its files lie on the host below the cluster's own folder, so they outlive the pod; the host reaches it through a relay
of its own.
"""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tests.kit.cluster.namespace import fresh_namespace
from tests.kit.cluster.target import StoreAccess, Target
from tests.kit.world import PATIENCE
from tools.cluster import host, lifecycle, network, places
from tools.cluster.kubectl import apply, kubectl, wait_available
from tools.cluster.shell import wait_until

_PORT = 7070
_SECRET = "a-secret-of-one-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStore:
    """A server that can be taken away; `target` is the cluster with this store."""

    namespace: str
    target: Target

    def take_away(self) -> None:
        """End the server; returns when its pod is gone."""
        self._scale(0)
        limits = (f"--namespace={self.namespace}", f"--timeout={60 * PATIENCE}s")
        kubectl("wait", "--for=delete", "pod", "--selector=app=store", *limits)

    def bring_back(self) -> None:
        """Start it again, with all that it had."""
        self._scale(1)
        wait_available(self.namespace, "store")

    def _scale(self, replicas: int) -> None:
        kubectl("scale", "deployment/store", f"--namespace={self.namespace}", f"--replicas={replicas}")


@contextmanager
def own_store(target: Target) -> Iterator[OwnStore]:
    """Run a server in a namespace of its own until the block ends."""
    with fresh_namespace(target) as namespace, socket.create_server(("127.0.0.1", 0)) as listening:
        data = places.run() / f"store-{namespace.name}"
        data.mkdir()
        for document in (_deployment(data), _SERVICE):
            apply(json.dumps({**document, "metadata": {"name": "store", "namespace": namespace.name}}))
        wait_available(namespace.name, "store")
        address = kubectl(
            "get", "service/store", f"--namespace={namespace.name}", "--output=jsonpath={.spec.clusterIP}"
        )
        route = f"{listening.fileno()}={address}:{_PORT}"
        command = network.entered(sys.executable, "-I", host.RELAY, route)
        relay = subprocess.Popen(command, pass_fds=(listening.fileno(),))
        access = StoreAccess(
            endpoint=f"http://127.0.0.1:{listening.getsockname()[1]}",
            inside=f"http://store.{namespace.name}.svc:{_PORT}",
            bucket=places.BUCKET,
            access_key=places.ACCESS_KEY,
            secret_key=_SECRET,
        )
        try:
            wait_until(lambda: _made(access), "the test's own store answers", seconds=60)
            yield OwnStore(namespace=namespace.name, target=replace(target, store_access=access))
        finally:
            relay.terminate()
            relay.wait()
            shutil.rmtree(data, ignore_errors=True)


def _made(access: StoreAccess) -> bool:
    client = boto3.client(
        "s3",
        endpoint_url=access.endpoint,
        region_name="us-east-1",
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
    )
    try:
        client.create_bucket(Bucket=access.bucket)
    except (BotoCoreError, ClientError):
        return False
    return True


def _deployment(data: Path) -> dict[str, Any]:
    labels = {"app": "store"}
    container = {
        "name": "store",
        "image": lifecycle.images()["store"],
        "imagePullPolicy": "Never",
        "args": ["--port", f":{_PORT}", "--keep-alive", "posix", "/data"],
        "env": [
            {"name": "ROOT_ACCESS_KEY", "value": places.ACCESS_KEY},
            {"name": "ROOT_SECRET_KEY", "value": _SECRET},
        ],
        "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": [{"name": "data", "hostPath": {"path": str(data)}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


_SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "spec": {"selector": {"app": "store"}, "ports": [{"port": _PORT}]},
}
