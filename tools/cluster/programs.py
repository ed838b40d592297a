"""The programs of the cluster, built once from Go modules and kept outside the checkout.

    modules/<name>/{go.mod,go.sum,tools.go}  ->  <cache>/<name>-<hash of these files>/<program>

Kubernetes itself takes 9 minutes on two cores, etcd and CoreDNS one each, Kueue four;
after that nothing is built until a pin changes.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools import versitygw
from tools.cluster import places
from tools.cluster.shell import ClusterError, call, say

KUBERNETES, COREDNS, KUEUE = "v1.34.4", "v1.15.0", "v0.14.0"
_MODULES = Path(__file__).parent / "modules"
_BUILD_SECONDS = 3600
_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Module:
    packages: tuple[str, ...]
    variables: str = ""
    renamed: tuple[str, str] | None = None  # from what `go build` calls it


_ALL = {
    "kube": _Module(
        packages=tuple(
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
        variables=f"-X {_VERSION}.gitVersion={KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=34",
    ),
    "etcd": _Module(packages=("go.etcd.io/etcd/server/v3",), renamed=("server", "etcd")),
    "coredns": _Module(packages=("github.com/coredns/coredns",)),
    "kueue": _Module(packages=("sigs.k8s.io/kueue/cmd/kueue",)),
}


def kube(program: str) -> Path:
    """Return kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet or kubectl."""
    return built("kube") / program


def etcd() -> Path:
    """Return etcd. Debian's is too old for consistent lists and watches from the API server's cache."""
    return built("etcd") / "etcd"


def coredns() -> Path:
    """Return the DNS server's program."""
    return built("coredns") / "coredns"


def kueue() -> Path:
    """Return Kueue's controller."""
    return built("kueue") / "kueue"


def store() -> Path:
    """Return the S3 server's program: the same that the tests without a cluster use."""
    try:
        return versitygw.program()
    except versitygw.NotBuilt as error:
        raise ClusterError(str(error)) from error


def built(module: str) -> Path:
    """Return the folder with a module's programs, building them when they are not there yet."""
    folder = places.cache() / f"{module}-{_digest(_MODULES / module)}"
    if folder.is_dir():
        return folder
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # concurrent builds: the second finds the first one's programs
        if not folder.is_dir():
            say(f"building {module} from Go modules, once (minutes)")
            with tempfile.TemporaryDirectory(dir=places.cache()) as made:
                _build(module, Path(made) / "bin")
                (Path(made) / "bin").rename(folder)
    return folder


def module_folder(module: str, path: str) -> Path:
    """Return where Go keeps the sources of `path`, one of `module`'s dependencies: Kueue's manifests lie there."""
    format_ = "{{.Dir}}"
    call(_go(), "mod", "download", path, seconds=600, cwd=_MODULES / module)
    return Path(call(_go(), "list", "-m", "-f", format_, path, cwd=_MODULES / module).strip())


def _build(module: str, folder: Path) -> None:
    folder.mkdir()
    what = _ALL[module]
    call(
        *("nice", _go(), "build", "-mod=readonly", "-trimpath", "-ldflags", f"-s -w {what.variables}"),
        *("-o", f"{folder}/", *what.packages),
        seconds=_BUILD_SECONDS,
        cwd=_MODULES / module,
        env={**os.environ, "CGO_ENABLED": "0"},
    )
    if what.renamed:
        (folder / what.renamed[0]).rename(folder / what.renamed[1])


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "tools.go"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]


def _go() -> str:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise ClusterError("the cluster's programs are not built yet, and there is no `go` to build them with")
    return go
