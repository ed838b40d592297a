"""A real Kueue in the cluster: what its module's config/default says, with an image of the program that was built.

Its controller is in the namespace kueue-system. Flavors, ClusterQueues and LocalQueues are the tests' to make.
"""

from tools.cluster import programs
from tools.cluster.kubectl import apply, kubectl, wait_available
from tools.cluster.shell import ClusterError, call, wait_until

_NAMESPACE, _DEPLOYMENT = "kueue-system", "kueue-controller-manager"
_PROBE = """apiVersion: kueue.x-k8s.io/v1beta1
kind: ResourceFlavor
metadata: {name: probe}
"""


def installed() -> bool:
    """True when Kueue's controller is there."""
    found = kubectl(
        "get", "deployment", _DEPLOYMENT, f"--namespace={_NAMESPACE}", "--ignore-not-found", "--output=name"
    )
    return bool(found.strip())


def install(image: str) -> None:
    """Apply Kueue. The nodes must have the image."""
    folder = programs.module_folder("sigs.k8s.io/kueue")
    text = call(programs.kube("kubectl"), "kustomize", folder / "config" / "default")
    for old, new in (
        ("image: us-central1-docker.pkg.dev/k8s-staging-images/kueue/kueue:main", f"image: {image}"),
        ("imagePullPolicy: Always", "imagePullPolicy: Never"),
        ("leaderElect: true", "leaderElect: false"),  # a paused API server would end it
    ):
        if old not in text:
            raise ClusterError(f"Kueue {programs.KUEUE}'s manifests have no {old!r} to replace")
        text = text.replace(old, new)
    apply(text, seconds=180)


def wait() -> None:
    """Wait until its webhooks answer: after it was applied, and after an API server that was away has ended it."""
    wait_available(_NAMESPACE, _DEPLOYMENT)
    probe = ("create", "--dry-run=server", "--filename=-")
    wait_until(lambda: kubectl(*probe, stdin=_PROBE), "Kueue's webhooks answer", seconds=60, every=1)
