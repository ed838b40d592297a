"""The driver of one submission -> the values of charts/driver."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from polyglot.core.slug import slug
from polyglot.render.helm import template
from polyglot.render.manifests import parse_manifests
from polyglot.spec.cluster import Cluster

COMPONENT = "driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverResources:
    """Quantities as Kubernetes writes them."""

    cpu: str = "250m"
    memory: str = "512Mi"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverValues:
    """Values of charts/driver; each is explained in its values.yaml."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    image: str
    imagePullPolicy: str  # noqa: N815 - the charts' values are written as Kubernetes writes its fields
    imagePullSecrets: Sequence[str]  # noqa: N815
    serviceAccount: str  # noqa: N815
    storeSecret: str  # noqa: N815
    environment: Mapping[str, str]
    args: Sequence[str]
    priorityClass: str  # noqa: N815
    resources: DriverResources = field(default_factory=DriverResources)
    graceSeconds: int = 20  # noqa: N815
    ttlSeconds: int = 3600  # noqa: N815


def driver_name(study: str, digest12: str) -> str:
    """`driver-<study>-<digest>`: equal orders have one driver."""
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in study.lower())
    return "-".join(part for part in (COMPONENT, plain[:36].strip("-"), digest12) if part)


def driver_values(
    cluster: Cluster, *, study: str, title: str, digest12: str, order_path: str, store_url: str
) -> DriverValues:
    """Return the values of a driver that runs an order which lies in the store."""
    labels = {
        "app.kubernetes.io/name": "polyglot",
        "app.kubernetes.io/component": COMPONENT,
        "app.kubernetes.io/managed-by": "polyglot",
        "app.kubernetes.io/part-of": slug(study),
        "polyglot.dev/study": slug(study),
        "polyglot.dev/kind": COMPONENT,
    }
    return DriverValues(
        name=driver_name(study, digest12),
        namespace=cluster.namespace,
        labels=labels,
        annotations={"polyglot.dev/study": study, "polyglot.dev/title": title, "polyglot.dev/order": order_path},
        image=cluster.images.controller,
        imagePullPolicy=cluster.image_pull_policy,
        imagePullSecrets=cluster.image_pull_secrets,
        serviceAccount=cluster.driver_service_account,
        storeSecret=cluster.store_secret or "",
        environment=cluster.environment,
        args=["drive", order_path, "--store", store_url],
        priorityClass=cluster.priority_class or "",
        ttlSeconds=cluster.ttl_seconds,
    )


def render_driver(values: DriverValues) -> dict[str, Any]:
    """Return the driver's Job. Raises PolyglotError when helm refuses."""
    (job,) = parse_manifests(template("driver", asdict(values)))
    return job
