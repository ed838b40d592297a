"""A node that is lost: its kubelet is stopped and its containers go on, or are frozen to come back as zombies.

Node 2 is the one to lose, as the store and DNS run on node 1. Who uses this disturbs the whole cluster.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.cluster import cgroups, node, places, processes
from tools.cluster.kubectl import kubectl
from tools.cluster.shell import wait_until

OTHER, LOST = places.NODES
LABEL = "polyglot.dev/test-goes-here"  # what the pods of a test select


@contextmanager
def lost() -> Iterator[None]:
    """Node 2 without its kubelet until the block ends; afterwards it is as it was before, whatever happened."""
    name = f"kubelet-{LOST.name}"
    processes.stop(name)
    try:
        yield
    finally:
        processes.start_again(name)
        node.wait(LOST)
        wait_until(_is_back, f"{LOST.name} is ready again", seconds=120)
        node.add_fake_gpus(LOST)  # a kubelet that starts forgets what it does not manage


@contextmanager
def labelled() -> Iterator[None]:
    """Pods that select LABEL go to node 2 first, and after `move_label` to node 1."""
    kubectl("label", "node", LOST.name, f"{LABEL}=yes", "--overwrite")
    try:
        yield
    finally:
        for each in places.NODES:
            kubectl("label", "node", each.name, f"{LABEL}-")


def move_label() -> None:
    """New pods go to node 1 from now on."""
    kubectl("label", "node", LOST.name, f"{LABEL}-")
    kubectl("label", "node", OTHER.name, f"{LABEL}=yes", "--overwrite")


def freeze(pod_uid: str) -> None:
    """Stop every process of a pod where it is."""
    _send(pod_uid, signal.SIGSTOP)


def thaw(pod_uid: str) -> None:
    """Let them go on."""
    _send(pod_uid, signal.SIGCONT)


def inside(pod_uid: str, path: str) -> Path | None:
    """Where this machine sees a path of a pod's worker, or None while it runs none."""
    for pid in cgroups.of_pod(pod_uid):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"jobs.worker" in command:
            return Path(f"/proc/{pid}/root{path}")
    return None


def _send(pod_uid: str, number: signal.Signals) -> None:
    found = cgroups.of_pod(pod_uid)
    assert found, f"the pod {pod_uid} has no process"
    for pid in found:
        os.kill(pid, number)


def _is_back() -> bool:
    ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status} {.spec.taints[*].key}"
    status, *taints = kubectl("get", "node", LOST.name, "--output", ready).split()
    return status == "True" and not [taint for taint in taints if taint.startswith("node.kubernetes.io/")]
