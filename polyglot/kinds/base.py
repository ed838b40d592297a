"""A base model in the store: the built-in tiny one, pre-trained, or one fetched at a pinned revision."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.section import Count, Positive, Section
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, MODEL_LIBRARIES, File, Kind, Language, Params, Traits, has_address


class TinyModel(Section):
    """The tiny Llama that is pre-trained on built-in text."""

    hidden_size: int = Field(128, ge=16, le=4096)
    intermediate_size: int = Field(256, ge=16, le=16384)
    layers: int = Field(3, ge=1, le=64)
    heads: int = Field(4, ge=1, le=64)
    vocabulary: int = Field(1280, ge=300, le=65536)
    max_positions: int = Field(512, ge=64, le=65536)
    steps: Count = 450
    batch_size: Count = 24
    block_tokens: int = Field(64, ge=16, le=65536)
    learning_rate: Positive = 4e-3
    warmup_steps: int = Field(20, ge=0)
    weight_decay: float = Field(0.1, ge=0)
    muon_steps: int = Field(3, ge=1, le=20)
    """Newton-Schulz iterations."""


class BaseParams(TinyModel, Params):
    """Bring a base model into the store: pre-train the built-in tiny one, or fetch one at a pinned revision."""

    kind: ClassVar[str] = "base"

    source: Literal["built-in", "hub", "files"]
    # built-in
    shares: Mapping[Language, float] = Field(default_factory=dict)  # renormalised
    systems: Mapping[Language, str] = Field(default_factory=dict)  # system messages in the text's dialogues
    # hub and files
    hub: str | None = None
    revision: str | None = None
    files: tuple[File, ...] = ()


class BaseRecord(Record):
    """`training.json`: how the model came about; the first three fields of one that was fetched, else all but two."""

    source: str
    hub: str | None | UnsetType = UNSET
    revision: str | None | UnsetType = UNSET
    tokenizer: str | UnsetType = UNSET  # how it was read, where it came as code of its repository
    steps: int | UnsetType = UNSET
    tokens: int | UnsetType = UNSET
    parameters: int | UnsetType = UNSET
    loss: tuple[float, ...] | UnsetType = UNSET  # nats a token, by step
    final_loss: float | UnsetType = UNSET


def _traits(params: Mapping[str, Json]) -> Traits:
    hub = bool(params.get("hub"))
    return Traits(loads_model=True, fetches_from_hub=hub, fetches_sources=hub or has_address(params))


KIND = Kind(
    params=BaseParams,
    defaults={"threads": 1},
    files={
        "model/…": "what `from_pretrained` loads: weights, configurations, tokenizer, chat_template.jinja",
        "training.json": BaseRecord,
    },
    offers=lambda params: {"model": "model/"},
    resources=Resources(memory_bytes=4 * GIB),
    libraries=MODEL_LIBRARIES,
    kernels=True,
    traits=_traits,
)
