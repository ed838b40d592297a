"""kubectl as the cluster's administrator, from inside the namespace."""

from pathlib import Path

from tools.cluster import certificates, network, places, programs
from tools.cluster.shell import ClusterError, call


def kubectl(*argv: str, stdin: str | None = None, seconds: float = 60) -> str:
    """Run kubectl and return its output."""
    return call(*command(), *argv, stdin=stdin, seconds=seconds)


def command() -> list[str]:
    """Return the words before kubectl's arguments."""
    return network.entered(programs.kube("kubectl"), f"--kubeconfig={_kubeconfig()}")


def apply(text: str, *, seconds: float = 60) -> None:
    """Apply manifests, on the server's side."""
    kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=text, seconds=seconds)


def wait_available(namespace: str, deployment: str, *, seconds: int = 180) -> None:
    """Wait until a Deployment's pods are ready; ClusterError with the pods' state and events when they are not."""
    try:
        kubectl(
            *("rollout", "status", f"deployment/{deployment}", f"--namespace={namespace}", f"--timeout={seconds}s"),
            seconds=seconds + 10,
        )
    except ClusterError as error:
        pods = kubectl("get", "pods", f"--namespace={namespace}", "--output=wide")
        events = kubectl("get", "events", f"--namespace={namespace}", "--sort-by=.lastTimestamp")
        raise ClusterError(f"{namespace}/{deployment} is not available: {error}\n{pods}\n{events[-2000:]}") from error


def _kubeconfig() -> Path:
    path = places.run() / "admin.kubeconfig"
    if not path.exists():
        certificates.issue("admin", "/O=system:masters/CN=admin")
        certificates.kubeconfig("admin", path, f"https://{places.API_ADDRESS}:{places.API_PORT}")
    return path
