"""The cluster's network namespace. Bridges, rules and addresses stay inside; removing it removes them.

Its node interface is a pair of virtual Ethernet devices with both ends inside: programs on the nodes reach service
addresses only where a route exists, and the route needs a device. The nodes' addresses lie on the loopback device.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from tools.cluster import places
from tools.cluster.shell import call

_PLUGINS = "/usr/lib/cni"


def path() -> Path:
    """Return the namespace's file."""
    return Path("/run/netns") / places.name()


def make() -> None:
    """Make the namespace, its node interface and addresses, and let it forward."""
    call("ip", "netns", "add", places.name())
    for command in (
        "link set lo up",
        *(f"address add {node.address}/32 dev lo" for node in places.NODES),
        "link add nodes0 type veth peer name nodes1",
        "link set nodes0 up",
        "link set nodes1 up",
        "address add 10.98.0.1/24 dev nodes0",
        "route add default via 10.98.0.2 dev nodes0",
    ):
        call(*entered("ip", *command.split()))
    call(*entered("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"))


def remove() -> None:
    """Remove the namespace when it is there."""
    if path().exists():
        call("ip", "netns", "delete", places.name())


def entered(*argv: str | Path) -> list[str]:
    """Return the command that runs `argv` inside. `ip netns exec` would remount /sys, and hide the cgroups."""
    return ["nsenter", f"--net={path()}", *map(str, argv)]


def write_plugin(node: places.Node, folder: Path, state: Path) -> None:
    """Write a node's CNI configuration: a routed pair of devices a pod, so that traffic always passes the rules."""
    folder.mkdir(parents=True)
    ipam = {
        "type": "host-local",
        "dataDir": str(state),
        "ranges": [[{"subnet": node.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    content = {
        "cniVersion": "1.0.0",
        "name": f"{places.name()}-{node.name}",
        "plugins": [{"type": "ptp", "ipMasq": False, "mtu": 1500, "ipam": ipam}],
    }
    (folder / "10-pods.conflist").write_text(json.dumps(content, indent=1))


def plugins() -> str:
    """Return the folder of Debian's CNI plugins."""
    return _PLUGINS


def remove_leftovers(sandboxes: Iterable[str]) -> None:
    """Remove the files that CNI keeps outside the cluster's own folder; `sandboxes` are the pods' container ids."""
    results = Path("/var/lib/cni/results")
    for file in [*results.glob(f"{places.name()}-*"), *(results / f"cni-loopback-{each}-lo" for each in sandboxes)]:
        file.unlink(missing_ok=True)
