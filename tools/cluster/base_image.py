"""Debian with Python as a base image, made from Debian packages because no registry of images is reachable."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from tools.cluster import buildah, places
from tools.cluster.shell import ClusterError, call, say, unmount_below

_SUITE = "bookworm"
_PACKAGES = ("ca-certificates", "python3", "python3-venv")
_TRIES = 3  # a mirror that drops one of a hundred packages is common


def ensure() -> str:
    """Return the name of the base image in buildah's storage, making it when it is not there yet (a minute)."""
    recipe = hashlib.sha256(json.dumps([_SUITE, _PACKAGES]).encode()).hexdigest()[:12]
    name = f"localhost/polyglot-base:{recipe}"
    if buildah.has(name):
        return name
    say(f"making a base image of Debian {_SUITE}, once")
    places.cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=places.cache()) as folder:
        root = _bootstrap(Path(folder))
        container = buildah.call_("from", "scratch").strip()
        try:
            buildah.call_("add", "--quiet", container, root, "/", seconds=1800)
            buildah.call_("commit", "--quiet", container, name, seconds=1800)
        finally:
            buildah.call_("rm", container)
    return name


def _bootstrap(folder: Path) -> Path:
    root, packages = folder / "root", folder / "packages"
    packages.mkdir()
    options = ("--variant=minbase", f"--include={','.join(_PACKAGES)}", f"--cache-dir={packages}")
    for remaining in reversed(range(_TRIES)):
        try:
            call("nice", "debootstrap", *options, _SUITE, root, seconds=3600)
            break
        except ClusterError:
            if not remaining:
                raise
        finally:
            unmount_below(root)  # where it was ended it leaves /proc mounted
        shutil.rmtree(root)
    shutil.rmtree(root / "var/cache/apt/archives")
    shutil.rmtree(root / "var/lib/apt/lists")
    (root / "etc/apt/apt.conf.d/80-retries").write_text('Acquire::Retries "5";\n')
    return root
