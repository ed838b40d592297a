"""OCI layouts: a folder with blobs by digest. A container runtime is given only the blobs that it has not."""

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from tools.cluster import image_store
from tools.cluster.shell import ClusterError


def missing_bytes(socket: Path, layout: Path, reference: str) -> int:
    """Return the size of an image's layers that a containerd has not."""
    present = _present(socket)
    layers = _read(layout, reference.rpartition("@")[2])["layers"]
    return sum(layer["size"] for layer in layers if layer["digest"] not in present)


def import_into(socket: Path, layout: Path, reference: str) -> None:
    """Import the image `name@digest` of a layout into a containerd, under that name."""
    digest = reference.rpartition("@")[2]
    manifest, present = _read(layout, digest), _present(socket)
    wanted = [digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
    descriptor = {
        "mediaType": manifest["mediaType"],
        "digest": digest,
        "size": _blob(layout, digest).stat().st_size,
        "annotations": {"io.containerd.image.name": reference},
    }
    command = ["ctr", "--address", str(socket), "--namespace", "k8s.io", "images", "import", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        try:
            with process.stdin, tarfile.open(fileobj=process.stdin, mode="w|", bufsize=1 << 20) as tar:
                _add(tar, "oci-layout", {"imageLayoutVersion": "1.0.0"})
                _add(tar, "index.json", {"schemaVersion": 2, "manifests": [descriptor]})
                for each in dict.fromkeys(wanted):
                    # manifest and configuration are small, and always sent
                    if each not in present or each in wanted[:2]:
                        tar.add(_blob(layout, each), f"blobs/sha256/{each.removeprefix('sha256:')}")
        except BrokenPipeError:
            pass  # what it said is in its output
        output = process.stdout.read().decode(errors="replace")
    if process.returncode:
        raise ClusterError(f"{reference} cannot be imported: {output[-2000:]}")


def share(layout: Path, content: Path) -> None:
    """Replace blobs by hard links to a containerd's own files of them: the big ones have gigabytes."""
    for mine in (layout / "blobs" / "sha256").iterdir():
        theirs = content / "blobs" / "sha256" / mine.name
        if theirs.exists() and not theirs.samefile(mine):
            link = mine.with_name(f".{mine.name}")
            link.hardlink_to(theirs)
            link.replace(mine)


def remove_unreferenced(layout: Path) -> None:
    """Delete the blobs that no image of the index has."""
    used = set()
    for descriptor in json.loads((layout / "index.json").read_text())["manifests"]:
        manifest = _read(layout, descriptor["digest"])
        used |= {descriptor["digest"], manifest["config"]["digest"], *(each["digest"] for each in manifest["layers"])}
    for path in (layout / "blobs" / "sha256").iterdir():
        if f"sha256:{path.name}" not in used:
            path.unlink()


def _present(socket: Path) -> set[str]:
    return set(image_store.ctr(socket, "content", "list", "--quiet").split())


def _read(layout: Path, digest: str) -> dict[str, Any]:
    return dict(json.loads(_blob(layout, digest).read_text()))


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _add(tar: tarfile.TarFile, name: str, value: object) -> None:
    content = json.dumps(value).encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
