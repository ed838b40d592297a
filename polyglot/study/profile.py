"""A profile says where a study runs: store, backend, resources and settings by kind. Nothing in it enters a key."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BeforeValidator, Field, ValidationError, create_model, model_validator

from polyglot.core.canonical import Json
from polyglot.core.errors import BadInput
from polyglot.core.section import Broken, Name, Problem, Section
from polyglot.core.stage import PlannedStage, Resources
from polyglot.kinds.device import BYTES_PER_GBIT, GPUS, Device, cpu
from polyglot.kinds.registry import KINDS, kind_of
from polyglot.kinds.settings import BatchSettings, ChatSettings, Settings, threads_of
from polyglot.schedulers.registry import BACKENDS
from polyglot.study.amounts import Bytes, Deadline, Duration, GpuName, Kind
from polyglot.study.cluster import Cluster
from polyglot.study.problems import bad_file, invalid_file
from polyglot.study.yaml_file import YamlFile, read_yaml

DEFAULT_STORE = "file://./.polyglot/store"
VLLM_ENVIRONMENT = ".polyglot/vllm"

if TYPE_CHECKING:
    KindSettings = Section
else:  # the settings of each kind; one attribute a kind
    KindSettings = create_model(
        "KindSettings", __base__=Section, **{name: (kind.settings, kind.settings()) for name, kind in KINDS.items()}
    )


class ResourceSection(Section):
    """Overrides of a kind's default resources, which are those of one pod."""

    cpus: int | None = Field(None, ge=1, le=4096)
    """Of a pod; the processes of a training share them."""
    memory_bytes: Bytes | None = Field(None, alias="memory")
    """Of a pod, for all of its processes."""
    gpus: int | None = Field(None, ge=0, le=64)
    """Of each pod. A training has a process on each, engine vllm one on all; every other kind computes on one."""
    ranks: int | None = Field(None, ge=1, le=4096)
    """Pods of a training, which compute together, or of answers, which share the questions out; 1 on one machine."""
    deadline_seconds: Deadline | None = Field(None, alias="deadline")
    """From an attempt's start until it is ended."""
    grace_seconds: Duration | None = Field(None, alias="grace")
    """To save in, between being asked to stop and being killed."""
    scratch_bytes: Bytes | None = Field(None, alias="scratch")
    """Of disk, on a cluster."""


class Environments(Section):
    """Folders of this machine with a Python for workers that need one of their own; a cluster has images."""

    vllm: str = Field(VLLM_ENVIRONMENT, min_length=1)
    """Of answers by engine vllm; `make vllm` makes it."""


class Prices(Section):
    """What a place costs; prices of calls stand in the study, beside the model that is asked."""

    gpu_hour_usd: float = Field(ge=0)
    """US dollars for an hour of one GPU."""
    as_of: Annotated[date, Field(strict=False)]
    """The day of these prices; it is shown with them."""


class AskAbove(Section):
    """Above which estimate `submit` asks before it starts anything; `--yes` answers."""

    usd: float | None = Field(None, ge=0)
    """US dollars, of calls and GPUs together."""
    gpu_hours: float | None = Field(None, ge=0)
    """Hours of GPUs."""


class NightSection(Section):
    """Who is told when a night finds that the judge, a model or what serves it has changed."""

    webhook_file: str | None = Field(None, min_length=1, max_length=4096)
    """A file with one address, to which what was found is sent as JSON (`study`, `night`, `verdict`, `says`, `text`).
    The address may be a secret, so it is in a file."""


def _check_backend(name: object) -> object:
    if name not in BACKENDS:
        *others, last = (f"'{known}'" for known in BACKENDS)
        expected = f"{', '.join(others)} or {last}"
        raise Broken(Problem(what="bad value", got=repr(name)[:80], expected=expected))
    return name


BackendName = Annotated[str, BeforeValidator(_check_backend)]


class ProfileFile(Section):
    """A profile file as it is written."""

    store: str = DEFAULT_STORE
    backend: BackendName = "local"
    cpus: int | None = Field(None, ge=1, le=4096)
    memory: Bytes | None = None
    max_attempts: int = Field(4, ge=1, le=100)
    device: GpuName | None = None
    prices: Prices | None = None
    ask_above: AskAbove = Field(default_factory=AskAbove)
    resources: Mapping[Kind, ResourceSection] = Field(default_factory=dict)
    settings: KindSettings = Field(default_factory=KindSettings)
    endpoints: Mapping[Name, ChatSettings] = Field(default_factory=dict)
    """What is otherwise for one model that is asked: a judge of the panel, or a baseline, by its name in the study."""
    environments: Environments = Field(default_factory=Environments)
    nights: NightSection = Field(default_factory=NightSection)
    kubernetes: Cluster | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems, own = [], BACKENDS[self.backend]
        for name, other in BACKENDS.items():
            if other.section not in ("", own.section) and getattr(self, other.section) is not None:
                what = f"means nothing with backend {self.backend}"
                remedy = f"Write `backend: {name}`, or remove the section"
                problems.append(Problem(what=what, place=(other.section,), remedy=remedy))
        if own.section and getattr(self, own.section) is None:
            problems.append(Problem(what=f"no `{own.section}:` section", place=("backend",), remedy=own.remedy))
        for key in () if own.own_machine else ("cpus", "memory"):
            if getattr(self, key) is not None:
                remedy = "Remove it; a cluster is bounded by its ResourceQuota or queue"
                problems.append(Problem(what="bounds this machine, not a cluster", place=(key,), remedy=remedy))
        problems += [*self._environments(), *self._gpus()]
        if problems:
            raise Broken(*problems)
        return self

    def _environments(self) -> Iterator[Problem]:
        """What is wrong with where workers of an environment of their own are started."""
        if self.kubernetes is None:
            return
        if self.environments != Environments():
            remedy = "Remove it; a cluster's environments are its `images`"
            yield Problem(
                what="names folders of this machine, not of a cluster", place=("environments",), remedy=remedy
            )
        for name, kind in KINDS.items():
            own = kind.environment(_given(self.settings, name))
            if own and getattr(self.kubernetes.images, own) is None:
                place = ("settings", name)
                remedy = f"Add it as `{own}:` to the `images:` of `kubernetes:`; docs/engines.md shows it"
                yield Problem(what=f"no image for {own}", place=place, remedy=remedy)

    def _gpus(self) -> Iterator[Problem]:
        """GPUs that would idle, and processes that are said twice."""
        for name, section in self.resources.items():
            kind, gpus, settings = KINDS[name], section.gpus or 0, _given(self.settings, name)
            if gpus and "processes" in settings:
                yield Problem(
                    what="`processes` of a kind that has GPUs: each of them has its process",
                    place=("settings", name, "processes"),
                    got=f"{settings['processes']}, and `resources.{name}.gpus`, {gpus}",
                    remedy="Remove it, or the GPUs",
                )
            if gpus > 1 and kind.ranks != "together" and not kind.spans_gpus(settings):
                more = f"; `ranks: {gpus}` shares the work out among pods of one GPU" if kind.ranks == "shards" else ""
                yield Problem(
                    what=f"{name} computes on one GPU, and the others would idle",
                    place=("resources", name, "gpus"),
                    got=str(gpus),
                    expected="1",
                    remedy=f"Write `gpus: 1`{more}",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Where to run. `cpus` and `memory_bytes` bound workers of one's own machine (None: its own bounds)."""

    name: str
    store: str
    backend: str
    cpus: int | None
    memory_bytes: int | None
    max_attempts: int
    resources: Mapping[str, Resources]
    settings: Mapping[str, Mapping[str, Json]]
    endpoints: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)  # settings of the endpoints with a name
    cluster: Cluster | None = None  # the section of backend kubernetes
    device: str | None = None  # a name of GPUS, of stages whose pool says none
    prices: Prices | None = None
    ask_above: AskAbove = AskAbove()
    environments: Mapping[str, str] = field(default_factory=dict)  # by name, folders of one's own machine
    nights: NightSection = NightSection()
    memory_named: frozenset[str] = frozenset()  # the kinds whose memory the profile itself says

    def settings_of(self, kind: str, asks: str = "") -> dict[str, Json]:
        """The settings of a kind, and on top those of the endpoint with this name.

        An address of its own has nothing of where the kind's is: neither its key, which is another's, nor its
        api-version, nor its batches.
        """
        own, settings = self.endpoints.get(asks, {}), dict(self.settings.get(kind, {}))
        if "base_url" in own:
            settings = {name: value for name, value in settings.items() if name not in BatchSettings.own_fields()}
            settings |= {"key_file": "", "api_version": None}
        return {**settings, **own}

    def device_of(self, planned: PlannedStage) -> Device | None:
        """What a stage computes on; None for a GPU that has no name."""
        if not planned.resources.gpus:
            share = planned.resources.cpus // kind_of(planned.stage.kind).processes(planned.resources, planned.settings)
            return cpu(threads_of(planned.settings) or max(1, share))
        pool = None if self.cluster is None else self.cluster.pool_of(planned.stage.kind)
        name = (pool.device if pool else None) or self.device
        if not name:
            return None
        if pool is None or pool.network_gbit is None:
            return GPUS[name]
        return replace(GPUS[name], network_bytes_per_second=pool.network_gbit * BYTES_PER_GBIT)


def load_profile(name_or_path: str) -> Profile:
    """Load `local` (built in, unless a file of that name is there) or a profile file; POLYGLOT_STORE wins.

    A name is looked for as profiles/NAME.yaml, then in the user's configuration folder. Raises BadInput.
    """
    path = _find(name_or_path)
    if path is None:
        content = ProfileFile()
    else:
        file = read_yaml(path, what="profile", keys="`store`, `resources`, `settings`, …")
        try:
            content = ProfileFile.model_validate(file.value, by_alias=True, by_name=False)
        except ValidationError as error:
            raise invalid_file(file, error, ProfileFile) from error
        if not BACKENDS[content.backend].own_machine:
            _check_shared(file, content.store)
    resources = {name: _resources(_default(name, content), content.resources.get(name)) for name in KINDS}
    return Profile(
        name=name_or_path,
        store=os.environ.get("POLYGLOT_STORE") or content.store,
        backend=content.backend,
        cpus=content.cpus,
        memory_bytes=content.memory,
        max_attempts=content.max_attempts,
        resources=resources,
        settings={
            name: {**kind.defaults_of(resources[name]), **_given(content.settings, name)}
            for name, kind in KINDS.items()
        },
        cluster=content.kubernetes,
        device=content.device,
        prices=content.prices,
        ask_above=content.ask_above,
        endpoints={name: own.model_dump(exclude_unset=True) for name, own in content.endpoints.items()},
        environments=content.environments.model_dump(),
        nights=content.nights,
        memory_named=frozenset(kind for kind, section in content.resources.items() if section.memory_bytes is not None),
    )


def _given(settings: Section, kind: str) -> dict[str, Json]:
    """What a profile sets for a kind, and for the one whose settings are its own too."""
    section: Settings = getattr(settings, kind)
    like = KINDS[kind].settings_like
    given = section.model_dump(exclude_unset=True, exclude_none=True)  # what has a default, the job knows
    return {**(_given(settings, like) if like else {}), **given}


def _check_shared(file: YamlFile, store: str) -> None:
    """Pods on several nodes and the user's own machine see one bucket, and no common directory."""
    what, expected = "a cluster's store is a bucket", "s3://bucket/prefix"
    chosen = os.environ.get("POLYGLOT_STORE")
    if chosen and not chosen.startswith("s3://"):
        raise BadInput(what, where="POLYGLOT_STORE", got=repr(chosen[:80]), expected=expected)
    if not chosen and not store.startswith("s3://"):
        raise bad_file(file, [Problem(what=what, place=("store",), got=repr(store[:80]), expected=expected)])


def _find(name: str) -> Path | None:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "polyglot" / "profiles"
    places = [Path("profiles") / f"{name}.yaml", config / f"{name}.yaml"]
    found = next((place for place in places if place.is_file()), None)
    if found is None and name != "local":
        raise BadInput("no such profile", got=repr(name), expected=f"`local`, a .yaml file, or {places[0]}")
    return found


def _default(kind: str, content: ProfileFile) -> Resources:
    """A kind's default resources, with the time that its settings ask for."""
    default, section = KINDS[kind].resources, getattr(content.settings, kind)
    return replace(default, deadline_seconds=max(default.deadline_seconds, section.least_deadline_seconds))


def _resources(default: Resources, section: ResourceSection | None) -> Resources:
    return default if section is None else replace(default, **section.model_dump(exclude_none=True))
