"""A base model in the store: the built-in tiny one, pre-trained, or one fetched at a pinned revision."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, MODEL_LIBRARIES, File, Kind, Language, Params, Traits, has_address


class BaseParams(Params):
    """Bring a base model into the store: pre-train the built-in tiny one, or fetch one at a pinned revision."""

    kind: ClassVar[str] = "base"

    source: Literal["built-in", "hub", "files"]
    # built-in
    shares: Mapping[Language, float] = Field(default_factory=dict)  # renormalised
    hidden_size: int = 128
    intermediate_size: int = 256
    layers: int = 3
    heads: int = 4
    vocabulary: int = 1280
    max_positions: int = 512
    steps: int = 450
    batch_size: int = 24
    block_tokens: int = 64
    learning_rate: float = 4e-3
    warmup_steps: int = 20
    weight_decay: float = 0.1
    muon_steps: int = 3  # Newton-Schulz iterations
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
    resources=Resources(memory_bytes=4 * GIB),
    libraries=MODEL_LIBRARIES,
    kernels=True,
    traits=_traits,
)
