"""Where the cluster keeps its things, and the addresses that it uses inside its network namespace."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
API_ADDRESS, API_PORT = "10.99.0.1", 6443
SERVICE_RANGE, KUBERNETES_SERVICE, DNS_SERVICE, STORE_SERVICE = "10.96.0.0/16", "10.96.0.1", "10.96.0.10", "10.96.0.70"
STORE_PORT = 7070
ACCESS_KEY, SECRET_KEY, BUCKET = "polyglot-test", "a-secret-of-the-test-cluster", "polyglot"
REGISTRY = "polyglot.local"  # no such host: images are imported, never pulled
_LONGEST_RUN = 60  # a Unix socket's path has 107 characters at most, of which the programs use up to 45 below it


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What differs between the nodes. `pool` is the value of the label polyglot.dev/pool."""

    name: str
    address: str
    pods: str
    health_port: int
    pool: str
    tainted: bool


NODES = (
    Node(name="node-1", address=API_ADDRESS, pods="10.244.0.0/24", health_port=10248, pool="default", tainted=False),
    Node(name="node-2", address="10.99.0.2", pods="10.244.1.0/24", health_port=10348, pool="big", tainted=True),
)


def cache() -> Path:
    """Return the folder for all that outlives a cluster: programs, base image, imported images."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polyglot" / "cluster"


def run() -> Path:
    """Return the running cluster's folder. It shares a file system with the images, which the nodes hard-link."""
    return cache() / "run"


def path_is_short() -> bool:
    """False when sockets below `run()` could not be bound."""
    return len(str(run())) <= _LONGEST_RUN


def name() -> str:
    """Return the name of the network namespace and the cgroups: one cluster for each cache folder."""
    return "polyglot-" + hashlib.sha256(str(run()).encode()).hexdigest()[:6]


def logs() -> Path:
    """Return the folder with one log file a program; kept after a failed start, until the next one."""
    return run() / "logs"


def host_folder() -> Path:
    """Return the checkout's folder with what its commands need to reach the cluster."""
    return CHECKOUT / ".polyglot" / "cluster"
