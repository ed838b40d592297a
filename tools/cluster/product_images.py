"""The product's images (controller, worker, trainer): built from the Dockerfile, given to the nodes by digest.

<cache>/buildah         base image, packages, layers: a change of code rebuilds the last layers only
<cache>/layout          the three images as an OCI layout
<cache>/product.json    {"inputs": <hash of what they are built from>, "images": {kind: reference by digest}}
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import TypedDict

from tools.builder import KINDS, packages_name
from tools.cluster import base_image, buildah, image_store, oci_layout, packages, places
from tools.cluster.shell import ClusterError, say

_LARGEST_BYTES = 1 << 30  # of what a running node is given
_INPUTS = ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "requirements", "polyglot", "jobs", "charts")


def ensure(nodes: Sequence[Path], *, source: Path = places.CHECKOUT) -> dict[str, str]:
    """Return kind -> reference of the images of `source` as it is now, having given them to the nodes.

    `nodes` are the sockets of running nodes; those that start later take them from the cache.
    """
    if not (source / "Dockerfile").exists():
        raise ClusterError(f"{source} has no Dockerfile to build the product's images from")
    inputs = _digest(source)
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / "product.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _state().get("inputs") != inputs:
            _build(source, inputs)
        images = current()
        for socket in nodes:
            _check_size(socket, images)
            _give(socket, images)
    return images


def current() -> dict[str, str]:
    """Return kind -> reference of the images that were built last; empty before that."""
    return dict(_state().get("images", {}))


def _build(source: Path, inputs: str) -> None:
    packages.ensure(packages.BUILD_IMAGES)
    base, layout = base_image.ensure(), places.cache() / "layout"
    packages_of = _packages(source, base)
    images = {}
    for kind in KINDS:
        say(f"building the {kind} image")
        name = f"localhost/polyglot-{kind}:latest"
        arguments = {"BASE_IMAGE": base, "REVISION": f"inputs-{inputs}", f"{kind.upper()}_PACKAGES": packages_of[kind]}
        buildah.build(source, kind, name, arguments)
        images[kind] = f"{places.REGISTRY}/{kind}@{buildah.push(name, layout, kind)}"
    oci_layout.remove_unreferenced(layout)
    with image_store.opened() as socket:
        _give(socket, images)
        _remove(socket, KINDS, keep=set(images.values()))
    oci_layout.share(layout, places.cache() / "images" / "io.containerd.content.v1.content")
    (places.cache() / "product.json").write_text(json.dumps({"inputs": inputs, "images": images}, indent=1))


def _packages(source: Path, base: str) -> dict[str, str]:
    """Return kind -> the image of its packages: a change of code does not read it."""
    names = {kind: packages_name(source, kind, base) for kind in KINDS}
    if missing := [kind for kind, name in names.items() if not buildah.has(name)]:
        buildah.remove_all_but({base, *names.values()})  # before, not after: the trainer's takes the disk several times
        with image_store.opened() as socket:
            _remove(socket, missing)
        for kind in missing:
            buildah.ensure_packages(source, kind, names[kind], {"BASE_IMAGE": base})
    return names


def _remove(socket: Path, kinds: Iterable[str], keep: Set[str] = frozenset()) -> None:
    """Forget images of these kinds, and wait until their layers are gone."""
    ours = tuple(f"{places.REGISTRY}/{kind}@" for kind in kinds)
    for reference in image_store.references(socket) - keep:
        if reference.startswith(ours):
            image_store.ctr(socket, "images", "remove", "--sync", reference, seconds=300)


def _check_size(socket: Path, images: dict[str, str]) -> None:
    """A node that starts hard-links the images; one that runs would unpack them, and keep gigabytes once more."""
    present = image_store.references(socket)
    for kind, reference in images.items():
        if reference not in present:
            size = oci_layout.missing_bytes(socket, places.cache() / "layout", reference)
            if size > _LARGEST_BYTES:
                raise ClusterError(
                    f"the {kind} image has {size / 2**30:.1f} GiB that the running nodes have not; "
                    "make cluster-down cluster-up gives it to them in seconds"
                )


def _give(socket: Path, images: dict[str, str]) -> None:
    present = image_store.references(socket)
    for reference in images.values():
        if reference not in present:
            oci_layout.import_into(socket, places.cache() / "layout", reference)


def _digest(source: Path) -> str:
    """Hash what the images are made of: names and contents, in order."""
    digest = hashlib.sha256()
    for path in _files(source):
        digest.update(f"{path.relative_to(source)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(source: Path) -> Iterator[Path]:
    for name in _INPUTS:
        root = source / name
        if root.is_file():
            yield root
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(each for each in folders if each != "__pycache__")
            yield from (Path(folder) / file for file in sorted(files) if not file.endswith(".pyc"))


class _State(TypedDict, total=False):
    """What was built last: of which inputs, and its images."""

    inputs: str
    images: dict[str, str]


def _state() -> _State:
    try:
        state: _State = json.loads((places.cache() / "product.json").read_text())
    except FileNotFoundError:
        return {}
    return state
