"""A base model, fine-tuned on one mix with one seed."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.section import MAX_COUNT, Count, Positive, Section, tuple_of
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, MODEL_LIBRARIES, Kind, Params, Traits, always
from polyglot.kinds.settings import Settings

Beta = Annotated[float, Field(ge=0, lt=1)]


class Recipe(Section):
    """How a model is fine-tuned. Exactly one of steps and epochs; defaults are the paper's where it states them."""

    steps: Count | None = None
    """Optimiser steps, the same for every mix."""
    epochs: float | None = Field(None, gt=0, le=1000)
    """Passes over the mix: larger mixes are trained longer."""
    batch_size: Count = 64
    """Samples per step, over all ranks."""
    learning_rate: Positive = 1e-5
    weight_decay: float = Field(0.1, ge=0)
    betas: Annotated[tuple[Beta, Beta], BeforeValidator(tuple_of)] = (0.9, 0.95)
    """Of AdamW."""
    schedule: Literal["cosine", "linear", "constant", "trapezoid"] = "cosine"
    warmup_steps: int = Field(0, ge=0, le=MAX_COUNT)
    gradient_clip: Positive = 1.0
    """Largest norm of the gradient."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    packing: Literal["none", "step"] = "none"
    """`step`: the samples of a step share sequences of max-tokens, each attending to itself alone."""
    validate_every: Count | None = None
    """Steps between losses on the data sets' rows for validation; they are always taken at the end."""


class TrainParams(Recipe, Params):
    """Full fine-tuning with the loss on assistant turns only."""

    kind: ClassVar[str] = "train"

    gradient_clip: float = Field(1.0, ge=0)  # 0: none
    packed_tokens: int | None = None  # of a sequence at most; of packing "step" only
    checkpoint_steps: int = 0  # 0: by time alone; a checkpoint never changes the result


MICRO_BATCH_TOKENS = {"cpu": 4096, "cuda": 16384}  # by device, where a profile does not say


class TrainSettings(Settings):
    """Of training."""

    micro_batch_tokens: Count | None = None
    """Tokens that are held in memory at once."""
    recompute: bool | None = None
    """Trade time for memory by computing activations twice."""
    attention: Literal["sdpa", "eager", "flash_attention_2", "flash_attention_3"] | None = None
    """Of transformers; by default its own choice. The flash kernels must be in the image, and want bfloat16."""


class Packing(Record):
    """How full the sequences were; `padded_efficiency` with each step's longest in place of `sequence_tokens`."""

    sequence_tokens: int
    sequences: int
    tokens: int
    efficiency: float
    padded_efficiency: float


class ValidationLoss(Record):
    """One language at one step: nats a supervised token, None where there are none."""

    loss: float | None
    tokens: int
    rows: int


class ValidationStep(Record):
    """The losses after so many steps."""

    step: int
    languages: dict[str, ValidationLoss]


class TrainingRecord(Record):
    """`training.json`. What a run did without (packing, validation) is not in it."""

    steps: int
    samples: int
    samples_per_language: dict[str, int]
    loss_tokens_per_language: dict[str, int]
    epochs: float
    loss: tuple[float, ...]  # nats, by step
    learning_rate: tuple[float, ...]  # by step
    final_loss: float
    packing: Packing | UnsetType = UNSET
    validation: tuple[ValidationStep, ...] | UnsetType = UNSET  # the last one after the last step


KIND = Kind(
    params=TrainParams,
    settings=TrainSettings,
    defaults={"threads": 1},
    inputs={"base": ("base",), "mix": ("mix",), "tokens": ("tokenize",), "validation": ("tokenize",)},
    files={
        "model/…": "what `from_pretrained` loads: weights, configurations, tokenizer, chat_template.jinja",
        "training.json": TrainingRecord,
    },
    resources=Resources(memory_bytes=4 * GIB, deadline_seconds=7 * 24 * HOUR_SECONDS),
    costly=True,
    ranks="together",
    at_once={"micro_batch_tokens": MICRO_BATCH_TOKENS["cuda"]},
    tunes=True,
    libraries=MODEL_LIBRARIES,
    kernels=True,
    traits=always(Traits(loads_model=True)),
)
