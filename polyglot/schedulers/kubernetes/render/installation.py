"""Values of charts/polyglot, installed once a namespace: accounts, the ranks' Service, the nightly job, the network.

The defaults are the chart's own values.yaml (a test compares them); values.schema.json is generated from the classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from polyglot.core.canonical import Json
from polyglot.schedulers.kubernetes.render.to_values import to_values
from polyglot.study.cluster import Cluster, PullPolicy

Name = Annotated[str, ("pattern", r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
CronName = Annotated[str, ("pattern", r"^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$")]
Secret = Annotated[str, ("pattern", r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$")]
Image = Annotated[str, ("pattern", r"^([a-z0-9][A-Za-z0-9./:_-]*@sha256:[0-9a-f]{64})?$")]
Cidr = Annotated[
    str, ("pattern", r"^([0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/[0-9]{1,3})$")
]
Port = Annotated[int, ("minimum", 1), ("maximum", 65535)]
Whole = Annotated[int, ("minimum", 0)]
Schedule = Annotated[str, ("pattern", r"^\S+ \S+ \S+ \S+ \S+$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A ServiceAccount."""

    create: bool = True
    """False: it is there already."""
    name: Name
    """As the profile names it."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of a workload identity, such as eks.amazonaws.com/role-arn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The bucket."""

    existing_secret: Secret = "polyglot-store"  # noqa: S105 - the name of a Secret
    """Secret with access-key and secret-key, made by an administrator; empty with workload identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileMap:
    """The profile that drivers read."""

    existing_config_map: Secret = ""
    """ConfigMap with profile.yaml; empty: the chart makes one of `content`."""
    content: str = ""
    """The profile as text; `--set-file profile.content=profiles/cluster.yaml`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests, and limits, of the nightly job's pod."""

    cpu: str = "500m"
    """Processors."""
    memory: str = "1Gi"
    """Memory."""
    ephemeral_storage: str = "2Gi"
    """Disk of /work and /tmp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nightly:
    """The CronJob that evaluates studies anew."""

    enabled: bool = False
    """Needs an image and studies."""
    name: CronName = "polyglot-nightly"
    """At most 52 characters: its Jobs append a time."""
    studies: tuple[str, ...] = ()
    """Names of submitted studies."""
    schedule: Schedule = "0 2 * * *"
    """Cron's five fields."""
    time_zone: str = "Etc/UTC"
    """IANA name; without one the controller's own zone would decide."""
    suspend: bool = False
    """True: no new runs."""
    starting_deadline_seconds: Whole = 3600
    """A run that is missed for so long is not made up for; above 100 missed ones nothing would run again."""
    active_deadline_seconds: Annotated[int, ("minimum", 1)] = 72_000
    """A run that hangs must not keep the next nights from starting."""
    backoff_limit: Whole = 6
    """Restarts of a failed run; drained pods are not counted."""
    successful_jobs_history_limit: Whole = 7
    """Finished runs that stay to be looked at."""
    failed_jobs_history_limit: Whole = 7
    """Failed runs that stay to be looked at."""
    grace_seconds: Whole = 60
    """Between SIGTERM and SIGKILL."""
    priority_class_name: Secret = "polyglot-nightly"  # noqa: S105 - the name of a class
    """PriorityClass of the run's own pod; empty: none."""
    webhook_secret: Secret = ""
    """Secret whose key `url` is the address that is told of changes, mounted at /var/run/polyglot/webhook/url."""
    resources: Requests = field(default_factory=Requests)
    """Of the run's own pod; stages have theirs from the profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """An address that pods may call."""

    cidr: Cidr
    """Such as 10.0.0.0/16; one address ends in /32."""
    port: Port
    """TCP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """The cluster's name server."""

    namespace: Name = "kube-system"
    """Where it runs."""
    pod_labels: Mapping[str, str] = field(default_factory=lambda: {"k8s-app": "kube-dns"})
    """Of its pods."""
    cidrs: tuple[Cidr, ...] = ()
    """Of node-local name servers, such as 169.254.20.10/32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """NetworkPolicies: everything that is not named here is denied."""

    enabled: bool = True
    """They need a network plugin that enforces them; the others ignore them."""
    dns: Dns = field(default_factory=Dns)
    """UDP and TCP 53, for every pod."""
    api_server: tuple[Peer, ...] = ()
    """For drivers only; `kubectl get endpoints kubernetes -n default` prints the addresses."""
    store: tuple[Peer, ...] = ()
    """For every pod."""
    judge: tuple[Peer, ...] = ()
    """For stages that call an endpoint, DeepL's too."""
    sources: tuple[Peer, ...] = ()
    """For ingest, base, translate and quality stages that fetch from a hub or an address."""
    trackers: tuple[Peer, ...] = ()
    """For trainings that tell trackers over the network."""
    webhook: tuple[Peer, ...] = ()
    """For the nightly job, where its profile names a webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationValues:
    """Values of charts/polyglot."""

    image: Image = ""
    """The controller's, by digest; the nightly job needs it."""
    image_pull_policy: PullPolicy = "IfNotPresent"
    """When the image is pulled."""
    image_pull_secrets: tuple[Name, ...] = ()
    """Secrets of a private registry."""
    driver: Account = field(default_factory=lambda: Account(name="polyglot-driver"))
    """Of drivers and the nightly job; the Role is bound to it."""
    worker: Account = field(default_factory=lambda: Account(name="polyglot-worker"))
    """Of stage pods; it can do nothing."""
    ranks_service: Name = "polyglot-ranks"
    """The headless Service through which ranks meet."""
    store: Store = field(default_factory=Store)
    """The bucket's credentials."""
    profile: ProfileMap = field(default_factory=ProfileMap)
    """Where drivers find the profile."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Plain variables of the nightly job, as in the profile."""
    nightly: Nightly = field(default_factory=Nightly)
    """The nightly job."""
    network_policy: Network = field(default_factory=Network)
    """Who may call whom."""

    def document(self) -> Json:
        """As the values file has them, keys in camelCase."""
        return to_values(self)


def installation_values(
    cluster: Cluster,
    *,
    profile: str = "",
    nightly: Nightly | None = None,
    network_policy: Network | None = None,
) -> InstallationValues:
    """The values that agree with a profile; `profile` is its text."""
    return InstallationValues(
        image=cluster.images.controller,
        image_pull_policy=cluster.image_pull_policy,
        image_pull_secrets=cluster.image_pull_secrets,
        driver=Account(name=cluster.driver_service_account),
        worker=Account(name=cluster.worker_service_account),
        ranks_service=cluster.ranks_service,
        store=Store(existing_secret=cluster.store_secret or ""),
        profile=ProfileMap(content=profile),
        environment=cluster.environment,
        nightly=nightly or Nightly(),
        network_policy=network_policy or Network(),
    )
