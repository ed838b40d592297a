"""Images as the nodes' container runtimes keep them: imported once, hard-linked into every new node.

    <cache>/images/          the root of a containerd that runs only while something is imported
    <cache>/run/<node>/root  a copy of it: hard links, but for the databases

An import unpacks gigabytes; a copy of the links takes a second or two. The overlay driver never writes into a layer, so
nodes can share its files; containers of an earlier cluster are never found again.
"""

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.cluster import packages, places
from tools.cluster.shell import ClusterError, call, tail, wait_until

IMPORT_SECONDS = 3600
_DATABASES = (
    "io.containerd.metadata.v1.bolt/meta.db",
    "io.containerd.snapshotter.v1.overlayfs/metadata.db",
)
_UNUSED = (
    "io.containerd.grpc.v1.cri",
    "io.containerd.internal.v1.opt",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.native",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
    "io.containerd.internal.v1.tracing",
)


def configuration(folder: Path, *, root: Path, cri: str = "") -> str:
    """Return containerd's configuration: socket and state below `folder`; `cri` adds the kubelet's side of it."""
    unused = [name for name in _UNUSED if not (cri and name.endswith(".cri"))]
    return f"""version = 2
root = "{root}"
state = "{folder}/state"
disabled_plugins = {unused!r}
[grpc]
  address = "{folder}/containerd.sock"
[ttrpc]
  address = "{folder}/containerd.sock.ttrpc"
{cri}"""


def ctr(socket: Path, *argv: str | Path, seconds: float = 60) -> str:
    """Talk to a containerd about the images and containers of Kubernetes."""
    return call("ctr", "--address", socket, "--namespace", "k8s.io", *argv, seconds=seconds)


def references(socket: Path) -> set[str]:
    """Return the names of the images that a containerd has."""
    return set(ctr(socket, "images", "list", "--quiet").split())


def import_archive(sockets: Sequence[Path], archive: Path) -> None:
    """Import an OCI archive, whose index names the image, into each containerd."""
    for socket in sockets:
        ctr(socket, "images", "import", "--platform", "linux/amd64", archive, seconds=IMPORT_SECONDS)


def tag(sockets: Sequence[Path], old: str, new: str) -> None:
    """Give an image a second name in each containerd."""
    for socket in sockets:
        ctr(socket, "images", "tag", "--force", old, new)


@contextmanager
def opened() -> Iterator[Path]:
    """Run the containerd of the cached images and give its socket. One at a time; others wait."""
    packages.ensure(packages.RUN)
    folder = places.cache() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (places.cache() / "images.lock").open("w") as lock, tempfile.TemporaryDirectory(prefix="polyglot-") as short:
        fcntl.flock(lock, fcntl.LOCK_EX)
        config, log, socket = (Path(short) / name for name in ("config.toml", "log", "containerd.sock"))
        config.write_text(configuration(Path(short), root=folder))
        with log.open("wb") as output:
            process = subprocess.Popen(["containerd", "--config", config], stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: references(socket) is not None or process.poll() is not None, "containerd", seconds=60)
            yield socket
        except ClusterError as error:
            raise ClusterError(f"{error}\n{tail(log)}") from error
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def copy_into(root: Path) -> None:
    """Give a new node all cached images. Nothing must run on `root` yet."""
    source = places.cache() / "images"
    with (places.cache() / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        call("cp", "--archive", "--link", source, root, seconds=300)
        for name in _DATABASES:
            (root / name).unlink()
            shutil.copyfile(source / name, root / name)
