"""The driver of one submission -> the values of charts/driver, and its Job."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from polyglot.core.slug import slug
from polyglot.schedulers.kubernetes.render.helm import Manifest, template
from polyglot.schedulers.kubernetes.render.manifests import parse_manifests
from polyglot.schedulers.kubernetes.render.quantity import quantity
from polyglot.schedulers.kubernetes.render.to_values import to_values
from polyglot.study.cluster import Cluster, PullPolicy

COMPONENT = "driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverResources:
    """Quantities as Kubernetes writes them."""

    cpu: str = "250m"
    """Of the driver: it waits most of the time."""
    memory: str = "512Mi"
    """Requested, and its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverValues:
    """Values of one driver; an empty text is something that it does without."""

    name: str
    """Of the Job: equal submissions have one driver."""
    namespace: str
    """Where the Job goes, and the Jobs of its stages."""
    labels: Mapping[str, str]
    """Of the Job and its pod; the values slugs."""
    annotations: Mapping[str, str]
    """Of the Job and its pod: the exact names."""
    image: str
    """The controller's, by digest."""
    image_pull_policy: PullPolicy
    """When the image is pulled."""
    image_pull_secrets: tuple[str, ...]
    """Secrets of a private registry."""
    service_account_name: str
    """Its Role lets it create, watch and delete Jobs."""
    store_secret: str
    """Secret with access-key and secret-key, mounted as files."""
    environment: Mapping[str, str]
    """Plain variables of the profile."""
    args: tuple[str, ...]
    """Of `polyglot`."""
    priority_class_name: str
    """PriorityClass of the pod."""
    resources: DriverResources = field(default_factory=DriverResources)
    """Processor and memory."""
    grace_seconds: int = 20
    """From SIGTERM to SIGKILL: nothing has to be saved."""
    ttl_seconds: int = 3600
    """How long an ended driver stays to be looked at."""


def driver_name(study: str, digest12: str) -> str:
    """`driver-<study>-<digest>`, a DNS label."""
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in study.lower())
    return "-".join(part for part in (COMPONENT, plain[:36].strip("-"), digest12) if part)


def driver_values(
    cluster: Cluster, *, study: str, title: str, digest12: str, path: str, store_url: str
) -> DriverValues:
    """Return the values of a driver that runs the submission at a path of the store."""
    return DriverValues(
        name=driver_name(study, digest12),
        namespace=cluster.namespace,
        labels={
            "app.kubernetes.io/name": "polyglot",
            "app.kubernetes.io/component": COMPONENT,
            "app.kubernetes.io/managed-by": "polyglot",
            "app.kubernetes.io/part-of": slug(study),
            "polyglot.dev/study": slug(study),
            "polyglot.dev/kind": COMPONENT,
        },
        annotations={"polyglot.dev/study": study, "polyglot.dev/title": title, "polyglot.dev/order": path},
        image=cluster.images.controller,
        image_pull_policy=cluster.image_pull_policy,
        image_pull_secrets=cluster.image_pull_secrets,
        service_account_name=cluster.driver_service_account,
        store_secret=cluster.store_secret or "",
        environment=cluster.environment,
        args=("drive", path, "--store", store_url),
        priority_class_name=cluster.priority_class or "",
        resources=DriverResources(memory=quantity(cluster.driver_memory_bytes)),
        ttl_seconds=cluster.ttl_seconds,
    )


def render_driver(values: DriverValues) -> Manifest:
    """Return the driver's Job. Raises PolyglotError when helm refuses."""
    (job,) = parse_manifests(template("driver", to_values(values)))
    return job
