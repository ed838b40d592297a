"""The Debian packages that the cluster is made of, installed when missing."""

import os
import shutil
from collections.abc import Iterable

from tools.cluster.shell import ClusterError, call, say

# program -> package
RUN = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "nft": "nftables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "conntrack": "conntrack",
    "busybox": "busybox-static",
    "gcc": "gcc",
    "/usr/lib/x86_64-linux-gnu/libc.a": "libc6-dev",
}
BUILD_IMAGES = {"debootstrap": "debootstrap", "buildah": "buildah", "skopeo": "skopeo"}
_NO_PROMPT = {"DEBIAN_FRONTEND": "noninteractive"}


def ensure(wanted: dict[str, str]) -> None:
    """Install the packages whose programs are missing; ClusterError when this is not root or there is no apt-get."""
    missing = _missing(wanted)
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ClusterError(f"missing on this machine: {' '.join(missing)}; as root on Debian they would be installed")
    say(f"installing {' '.join(missing)}")
    env = {**os.environ, **_NO_PROMPT}
    try:
        call("apt-get", "install", "-y", "--no-install-recommends", *missing, seconds=900, env=env)
    except ClusterError:  # a list of packages that is missing or old
        call("apt-get", "update", seconds=900, env=env)
        call("apt-get", "install", "-y", "--no-install-recommends", *missing, seconds=900, env=env)
    if still := _missing(wanted):
        raise ClusterError(f"apt-get installed {' '.join(still)}, but the programs are not found")


def _missing(wanted: dict[str, str]) -> list[str]:
    return sorted({package for program, package in wanted.items() if not _there(program)})


def _there(program: str) -> bool:
    paths: Iterable[str | None] = (None, "/usr/sbin:/sbin")
    return os.path.exists(program) if "/" in program else any(shutil.which(program, path=path) for path in paths)
