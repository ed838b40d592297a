"""charts/polyglot in a namespace of a test cluster, installed by helm as a user does."""

import json
import os
import subprocess
from pathlib import Path

from polyglot.schedulers.kubernetes.render.helm import chart, helm_program
from tools.cluster.shell import ClusterError

INSTALL_SECONDS = 180


def install(kubeconfig: Path, namespace: str, *, accounts: bool, **more: object) -> None:
    """Install it or bring it up to date. `accounts`: with the service accounts, where the namespace has none yet.

    Its network policies are open, as the test cluster's plugin enforces none. `more` are values, such as `nightly`.
    Raises ClusterError with what helm says.
    """
    anywhere = [{"cidr": "0.0.0.0/0", "port": port} for port in (443, 6443, 7070)]
    values = {
        "driver": {"create": accounts},
        "worker": {"create": accounts},
        "networkPolicy": {"apiServer": anywhere, "store": anywhere},
        **more,
    }
    command = [helm_program(), "upgrade", "--install", "polyglot", str(chart("polyglot")), "--namespace", namespace]
    done = subprocess.run(
        [*command, "--values", "-"],
        input=json.dumps(values),
        env={**os.environ, "KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        raise ClusterError(f"helm upgrade --install polyglot: {' '.join(done.stderr.split())}")
