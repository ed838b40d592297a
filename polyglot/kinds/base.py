"""A base model in the store: the built-in tiny one, pre-trained, or one fetched at a pinned revision."""

import json
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from polyglot.core.canonical import Json, sha256_bytes
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.section import Count, Positive, Section
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.device import cpu
from polyglot.kinds.forecast import (
    PROCESS_BYTES,
    START_SECONDS,
    Ask,
    Facts,
    Forecast,
    Read,
)
from polyglot.kinds.kind import GIB, MODEL_LIBRARIES, File, Kind, Language, Params, Sha256, Traits, has_address
from polyglot.kinds.settings import threads_of
from polyglot.kinds.shape import Shape
from polyglot.kinds.training import training_memory, training_seconds

# What is read of a model's folder: weights that hold no code, tokenizer and configuration.
MODEL_FILES = ("*.safetensors", "*.json", "*.model", "*.spm", "*.txt", "*.jinja", "LICENSE*", "README.md")
PICKLED_WEIGHTS = ("pytorch_model*.bin",)  # read with `convert: pickle` alone, by a reader that runs no code of theirs


def files_of(convert: str | None) -> tuple[str, ...]:
    """The patterns of what is read of a folder: weights of one form, and what all models have."""
    return MODEL_FILES if convert is None else (*MODEL_FILES[1:], *PICKLED_WEIGHTS)


def folder_digest(sha256: Mapping[str, str]) -> str:
    """What pins a folder as a whole: `sha256sum FILES | sha256sum`, the files in the order of their names' bytes."""
    lines = [f"{digest}  {name}\n" for name, digest in sorted(sha256.items(), key=lambda item: item[0].encode())]
    return sha256_bytes("".join(lines).encode())


def _is_none(value: object) -> bool:
    return value is None


Unsaid = Field(None, exclude_if=_is_none)  # in no key where a study does not say it


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

    source: Literal["built-in", "hub", "files", "prefix"]
    # built-in
    shares: Mapping[Language, float] = Field(default_factory=dict)  # renormalised
    systems: Mapping[Language, str] = Field(default_factory=dict)  # system messages in the text's dialogues
    # hub and files
    hub: str | None = None
    revision: str | None = None
    files: tuple[File, ...] = ()
    prefix: str | None = Unsaid
    sha256: Sha256 | None = Unsaid  # of all that lies there, as `folder_digest` says
    convert: Literal["pickle"] | None = Unsaid


class BaseRecord(Record):
    """`training.json`: how the model came about; the first three fields of one that was fetched, else all but two."""

    source: str
    hub: str | None | UnsetType = UNSET
    revision: str | None | UnsetType = UNSET
    weights: str | UnsetType = UNSET  # how they were read, where they came as pickles
    tokenizer: str | UnsetType = UNSET  # how it was read, where it came as code of its repository
    steps: int | UnsetType = UNSET
    tokens: int | UnsetType = UNSET
    parameters: int | UnsetType = UNSET
    loss: tuple[float, ...] | UnsetType = UNSET  # nats a token, by step
    final_loss: float | UnsetType = UNSET


def _traits(params: Mapping[str, Json]) -> Traits:
    hub = bool(params.get("hub"))
    fetches = hub or bool(params.get("prefix")) or has_address(params)
    return Traits(loads_model=True, fetches_from_hub=hub, fetches_sources=fetches)


_FETCH_BYTES_PER_SECOND = 50e6  # assumed, of a hub


def _known(stage: Stage, read: Read) -> Facts:
    """By the configuration that was stored."""
    try:
        return Facts(source="the stored config.json", shape=Shape.of_config(read("model/config.json", dict)))
    except ValueError:
        return Facts()


def _estimate(ask: Ask) -> Forecast:
    params = BaseParams.of(ask.stage)
    return _pretrained(params, ask) if params.source == "built-in" else _fetched(params, ask)


def _pretrained(params: BaseParams, ask: Ask) -> Forecast:
    """The tiny model is trained in float32 on a CPU, with logits of every token and two numbers of state a weight."""
    shape = Shape(
        layers=params.layers,
        hidden=params.hidden_size,
        intermediate=params.intermediate_size,
        heads=params.heads,
        kv_heads=params.heads,
        head_size=params.hidden_size // params.heads,
        vocabulary=params.vocabulary,
        tied=True,
        positions=params.max_positions,
        dtype_bytes=4,
    )
    at_once, steps = params.batch_size * params.block_tokens, params.steps
    held = training_memory(shape, tokens=at_once, targets=at_once, half=False, recompute=0)
    speed = cpu(threads_of(ask.settings) or ask.resources.cpus)
    seconds = training_seconds(shape, speed, steps=steps, tokens=steps * at_once, targets=steps * at_once)
    return Forecast(
        memory={**held, "process": PROCESS_BYTES},
        parameters=shape.parameters,
        tokens=steps * at_once,
        seconds=START_SECONDS + seconds,
        disk_bytes=16 * shape.parameters,
        sources={"parameters": "the study's built-in model", "time": str(speed)},
        result=Facts(source="the study's built-in model", shape=shape),
    )


def _fetched(params: BaseParams, ask: Ask) -> Forecast:
    """Nothing of the weights is held in memory: they are looked at by their headers. Pickles are, a shard at once."""
    config, source = _config(params, ask)
    shape = None
    if config is not None:
        try:
            shape = Shape.of_config(config)
        except ValueError as error:
            source = str(error)
    if shape is None:
        return Forecast(memory={"process": PROCESS_BYTES}, lacking=(f"the model's shape: {source}",))
    size = sum(file.bytes for file in params.files) or shape.parameters * shape.dtype_bytes
    held = {"pickled weights": size} if params.convert is not None else {}
    return Forecast(
        memory={**held, "process": PROCESS_BYTES},
        parameters=shape.parameters,
        seconds=START_SECONDS + 2 * size / _FETCH_BYTES_PER_SECOND,
        disk_bytes=2 * size,
        sources={"parameters": source, "time": f"{_FETCH_BYTES_PER_SECOND / 1e6:.0f} MB/s assumed"},
        result=Facts(source=source, shape=shape),
    )


def _config(params: BaseParams, ask: Ask) -> tuple[Mapping[str, Json] | None, str]:
    """config.json of a folder, or of a repository."""
    if params.hub is not None:
        return ask.sources.published_config(params.hub, params.revision or "")
    for file in params.files:
        path = ask.sources.local(file.sha256)
        if file.name == "config.json" and path is not None:
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                return (found, "the folder's config.json") if isinstance(found, dict) else (None, "no JSON object")
            except (OSError, ValueError):
                return None, "config.json cannot be read"
    return None, "no config.json"


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
    estimate=_estimate,
    known=_known,
)
