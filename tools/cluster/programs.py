"""The programs of the cluster, built once from Go modules and kept outside the checkout.

    go/{go.mod,go.sum,tools.go,coredns/main.go}  ->  <cache>/programs-<hash of these files>/<program>

One module has them all, since Kubernetes is most of what the others are made of: ten minutes on two cores; after that
nothing is built until a pin changes.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from tools import versitygw
from tools.cluster import places
from tools.cluster.shell import ClusterError, call, say

KUBERNETES, KUEUE = "v1.34.4", "v0.14.0"
_MODULE = Path(__file__).parent / "go"
_PINS = ("go.mod", "go.sum", "tools.go", "coredns/main.go")
_BUILD_SECONDS = 3600
_VERSION = "k8s.io/component-base/version"
_VARIABLES = f"-X {_VERSION}.gitVersion={KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=34"
_PACKAGES = (
    *(
        f"k8s.io/kubernetes/cmd/{program}"
        for program in (
            "kube-apiserver",
            "kube-controller-manager",
            "kube-proxy",
            "kube-scheduler",
            "kubectl",
            "kubelet",
        )
    ),
    "go.etcd.io/etcd/server/v3",
    "sigs.k8s.io/kueue/cmd/kueue",
    "./coredns",
)


def kube(program: str) -> Path:
    """Return kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet or kubectl."""
    return built() / program


def etcd() -> Path:
    """Return etcd. Debian's is too old for consistent lists and watches from the API server's cache."""
    return built() / "etcd"


def coredns() -> Path:
    """Return the DNS server's program."""
    return built() / "coredns"


def kueue() -> Path:
    """Return Kueue's controller."""
    return built() / "kueue"


def store() -> Path:
    """Return the S3 server's program: the same that the tests without a cluster use."""
    try:
        return versitygw.program()
    except versitygw.NotBuilt as error:
        raise ClusterError(str(error)) from error


def built() -> Path:
    """Return the folder with the programs, building them when they are not there yet."""
    folder = places.cache() / f"programs-{_digest()}"
    if folder.is_dir():
        return folder
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # concurrent builds: the second finds the first one's programs
        if not folder.is_dir():
            say("building the cluster's programs from Go modules, once (minutes)")
            with tempfile.TemporaryDirectory(dir=places.cache()) as made:
                _build(Path(made) / "bin")
                (Path(made) / "bin").rename(folder)
    return folder


def module_folder(path: str) -> Path:
    """Return where Go keeps the sources of a module: Kueue's manifests lie there."""
    call(_go(), "mod", "download", path, seconds=600, cwd=_MODULE)
    return Path(call(_go(), "list", "-m", "-f", "{{.Dir}}", path, cwd=_MODULE).strip())


def _build(folder: Path) -> None:
    folder.mkdir()
    call(
        *("nice", _go(), "build", "-mod=readonly", "-trimpath", "-gcflags=all=-dwarf=false"),
        *("-ldflags", f"-s -w {_VARIABLES}", "-o", f"{folder}/", *_PACKAGES),
        seconds=_BUILD_SECONDS,
        cwd=_MODULE,
        env={**os.environ, "CGO_ENABLED": "0"},
    )
    (folder / "server").rename(folder / "etcd")  # from what `go build` calls it


def _digest() -> str:
    digest = hashlib.sha256()
    for name in _PINS:
        digest.update((_MODULE / name).read_bytes())
    return digest.hexdigest()[:12]


def _go() -> str:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise ClusterError("the cluster's programs are not built yet, and there is no `go` to build them with")
    return go
