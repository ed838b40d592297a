"""buildah with a storage of its own in the cache: no daemon, no container runtime."""

import json
import os
from collections.abc import Mapping, Set
from pathlib import Path

from tests.kit.cluster import places
from tests.kit.cluster.shell import ClusterError, call

BUILD_SECONDS = 3600
_PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "UV_DEFAULT_INDEX")
_TAG = "org.opencontainers.image.ref.name"
_UV_CACHE = "/var/cache/uv"


def call_(*argv: str | Path, seconds: float = 60) -> str:
    """Run one buildah command."""
    storage = places.cache() / "buildah"
    where = (f"--root={storage}", f"--runroot={storage}-run", "--storage-driver=overlay")
    return call("nice", "buildah", *where, *argv, seconds=seconds)


def has(name: str) -> bool:
    """True when the storage has an image of that name."""
    try:
        call_("inspect", "--type=image", name)
    except ClusterError:
        return False
    return True


def build(source: Path, target: str, name: str, arguments: Mapping[str, str]) -> None:
    """Build a target of a folder's Dockerfile; layers whose inputs are the same are taken from the storage.

    Packages come over the host's network, with its certificates and through its cache of uv, as far as there are such.
    """
    mounts, passed = _fetching()
    words = [f"--build-arg={key}={value}" for key, value in {**passed, **arguments}.items()]
    call_(
        *("bud", "--layers", "--isolation=chroot", "--network=host", "--quiet", *mounts, *words),
        *(f"--target={target}", f"--tag={name}", f"--file={source / 'Dockerfile'}", source),
        seconds=BUILD_SECONDS,
    )


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


def _fetching() -> tuple[list[str], dict[str, str]]:
    cache = Path(os.environ.get("UV_CACHE_DIR") or Path.home() / ".cache" / "uv")
    cache.mkdir(parents=True, exist_ok=True)
    mounts = [f"--volume={cache}:{_UV_CACHE}:rw"]
    arguments = {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)} | {"UV_CACHE_DIR": _UV_CACHE}
    if bundle := os.environ.get("SSL_CERT_FILE"):
        folder = Path(bundle).parent
        mounts.append(f"--volume={folder}:{folder}:ro")
        arguments["SSL_CERT_FILE"] = bundle
    return mounts, arguments
