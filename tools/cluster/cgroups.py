"""The cluster's control groups: what every program of it is in, so that `down` ends exactly what `up` started.

    /sys/fs/cgroup/<hierarchy>/<name>/programs     the daemons and the containers' shims (hierarchy `pids` only)
    /sys/fs/cgroup/<hierarchy>/<name>/<node>       what a node's kubelet manages: every pod, as …/pod<uid>/<container>

Only cgroup v1, which Kubernetes takes by default up to 1.34.
"""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tools.cluster import places
from tools.cluster.shell import ClusterError, wait_until

_MOUNT = Path("/sys/fs/cgroup")
_COPIED = ("cpuset.cpus", "cpuset.mems")  # a new cpuset has neither, and takes no process before it has both


def make() -> None:
    """Make the groups of the programs and of each node."""
    if (_MOUNT / "cgroup.controllers").exists() or not (_MOUNT / "pids").is_dir():
        raise ClusterError(
            "this machine has no cgroup v1; use another cluster, such as kind's, with KUBECONFIG=… make test-cluster"
        )
    for hierarchy in _hierarchies():
        for node in places.NODES:
            _make(hierarchy, hierarchy / places.name() / node.name)
    _make(_MOUNT / "pids", _programs())


def enter() -> None:
    """Put this process among the programs; for between fork and exec."""
    (_programs() / "cgroup.procs").write_text(str(os.getpid()))


def of(node: places.Node) -> str:
    """Return the kubelet's cgroupRoot."""
    return f"/{places.name()}/{node.name}"


def end_all() -> None:
    """Kill every process of the cluster, containers first, and remove the groups. No groups: nothing to do."""
    root = _MOUNT / "pids" / places.name()
    for folder in [*(root / node.name for node in places.NODES), root]:
        wait_until(partial(_ended, folder), "processes of the cluster end", seconds=30, every=0.05)
    for hierarchy in [*_hierarchies(), _MOUNT / "unified"]:  # runc makes groups in the empty v2 hierarchy too
        for folder in sorted(_folders(hierarchy / places.name()), reverse=True):
            wait_until(partial(_removed, folder), f"{folder} is removed", seconds=10, every=0.05)


def processes() -> list[int]:
    """Return the ids of all the cluster's processes."""
    return list(_processes(_MOUNT / "pids" / places.name()))


def of_pod(uid: str) -> list[int]:
    """Return the ids of a pod's processes, whatever its node and whether its kubelet runs."""
    folders = [folder for folder in _folders(_MOUNT / "pids" / places.name()) if folder.name == f"pod{uid}"]
    return [pid for folder in folders for pid in _processes(folder)]


def _make(hierarchy: Path, folder: Path) -> None:
    for path in (folder.parent, folder):
        path.mkdir(exist_ok=True)
        if hierarchy.name == "cpuset":
            for name in _COPIED:
                (path / name).write_text((path.parent / name).read_text())


def _hierarchies() -> Iterator[Path]:
    """Each v1 hierarchy once; `unified` is v2's, links are second names."""
    for path in sorted(_MOUNT.iterdir()):
        if path.is_dir() and not path.is_symlink() and (path / "tasks").exists():
            yield path


def _programs() -> Path:
    return _MOUNT / "pids" / places.name() / "programs"


def _folders(root: Path) -> list[Path]:
    return [Path(path) for path, _, _ in os.walk(root)]


def _processes(root: Path) -> Iterator[int]:
    for folder in _folders(root):
        try:
            yield from map(int, (folder / "cgroup.procs").read_text().split())
        except (FileNotFoundError, OSError):  # removed meanwhile
            continue


def _ended(root: Path) -> bool:
    """Kill what is there; True when there was nothing any more."""
    ended = True
    for pid in _processes(root):
        try:
            os.kill(pid, signal.SIGKILL)
            ended = False
        except ProcessLookupError:
            continue
    return ended


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        pass
    except OSError:  # a process that was killed is still being taken down
        return False
    return True
