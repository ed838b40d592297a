"""Where a secret may have ended: everything that an installation leaves behind, searched for its spellings.

Searched are the namespace's objects of every kind but Secrets, the logs of its pods, all of the study's prefix of the
store, what helm keeps of the release, and the daemons' logs where the cluster is ours.
"""

import base64
import gzip
import json
import os
import subprocess
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kubernetes.client import ApiException

from polyglot.schedulers.kubernetes.render.helm import helm_program
from tests.kit.cluster.installation import Installation
from tests.kit.cluster.target import Target
from tools.cluster import places

_LARGEST_LOG_BYTES = 64 * 2**20  # of a daemon: its end is what this run has written


def spellings(secret: str) -> set[bytes]:
    """The secret as it is, escaped for a URL, in hex, and in base64 wherever it begins in the text that was encoded."""
    data = secret.encode()
    found = {data, quote(secret, safe="").encode(), data.hex().encode()}
    for before in range(3):  # base64 has three bytes to a group; those that neighbours share are cut off
        whole = base64.b64encode(b"\0" * before + data).decode()
        kept = whole[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
        found |= {kept.encode(), kept.replace("+", "-").replace("/", "_").encode()}
    return found


def leaks(secrets: Iterable[str], texts: Iterable[tuple[str, bytes]]) -> list[str]:
    """`where: which secret` for each text that has one; the secret is named by its first letters."""
    wanted = {secret: spellings(secret) for secret in secrets}
    found = []
    for where, data in texts:
        for form in _unpacked(data):
            found += [f"{where}: {s[:12]}…" for s, ways in wanted.items() if any(way in form for way in ways)]
    return found


def traces(installation: Installation) -> Iterator[tuple[str, bytes]]:
    """All that the installation has left behind, named."""
    target, namespace = installation.namespace.target, installation.namespace.name
    yield from objects(target, namespace)
    yield from logs(target, namespace)
    store = installation.store
    for entry in store.list(""):
        yield f"store {entry.path}", store.read(entry.path)
    yield "helm", _release(target, namespace)
    if target.own:
        for path in sorted((places.run() / "logs").glob("*.log")):
            yield f"log of {path.stem}", _end(path)


def objects(target: Target, namespace: str) -> Iterator[tuple[str, bytes]]:
    """Every object of the namespace, as the API server tells it; Secrets are what they are."""
    for path, name in _kinds(target):
        if name != "secrets":
            try:
                items = _get(target, f"{path}/namespaces/{namespace}/{name}")["items"]
            except ApiException as error:
                if error.status in (404, 405):  # nothing that is listed
                    continue
                raise
            for item in items:
                yield f"{name} {item['metadata']['name']}", json.dumps(item, ensure_ascii=False).encode()


def logs(target: Target, namespace: str) -> Iterator[tuple[str, bytes]]:
    """What the containers said, those of earlier restarts too."""
    for pod in target.core.list_namespaced_pod(namespace).items:
        name = pod.metadata.name
        for previous in (False, True):
            try:
                text = target.core.read_namespaced_pod_log(name, namespace, previous=previous)
            except ApiException:  # never started, or never restarted
                continue
            yield f"log of pod {name}", text.encode()


def _kinds(target: Target) -> Iterator[tuple[str, str]]:
    """(path of the group and version, resource) of every kind that lies in namespaces and can be listed."""
    paths = ["/api/v1"]
    paths += [f"/apis/{group['preferredVersion']['groupVersion']}" for group in _get(target, "/apis")["groups"]]
    for path in paths:
        for resource in _get(target, path)["resources"]:
            if resource["namespaced"] and "list" in resource["verbs"]:
                yield path, resource["name"]


def _get(target: Target, path: str) -> dict[str, Any]:
    parameters = target.api.param_serialize(
        "GET", path, header_params={"Accept": "application/json"}, auth_settings=["BearerToken"]
    )
    response = target.api.call_api(*parameters).response
    data = response.data
    if response.status >= 400:
        raise ApiException(status=response.status, reason=path)
    found: dict[str, Any] = json.loads(data)
    return found


def _release(target: Target, namespace: str) -> bytes:
    """Everything that helm tells of the release: its Secret holds the same, packed."""
    command = [helm_program(), "get", "all", "polyglot", "--namespace", namespace]
    environment = {**os.environ, "KUBECONFIG": str(target.kubeconfig)}
    return subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60).stdout


def _end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LARGEST_LOG_BYTES))
        return file.read()


def _unpacked(data: bytes) -> Iterator[bytes]:
    """The bytes as they are, and what they hold when they are gzip."""
    yield data
    if data.startswith(b"\x1f\x8b"):
        try:
            yield gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return
