"""What a stage kind is: its parameters, settings, inputs, resources and traits, said in one declaration.

Each kind has a file of this folder with a `KIND`, and a folder of the same name in jobs/ that does what it says;
`registry` lists them all. Units are in the names. A parameter is there if and only if a reader of the paper would want
to know it, as it is part of every key; everything else about a run is an execution setting.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self, cast

from pydantic import BaseModel, ConfigDict

from polyglot.core.canonical import Json
from polyglot.core.endpoint import ENDPOINTS
from polyglot.core.records import Record
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.chat import ChatForm
from polyglot.kinds.forecast import Ask, Facts, Forecast, Layout, Read
from polyglot.kinds.settings import Settings

GIB = 2**30
HOUR_SECONDS = 3600
# The libraries whose version may change what a model's job writes.
MODEL_LIBRARIES = ("torch", "transformers", "tokenizers", "accelerate", "safetensors")

Sha256 = str  # 64 lower-case hex digits
Language = str  # ISO 639-1, upper case
Asks = Literal["", "openai", "deepl"]
Environment = Literal["", "vllm"]  # that workers need in place of the usual one: its libraries do not go with ours
Offer = Literal[
    "model", "adapter", "answers", "verdicts", "comparisons", "data", "questions", "references", "steps", "tensorboard"
]
# The class of a JSON document or of a row of JSON Lines (or of several: one in each artifact), or words on another file
Files = type[Record] | tuple[type[Record], ...] | str


class Params(BaseModel):
    """Base of all parameter classes: frozen, closed, no NaN. `version` rises when the meaning of the output changes.

    What a study file says of a kind in the same words is a Section that the file's section and the parameters both
    inherit, so that no default stands twice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=False, defer_build=True)

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    def of(cls, stage: Stage) -> Self:
        """Parse the parameters of a stage document. Raises pydantic.ValidationError when they are of another kind."""
        return cls.model_validate(dict(stage.params))

    def document(self) -> dict[str, Json]:
        """The JSON form that goes into the stage document; every field is written, defaults too."""
        return self.model_dump(mode="json")


class File(BaseModel):
    """One file of a source. Local files travel as blobs under their SHA-256; other URIs are read and verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Sha256
    bytes: int
    name: str  # the file's base name: it tells the format and compression, never a machine's path
    uri: str | None = None  # https:// or s3:// of a remote file; None: the store's blob of that SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a stage needs around it; it may depend on its parameters."""

    loads_model: bool = False  # torch: the trainer's image, and the warm server that has it imported
    asks: Asks = ""  # the kind of endpoint that is called, at a price: any OpenAI-compatible one, or DeepL's
    fetches_from_hub: bool = False  # a repository of the Hugging Face hub, perhaps with its token
    fetches_sources: bool = False  # that, or a file by its address


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The declaration of one kind.

    `inputs` maps a role (what stands before its colon) to the kinds that may play it, the usual one first. `ranks` says
    what several processes of one attempt do: nothing ("alone": there is one), one computation ("together"), or parts
    that need nothing of each other ("shards"). Ranks are pods; where they work together, each pod has a process a GPU.
    `at_once` names the setting that bounds what a GPU holds at once, with what it is where a profile does not say: the
    next attempt after a GPU ran out of memory gets half. `files` says what lies at each path that it writes, "<LANG>"
    and the like being names.
    """

    params: type[Params]
    settings: type[Settings] = Settings
    settings_like: str = ""  # a kind whose settings in a profile are its own too, where it has none
    defaults: Mapping[str, Json] = field(default_factory=dict)  # of settings; see `defaults_of`
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, Files] = field(default_factory=dict)
    resources: Resources = Resources()
    networked: bool = False  # two correct executions may differ, as others are asked
    at_once: Mapping[str, int] = field(default_factory=dict)
    ranks: Literal["alone", "together", "shards"] = "alone"
    # whether one process computes on all GPUs of its pod, by its settings
    spans_gpus: Callable[[Mapping[str, Json]], bool] = lambda settings: False
    libraries: tuple[str, ...] = ()  # whose versions may change its bytes, recorded with each result
    kernels: bool = False  # and so may those of torch for this processor or GPU
    warm_imports: tuple[str, ...] = ()  # what the job imports late, and the warm server shall have
    uses_pandas: Callable[[Mapping[str, Json]], bool] = lambda settings: False  # importing it takes seconds
    # whether it tells others what it does while it does it, perhaps with a key, by its settings
    tells: Callable[[Mapping[str, Json]], bool] = lambda settings: False
    tunes: bool = False  # its result is a model that was trained
    costly: bool = False  # in hours of GPUs: it comes after the check of the whole study
    # of a kind that asks a chat model: the forms of its requests, each once; () for a stage that asks none
    forms: Callable[[Mapping[str, Json]], tuple[ChatForm, ...]] = lambda params: ()
    # what `polyglot fetch` takes out of a result, and the folder that has it ("": its attempts left it beside the
    # result); it may depend on parameters
    offers: Callable[[Mapping[str, Json]], Mapping[Offer, str]] = lambda params: {}
    nightly: bool = False  # a new evaluation of the same models begins with it; its Params have `night`
    traits: Callable[[Mapping[str, Json]], Traits] = lambda params: Traits()
    # what computes it, where settings choose: all such results of one study shall be computed by the same
    computed_by: Callable[[Mapping[str, Json]], str] = lambda settings: ""
    # what its workers need by their settings: an image on a cluster, a Python on one's own machine
    environment: Callable[[Mapping[str, Json]], Environment] = lambda settings: ""
    # what a stage will need, and what its result will be like; None: what its default resources say
    estimate: Callable[[Ask], Forecast] | None = None
    # why settings do not go with each other or with the parameters, in words; "": they do
    clash: Callable[[Mapping[str, Json], Mapping[str, Json]], str] = lambda params, settings: ""
    # the layouts among which `layout: auto` of its settings chooses; of a kind without that setting none
    layouts: Callable[[Ask], Iterable[Layout]] = lambda ask: ()
    # what a committed result is like, from its stage and its own records; None: as was forecast
    known: Callable[[Stage, Read], Facts] | None = None
    # stages of earlier versions that asked the same, from a stage and its settings: their journals are read too
    earlier: Callable[[Stage, Mapping[str, Json]], Iterable[Stage]] = lambda stage, settings: ()

    @property
    def name(self) -> str:
        """As stages, stores and profiles write it."""
        return self.params.kind

    def defaults_of(self, resources: Resources) -> Mapping[str, Json]:
        """Settings where a profile says nothing. With GPUs no `threads`: a process has its share of the CPUs.

        On processors a result's bits depend on the threads, and so they are the same wherever nothing is said.
        """
        return {name: value for name, value in self.defaults.items() if name != "threads" or not resources.gpus}

    def processes(self, resources: Resources, settings: Mapping[str, Json]) -> int:
        """How many processes of a pod work together: one a GPU; without GPUs as many as the settings say."""
        if self.ranks != "together":
            return 1
        said = settings.get("processes")
        return resources.gpus or (said if isinstance(said, int) and said else 1)

    def world_size(self, resources: Resources, settings: Mapping[str, Json]) -> int:
        """How many processes an attempt has, over all pods."""
        return resources.ranks * self.processes(resources, settings)

    def held_at_once(self, settings: Mapping[str, Json]) -> tuple[str, int]:
        """The setting that bounds what a GPU holds at once, and what it is; ("", 0) without one."""
        for name, default in self.at_once.items():
            value = settings.get(name)
            return name, value if isinstance(value, int) and value else default
        return "", 0


def always(traits: Traits) -> Callable[[Mapping[str, Json]], Traits]:
    """Traits that do not depend on parameters."""
    return lambda params: traits


def endpoint_traits(params: Mapping[str, Json]) -> Traits:
    """Traits of a kind with the parameter `endpoint`: "built-in", which nobody is asked for, or one of ENDPOINTS."""
    endpoint = params.get("endpoint")
    return Traits(asks=cast(Asks, endpoint) if endpoint in ENDPOINTS else "")


def has_address(value: Json) -> bool:
    """Whether a File among parameters is to be fetched from its address."""
    if isinstance(value, Mapping):
        return bool(value.get("uri")) or any(has_address(item) for item in value.values())
    return isinstance(value, Sequence) and not isinstance(value, str) and any(has_address(item) for item in value)
