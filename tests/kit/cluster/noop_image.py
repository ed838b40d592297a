"""The worker's image with tests/kit/noop_jobs laid on it: stages that do nothing, through the worker's real entry.

One layer of a few kilobytes, so that orchestration can be measured and broken hundreds of times at no cost. The kinds
are those of tests/kit/noop_jobs; the environment of the container names their package.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.cluster import buildah, image_store, oci_layout, places
from tools.cluster.shell import ClusterError

_WORKER = "localhost/polyglot-worker:latest"
_PACKAGE = ("tests/kit/__init__.py", "tests/kit/noop_jobs")
_DOCKERFILE = f"""FROM {_WORKER} AS noop
COPY tests /opt/noop/tests
ENV PYTHONPATH=/opt/noop POLYGLOT_JOBS_PACKAGE=tests.kit.noop_jobs
"""


def ensure(nodes: Sequence[Path]) -> str:
    """Return the reference of the image on the worker's image that was built last, having given it to the nodes."""
    if not buildah.has(_WORKER):
        raise ClusterError("the no-op image is laid on the worker's, which is not built: make cluster-images")
    layout = places.cache() / "layout"
    with (places.cache() / "product.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with tempfile.TemporaryDirectory() as folder:
            _put_together(Path(folder))
            buildah.build(Path(folder), "noop", "localhost/polyglot-noop:latest", {})
        reference = f"{places.REGISTRY}/noop@{buildah.push('localhost/polyglot-noop:latest', layout, 'noop')}"
        for socket in nodes:
            if reference not in image_store.references(socket):
                oci_layout.import_into(socket, layout, reference)
    return reference


def _put_together(folder: Path) -> None:
    """The sources alone, of one age: the same sources are the same layer."""
    (folder / "Dockerfile").write_text(_DOCKERFILE)
    for name in _PACKAGE:
        source, target = places.CHECKOUT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
