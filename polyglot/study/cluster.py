"""The `kubernetes` section of a profile: where on a cluster a study runs. Nothing in it enters a key.

The attributes' names are those of submissions in stores, too; YAML has its own where they differ.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from polyglot.core.endpoint import ENDPOINTS, TRACKER_KEYS, EndpointKind
from polyglot.core.section import Broken, Problem, Section, tuple_of
from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds.registry import environment_of, kind_of, traits_of
from polyglot.study.amounts import Bytes, Duration, Kind
from polyglot.study.objects import DnsLabel, DnsName, LabelValue, PinnedImage, Text, VariableName
from polyglot.study.pool import Pool

DEFAULT_POOL = "default"
PullPolicy = Literal["Never", "IfNotPresent", "Always"]
LostNode = Literal["report", "replace"]

# What the chart sets itself; a profile's own value would be silently without effect, or break the worker.
RESERVED = frozenset({"HOME", "HF_HOME", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "XDG_CACHE_HOME"})
RESERVED |= {"CUDA_CACHE_PATH", "MPLCONFIGDIR", "OMP_NUM_THREADS", "MASTER_ADDR", "MASTER_PORT"}
RESERVED |= {"HF_TOKEN_PATH", "POLYGLOT_TRACKER_KEYS"}
RESERVED |= {"POLYGLOT_REQUEST", "POLYGLOT_REQUEST_PATH", "POLYGLOT_STORE", "POLYGLOT_IMAGE", "POLYGLOT_RANKS"}
RESERVED |= {"POLYGLOT_LOCAL_RANK", "POLYGLOT_LOCAL_RANKS"}
RESERVED |= {"POLYGLOT_RANK", "POLYGLOT_S3_ACCESS_KEY_FILE", "POLYGLOT_S3_SECRET_KEY_FILE"}
RESERVED |= {f"{kind.key_variable}_FILE" for kind in ENDPOINTS.values()}
SECRETS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
SECRETS |= {"HUGGING_FACE_HUB_TOKEN", *TRACKER_KEYS, *(kind.key_variable for kind in ENDPOINTS.values())}


def _with_default(pools: Mapping[str, Pool]) -> Mapping[str, Pool]:
    return {DEFAULT_POOL: Pool(), **pools}


class Images(Section):
    """Images by digest, as `make images` prints them."""

    controller: PinnedImage
    """Of the driver and the nightly job."""
    worker: PinnedImage
    """Of stages that load no model."""
    trainer: PinnedImage
    """Of stages that load one, or a tokenizer: training, answering, translation by marian or nllb, quality by comet."""
    # no field of submissions made before it: drivers are named by their digest
    vllm: PinnedImage | None = Field(None, exclude_if=lambda image: image is None)
    """Of answers by engine vllm."""


class Cluster(Section):
    """A cluster; needed with `backend: kubernetes`."""

    namespace: DnsLabel = "polyglot"
    """Where the Jobs go."""
    context: str | None = Field(None, min_length=1, max_length=500)
    """Of the kubeconfig, else its current one; never used inside a cluster."""
    images: Images
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
    # no field of submissions made before it: drivers are named by their digest
    tracker_secret: DnsName | None = Field(None, exclude_if=lambda name: name is None)
    """Secret with keys called WANDB_API_KEY and the like, mounted in trainings that tell a tracker over the network."""
    environment: Mapping[VariableName, Text] = Field(default_factory=dict)
    """Plain variables of every container, such as AWS_ENDPOINT_URL_S3; never a secret."""
    pools: Annotated[Mapping[DnsLabel, Pool], AfterValidator(_with_default)] = Field(
        default_factory=dict, validate_default=True
    )
    """Node pools by name; `default` is there without being named."""
    pool_by_kind: Mapping[Kind, str] = Field(default_factory=dict, alias="pool-of")
    """The pool of a stage kind; the others use `default`."""
    priority_class: DnsName | None = "polyglot-study"
    """PriorityClass of stage pods (k8s/ has it); null: none."""
    queue: LabelValue | None = None
    """Kueue LocalQueue; Jobs are then created suspended."""
    ranks_service: DnsLabel = "polyglot-ranks"
    """The headless Service through which ranks meet; charts/polyglot makes it."""
    ttl_seconds: Duration = Field("1h", alias="ttl", validate_default=True)
    """How long an ended Job stays to be looked at."""
    scratch_bytes: Bytes = Field("10GiB", alias="scratch", validate_default=True)
    """Disk of /work, where the kind's resources name none."""
    pending_deadline_seconds: Duration = Field("30m", alias="pending-deadline", validate_default=True)
    """A stage whose pod cannot start for so long fails, with the cluster's reason."""
    driver_memory_bytes: Bytes = Field("512MiB", alias="driver-memory", validate_default=True)
    """Of the driver; a study of thousands of stages, or a busy namespace, may need more."""
    lost_node: LostNode = "report"
    """A pod on a node that is gone: say so, or replace it by the next attempt."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems: list[Problem] = []
        for kind, pool in self.pool_by_kind.items():
            if pool not in self.pools:
                expected = "one of " + ", ".join(self.pools)
                problems.append(
                    Problem(what="no such pool", place=("pool-of", kind), got=repr(pool[:40]), expected=expected)
                )
        for name in self.environment:
            problems += _variable_problems(name)
        if problems:
            raise Broken(*problems)
        return self

    def image_of(self, planned: PlannedStage) -> str:
        """The image that a stage runs in."""
        own = environment_of(planned)
        image: str | None = getattr(self.images, own) if own else None
        return image or (self.images.trainer if traits_of(planned.stage).loads_model else self.images.worker)

    def pool_of(self, kind: str) -> Pool:
        """Where the pods of a stage kind are placed."""
        return self.pools[self.pool_by_kind.get(kind, DEFAULT_POOL)]

    def endpoint_secret(self, kind: EndpointKind) -> str | None:
        """The Secret with the key of a kind of endpoints."""
        return self.judge_secret if kind.profile_key == "judge-secret" else self.deepl_secret

    def judge_secret_of(self, stage: Stage) -> str | None:
        """The Secret with the key of a chat model's endpoint, for the stages that call one."""
        return self.judge_secret if _profile_key(stage) == "judge-secret" else None

    def deepl_secret_of(self, stage: Stage) -> str | None:
        """The Secret with DeepL's key, for the stages that translate by it."""
        return self.deepl_secret if _profile_key(stage) == "deepl-secret" else None

    def hub_secret_of(self, stage: Stage) -> str | None:
        """The Secret with the hub's token, for the stages that fetch a repository."""
        return self.hub_secret if traits_of(stage).fetches_from_hub else None

    def tracker_secret_of(self, planned: PlannedStage) -> str | None:
        """The Secret with the keys of trackers, for the stages that tell some."""
        return self.tracker_secret if kind_of(planned.stage.kind).tells(planned.settings) else None


def _profile_key(stage: Stage) -> str:
    asks = traits_of(stage).asks
    return ENDPOINTS[asks].profile_key if asks else ""


def _variable_problems(name: str) -> Iterator[Problem]:
    if name in SECRETS:
        named = "`store-secret`, `judge-secret`, `deepl-secret`, `hub-secret` or `tracker-secret`"
        remedy = f"Put it into a Secret and name that as {named}"
        yield Problem(what="a secret is never a plain variable", place=("environment", name), remedy=remedy)
    elif name in RESERVED:
        yield Problem(what="polyglot sets this variable itself", place=("environment", name), remedy="Remove it")
