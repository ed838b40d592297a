"""The host's side: the relay's ports, and the files with which commands in a checkout reach the cluster.

.polyglot/cluster/kubeconfig     for kubectl, pytest and polyglot
.polyglot/cluster/environment    `export NAME=value` lines, for a shell and for the Makefile
.polyglot/cluster/{access,secret}-key
profiles/test-cluster.yaml       for --profile test-cluster
"""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import certificates, places, processes

_WISHED_PORTS = {"api": 16443, "store": 17070}  # others are taken when these are in use
RELAY = Path(__file__).parent / "relay.py"
PROFILE = places.CHECKOUT / "profiles" / "test-cluster.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the host reaches the cluster on 127.0.0.1."""

    api: int
    store: int

    @property
    def api_server(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self.api}"

    @property
    def store_endpoint(self) -> str:
        """The S3 store's address."""
        return f"http://127.0.0.1:{self.store}"


def start_relay() -> Ports:
    """Open the ports on the host and pass what comes there into the cluster's namespace."""
    listening = {name: _listen(port) for name, port in _WISHED_PORTS.items()}
    targets = {
        "api": f"{places.API_ADDRESS}:{places.API_PORT}",
        "store": f"{places.STORE_SERVICE}:{places.STORE_PORT}",
    }
    routes = [f"{listening[name].fileno()}={target}" for name, target in targets.items()]
    descriptors = tuple(server.fileno() for server in listening.values())
    processes.start("relay", ["/usr/bin/env", "python3", "-I", RELAY, *routes], pass_fds=descriptors)
    ports = Ports(**{name: server.getsockname()[1] for name, server in listening.items()})
    for server in listening.values():
        server.close()
    return ports


def write(ports: Ports, images: Mapping[str, str]) -> None:
    """Write this checkout's files. `images` are the product's by digest; without them the profile has none."""
    folder = places.host_folder()
    folder.mkdir(parents=True, exist_ok=True)
    certificates.kubeconfig("admin", folder / "kubeconfig", ports.api_server)
    for name, secret in (("access-key", places.ACCESS_KEY), ("secret-key", places.SECRET_KEY)):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(secret)
    environment = {
        "KUBECONFIG": folder / "kubeconfig",
        "AWS_ENDPOINT_URL_S3": ports.store_endpoint,
        "AWS_REGION": "us-east-1",
        "POLYGLOT_S3_ACCESS_KEY_FILE": folder / "access-key",
        "POLYGLOT_S3_SECRET_KEY_FILE": folder / "secret-key",
    }
    (folder / "environment").write_text("".join(f"export {name}={value}\n" for name, value in environment.items()))
    PROFILE.parent.mkdir(exist_ok=True)
    PROFILE.write_text(_profile(images))


def remove() -> None:
    """Remove this checkout's files."""
    for name in ("kubeconfig", "environment", "access-key", "secret-key"):
        (places.host_folder() / name).unlink(missing_ok=True)
    PROFILE.unlink(missing_ok=True)


def _profile(images: Mapping[str, str]) -> str:
    """JSON is YAML; the reader of the profile says what it means."""
    toleration = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    section = {
        "namespace": "polyglot",
        **({"images": dict(images)} if images else {}),
        "image-pull-policy": "Never",
        "store-secret": "polyglot-store",
        "environment": {
            "AWS_ENDPOINT_URL_S3": f"http://store.polyglot-system.svc:{places.STORE_PORT}",
            "AWS_REGION": "us-east-1",
            "POLYGLOT_CPU_FOR_GPUS": "1",  # the nodes' GPUs are made up
        },
        "pools": {
            "default": {"node-selector": {"polyglot.dev/pool": "default"}},
            "big": {"node-selector": {"polyglot.dev/pool": "big"}, "tolerations": [toleration]},
        },
        "pool-of": {"train": "big"},
        "scratch": "2Gi",
        "ttl": "1h",
    }
    content = {
        "store": f"s3://{places.BUCKET}/studies",
        "backend": "kubernetes",
        "resources": {"train": {"gpus": 1}},
        "kubernetes": section,
    }
    return "# Written by `make cluster-up`; removed by `make cluster-down`.\n" + json.dumps(content, indent=2) + "\n"


def _listen(wished: int) -> socket.socket:
    for port in (wished, 0):
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            server.close()
            continue
        server.listen(128)
        return server
    raise AssertionError("port 0 is never taken")
