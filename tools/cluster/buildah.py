"""buildah with a storage of its own in the cache: no daemon, no container runtime."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path

from tools.builder import BUILD_SECONDS, Builder, BuildError
from tools.cluster import places
from tools.cluster.shell import ClusterError, call

_TAG = "org.opencontainers.image.ref.name"


def builder() -> Builder:
    """Buildah with the cache's storage."""
    storage = places.cache() / "buildah"
    options = (f"--root={storage}", f"--runroot={storage}-run", "--storage-driver=overlay")
    return Builder(program="buildah", options=options, quiet=True)


def call_(*words: str | Path, seconds: float = 300) -> str:
    """Run one buildah command."""
    return call("nice", *builder().command(*map(str, words)), seconds=seconds)


def has(name: str) -> bool:
    """True when the storage has an image of that name."""
    return builder().has(name)


def build(source: Path, target: str, name: str, arguments: Mapping[str, str]) -> None:
    """Build a target of a folder's Dockerfile; layers whose inputs are the same are taken from the storage."""
    with _as_cluster_errors():
        builder().build(source, target, name, arguments)


def ensure_packages(source: Path, kind: str, name: str, arguments: Mapping[str, str]) -> bool:
    """See Builder."""
    with _as_cluster_errors():
        return builder().ensure_packages(source, kind, name, arguments)


def push(name: str, layout: Path, tag: str) -> str:
    """Write an image into an OCI layout, under a tag, and return its manifest's digest. Layers there are not written.

    buildah's own push would compress every layer anew: five minutes for the trainer's.
    """
    storage = places.cache() / "buildah"
    source = f"containers-storage:[overlay@{storage}+{storage}-run]{name}"
    call(
        *("nice", "skopeo", "copy", "--quiet", "--insecure-policy", "--dest-oci-accept-uncompressed-layers"),
        *(source, f"oci:{layout}:{tag}"),
        seconds=BUILD_SECONDS,
    )
    index = json.loads((layout / "index.json").read_text())
    named = [each for each in index["manifests"] if each.get("annotations", {}).get(_TAG)]
    (layout / "index.json").write_text(json.dumps({**index, "manifests": named}))  # without what lost its tag
    return str(next(each["digest"] for each in named if each["annotations"][_TAG] == tag))


def remove_all_but(names: Set[str]) -> None:
    """Forget all other images, and the layers that none has: gigabytes of packages that were only copied from."""
    for image in json.loads(call_("images", "--json") or "[]"):
        if others := set(image.get("names") or ()) - names:
            call_("rmi", *others, seconds=300)
    call_("rmi", "--prune", seconds=300)


@contextmanager
def _as_cluster_errors() -> Iterator[None]:
    try:
        yield
    except (BuildError, subprocess.TimeoutExpired) as error:
        raise ClusterError(str(error)) from error
