"""The namespace `polyglot` of the test cluster, made as k8s/README.md says: for trying a study by hand."""

import json

from tools.cluster import chart, places
from tools.cluster.kubectl import apply, kubectl

NAMESPACE = "polyglot"


def install() -> None:
    """Have the bases of k8s/, the store's Secret and charts/polyglot; again: brought up to date."""
    kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={places.CHECKOUT / 'k8s'}")
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "polyglot-store", "namespace": NAMESPACE},
        "stringData": {"access-key": places.ACCESS_KEY, "secret-key": places.SECRET_KEY},
    }
    apply(json.dumps(secret))
    chart.install(places.host_folder() / "kubeconfig", NAMESPACE, accounts=True)
