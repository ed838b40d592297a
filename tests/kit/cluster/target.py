"""The cluster that the tests talk to: the one of KUBECONFIG when that is set, else ours.

POLYGLOT_TEST_IMAGE   for another cluster: an image with a shell and busybox's tools (default: busybox)
POLYGLOT_TEST_{CONTROLLER,WORKER,TRAINER}_IMAGE   the product's, by digest; ours builds none when they are named
POLYGLOT_TEST_NOOP_IMAGE   the worker's image with tests/kit/noop_jobs on it (tests/kit/cluster/noop_image.py)
AWS_ENDPOINT_URL_S3, POLYGLOT_S3_ACCESS_KEY_FILE, POLYGLOT_S3_SECRET_KEY_FILE, POLYGLOT_TEST_BUCKET
                      for another cluster: a store; without it, tests that need one skip by name
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes import client, config

from tests.kit.cluster import noop_image
from tools.cluster import host, lifecycle, places


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAccess:
    """An S3 store as the host reaches it (`endpoint`) and as pods do (`inside`)."""

    endpoint: str
    inside: str
    bucket: str
    access_key: str
    secret_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A cluster. `own` is true for ours, whose nodes and daemons tests may stop (tools.cluster.processes)."""

    kubeconfig: Path
    own: bool
    image: str
    pull_policy: str
    store_access: StoreAccess | None
    api: client.ApiClient

    @property
    def core(self) -> client.CoreV1Api:
        """Pods, events, services, secrets, nodes."""
        return client.CoreV1Api(self.api)

    @property
    def batch(self) -> client.BatchV1Api:
        """Jobs."""
        return client.BatchV1Api(self.api)

    @property
    def store(self) -> StoreAccess:
        """The store; skips the test where none was named."""
        if self.store_access is None:
            pytest.skip("no store was named for the cluster of KUBECONFIG: see tests/kit/cluster/target.py")
        return self.store_access


def target() -> Target:
    """Open the cluster, starting ours when KUBECONFIG names no other."""
    own_path = places.host_folder() / "kubeconfig"
    named = os.environ.get("KUBECONFIG")
    if named and Path(named) != own_path:
        return Target(
            kubeconfig=Path(named),
            own=False,
            image=os.environ.get("POLYGLOT_TEST_IMAGE", "busybox:1.36"),
            pull_policy="IfNotPresent",
            store_access=_named_store(),
            api=config.new_client_from_config(named),
        )
    lifecycle.up(with_images="POLYGLOT_TEST_WORKER_IMAGE" not in os.environ)
    ports: host.Ports = lifecycle.ports()
    return Target(
        kubeconfig=own_path,
        own=True,
        image=lifecycle.images()["busybox"],
        pull_policy="Never",
        store_access=StoreAccess(
            endpoint=ports.store_endpoint,
            inside=f"http://store.polyglot-system.svc:{places.STORE_PORT}",
            bucket=places.BUCKET,
            access_key=places.ACCESS_KEY,
            secret_key=places.SECRET_KEY,
        ),
        api=config.new_client_from_config(str(own_path)),
    )


def noop_reference(opened: Target) -> str:
    """The worker's image with the jobs of tests/kit/noop_jobs, on the cluster's nodes; skips where there is none."""
    if named := os.environ.get("POLYGLOT_TEST_NOOP_IMAGE"):
        return named
    if not opened.own:
        pytest.skip("no image of no-op jobs was named for the cluster of KUBECONFIG: POLYGLOT_TEST_NOOP_IMAGE")
    return noop_image.ensure(lifecycle.sockets())


def _named_store() -> StoreAccess | None:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    files = [os.environ.get(f"POLYGLOT_S3_{which}_KEY_FILE") for which in ("ACCESS", "SECRET")]
    if endpoint is None or None in files:
        return None
    access_key, secret_key = (Path(file).read_text().strip() for file in files if file)
    bucket = os.environ.get("POLYGLOT_TEST_BUCKET", places.BUCKET)
    return StoreAccess(endpoint=endpoint, inside=endpoint, bucket=bucket, access_key=access_key, secret_key=secret_key)
