"""The `kubernetes` section of a profile: where on a cluster a study runs. Nothing in it enters a key.

`ClusterSection` is what is written; `Cluster` is what the other rooms read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from polyglot.core.section import Broken, Problem, Section, tuple_of
from polyglot.core.stage import Stage
from polyglot.core.units import parse_bytes, parse_seconds
from polyglot.kinds.registry import traits_of
from polyglot.study.amounts import Bytes, Duration, Kind
from polyglot.study.objects import DnsLabel, DnsName, LabelValue, PinnedImage, Text, VariableName
from polyglot.study.pool import Pool, PoolSection, pool_from

DEFAULT_POOL = "default"
PullPolicy = Literal["Never", "IfNotPresent", "Always"]
LostNode = Literal["report", "replace"]

# What the chart sets itself; a profile's own value would be silently without effect, or break the worker.
RESERVED = frozenset({"HOME", "HF_HOME", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "XDG_CACHE_HOME"})
RESERVED |= {"CUDA_CACHE_PATH", "MPLCONFIGDIR", "OMP_NUM_THREADS", "MASTER_ADDR", "MASTER_PORT", "OPENAI_API_KEY_FILE"}
RESERVED |= {"DEEPL_AUTH_KEY_FILE", "HF_TOKEN_PATH"}
RESERVED |= {"POLYGLOT_REQUEST", "POLYGLOT_REQUEST_PATH", "POLYGLOT_STORE", "POLYGLOT_IMAGE", "POLYGLOT_RANKS"}
RESERVED |= {"POLYGLOT_RANK", "POLYGLOT_S3_ACCESS_KEY_FILE", "POLYGLOT_S3_SECRET_KEY_FILE"}
SECRETS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "OPENAI_API_KEY", "HF_TOKEN"})
SECRETS |= {"DEEPL_AUTH_KEY", "HUGGING_FACE_HUB_TOKEN"}


class ImagesSection(Section):
    """Images by digest, as `make images` prints them."""

    controller: PinnedImage
    """Of the driver and the nightly job."""
    worker: PinnedImage
    """Of stages that load no model."""
    trainer: PinnedImage
    """Of stages that load one, or a tokenizer: training, answering, translation by marian or nllb, quality by comet."""


class ClusterSection(Section):
    """A cluster; needed with `backend: kubernetes`."""

    namespace: DnsLabel = "polyglot"
    """Where the Jobs go."""
    context: str | None = Field(None, min_length=1, max_length=500)
    """Of the kubeconfig, else its current one; never used inside a cluster."""
    images: ImagesSection
    image_pull_policy: PullPolicy = "IfNotPresent"
    """A digest never changes, so a node pulls it once."""
    image_pull_secrets: Annotated[tuple[DnsName, ...], BeforeValidator(tuple_of)] = ()
    """Secrets of a private registry."""
    worker_service_account: DnsName = "polyglot-worker"
    """Of stage pods; annotate it for workload identity."""
    driver_service_account: DnsName = "polyglot-driver"
    """Of the driver and the nightly job."""
    store_secret: DnsName | None = "polyglot-store"  # noqa: S105 - the name of a Secret
    """Secret with access-key and secret-key; null with workload identity."""
    judge_secret: DnsName | None = None
    """Secret with api-key, mounted in stages that call an endpoint."""
    deepl_secret: DnsName | None = None
    """Secret with api-key, mounted in stages that translate by DeepL."""
    hub_secret: DnsName | None = None
    """Secret with token, mounted in stages that fetch a repository of the Hugging Face hub."""
    environment: Mapping[VariableName, Text] = Field(default_factory=dict)
    """Plain variables of every container, such as AWS_ENDPOINT_URL_S3; never a secret."""
    pools: Mapping[DnsLabel, PoolSection] = Field(default_factory=dict)
    """Node pools by name; `default` is there without being named."""
    pool_of: Mapping[Kind, str] = Field(default_factory=dict)
    """The pool of a stage kind; the others use `default`."""
    priority_class: DnsName | None = "polyglot-study"
    """PriorityClass of stage pods (k8s/ has it); null: none."""
    queue: LabelValue | None = None
    """Kueue LocalQueue; Jobs are then created suspended."""
    ranks_service: DnsLabel = "polyglot-ranks"
    """The headless Service through which ranks meet; charts/polyglot makes it."""
    ttl: Duration = "1h"
    """How long an ended Job stays to be looked at."""
    scratch: Bytes = "10GiB"
    """Disk of /work, where the kind's resources name none."""
    pending_deadline: Duration = "30m"
    """A stage whose pod cannot start for so long fails, with the cluster's reason."""
    lost_node: LostNode = "report"
    """A pod on a node that is gone: say so, or replace it by the next attempt."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems: list[Problem] = []
        known = dict.fromkeys((DEFAULT_POOL, *self.pools))
        for kind, pool in self.pool_of.items():
            if pool not in known:
                expected = "one of " + ", ".join(known)
                problems.append(
                    Problem(what="no such pool", place=("pool-of", kind), got=repr(pool[:40]), expected=expected)
                )
        for name in self.environment:
            problems += _variable_problems(name)
        if problems:
            raise Broken(*problems)
        return self


def _variable_problems(name: str) -> Iterator[Problem]:
    if name in SECRETS:
        remedy = "Put it into a Secret and name that as `store-secret`, `judge-secret`, `deepl-secret` or `hub-secret`"
        yield Problem(what="a secret is never a plain variable", place=("environment", name), remedy=remedy)
    elif name in RESERVED:
        yield Problem(what="polyglot sets this variable itself", place=("environment", name), remedy="Remove it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """References by digest."""

    controller: str
    worker: str
    trainer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where on a cluster a study runs; `pools` always has `default`."""

    namespace: str
    context: str | None
    images: Images
    image_pull_policy: PullPolicy
    image_pull_secrets: tuple[str, ...]
    worker_service_account: str
    driver_service_account: str
    store_secret: str | None
    judge_secret: str | None
    deepl_secret: str | None
    environment: Mapping[str, str]
    pools: Mapping[str, Pool]
    pool_by_kind: Mapping[str, str]
    priority_class: str | None
    queue: str | None
    ranks_service: str
    ttl_seconds: int
    scratch_bytes: int
    pending_deadline_seconds: int
    lost_node: LostNode
    hub_secret: str | None = None  # orders that were written before it do without

    def image_of(self, stage: Stage) -> str:
        """The image that a stage runs in."""
        return self.images.trainer if traits_of(stage).loads_model else self.images.worker

    def pool_of(self, kind: str) -> Pool:
        """Where the pods of a stage kind are placed."""
        return self.pools[self.pool_by_kind.get(kind, DEFAULT_POOL)]

    def judge_secret_of(self, stage: Stage) -> str | None:
        """The Secret with the endpoint's key, for the stages that call one."""
        return self.judge_secret if traits_of(stage).asks == "openai" else None

    def deepl_secret_of(self, stage: Stage) -> str | None:
        """The Secret with DeepL's key, for the stages that translate by it."""
        return self.deepl_secret if traits_of(stage).asks == "deepl" else None

    def hub_secret_of(self, stage: Stage) -> str | None:
        """The Secret with the hub's token, for the stages that fetch a repository."""
        return self.hub_secret if traits_of(stage).fetches_from_hub else None


def cluster_from(section: ClusterSection) -> Cluster:
    """The cluster that a section describes."""
    return Cluster(
        namespace=section.namespace,
        context=section.context,
        images=Images(**section.images.model_dump()),
        image_pull_policy=section.image_pull_policy,
        image_pull_secrets=section.image_pull_secrets,
        worker_service_account=section.worker_service_account,
        driver_service_account=section.driver_service_account,
        store_secret=section.store_secret,
        judge_secret=section.judge_secret,
        deepl_secret=section.deepl_secret,
        hub_secret=section.hub_secret,
        environment=dict(section.environment),
        pools={DEFAULT_POOL: Pool(), **{name: pool_from(pool) for name, pool in section.pools.items()}},
        pool_by_kind=dict(section.pool_of),
        priority_class=section.priority_class,
        queue=section.queue,
        ranks_service=section.ranks_service,
        ttl_seconds=parse_seconds(section.ttl),
        scratch_bytes=parse_bytes(section.scratch),
        pending_deadline_seconds=parse_seconds(section.pending_deadline),
        lost_node=section.lost_node,
    )
