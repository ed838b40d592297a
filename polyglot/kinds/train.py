"""A base model, fine-tuned on one mix with one seed."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from polyglot.core.canonical import Json
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.section import MAX_COUNT, Count, Positive, Section, tuple_of
from polyglot.core.stage import Resources
from polyglot.kinds.forecast import Ask, Forecast, Layout
from polyglot.kinds.kind import GIB, HOUR_SECONDS, MODEL_LIBRARIES, Kind, Offer, Params, Traits, always
from polyglot.kinds.settings import Settings
from polyglot.kinds.train_forecast import MICRO_BATCH_TOKENS, forecast
from polyglot.kinds.train_layouts import layouts

Beta = Annotated[float, Field(ge=0, lt=1)]
LossNormalization = Literal["tokens", "micro-batches"]
TrackerName = Literal["tensorboard", "wandb", "mlflow", "trackio"]
LayerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]+$", max_length=200)]


def _unsaid(value: object) -> bool:
    return value is None


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
    final_learning_rate: Annotated[float, Field(ge=0, exclude_if=operator.not_)] = 0.0
    """What a falling schedule comes down to."""
    optimizer: Annotated[Literal["adamw", "adamw-8bit"], Field(exclude_if=lambda name: name == "adamw")] = "adamw"
    """`adamw-8bit`: its moments are held in 8 bits, 2 bytes a parameter instead of 8; it wants a compiler."""
    loss_normalization: Annotated[LossNormalization, Field(exclude_if=lambda over: over == "tokens")] = "tokens"
    """A step's loss: the mean over all its supervised tokens, or the mean of the means of groups of samples."""
    loss_micro_batch: Annotated[Count | None, Field(exclude_if=operator.not_)] = None
    """Samples of such a group: of a GPU's micro-batch in the training that is to be followed."""
    router_loss: Annotated[float, Field(ge=0, exclude_if=operator.not_)] = 0.0
    """Of mixtures of experts: what the routers' balance is weighted with in the loss; none by default."""
    method: Annotated[Literal["full", "lora"], Field(exclude_if=lambda method: method == "full")] = "full"
    """`lora`: the model's weights stay as they are, and low-rank matrices beside its linear layers are trained."""
    lora_rank: Annotated[int | None, Field(ge=1, le=65536, exclude_if=_unsaid)] = None
    """Of these matrices; 16 where method lora says none."""
    lora_alpha: Annotated[Count | None, Field(exclude_if=_unsaid)] = None
    """Their product is multiplied by this over the rank; 32 where method lora says none."""
    lora_dropout: Annotated[float | None, Field(ge=0, lt=1, exclude_if=_unsaid)] = None
    """Share of their inputs that is left out at random; 0 where method lora says none."""
    lora_modules: Annotated[
        tuple[LayerName, ...] | None, Field(min_length=1, exclude_if=_unsaid), BeforeValidator(tuple_of)
    ] = None
    """Linear layers by the ends of their names, such as q_proj; by default all but the output layer."""


def adapter_of(recipe: Recipe) -> str:
    """The adapter of method lora, in words."""
    layers = ", ".join(recipe.lora_modules) if recipe.lora_modules else "all linear layers but the output layer"
    dropout = f", dropout {recipe.lora_dropout:g}" if recipe.lora_dropout else ""
    return f"LoRA of rank {recipe.lora_rank}, alpha {recipe.lora_alpha}{dropout}, on {layers}"


class TrainParams(Recipe, Params):
    """Fine-tuning, of all weights or by LoRA, with the loss on assistant turns only."""

    kind: ClassVar[str] = "train"

    gradient_clip: float = Field(1.0, ge=0)  # 0: none
    packed_tokens: int | None = None  # of a sequence at most; of packing "step" only
    checkpoint_steps: int = 0  # 0: by time alone; a checkpoint never changes the result


class TrainSettings(Settings):
    """Of training."""

    layout: Literal["auto"] | None = None
    """`auto`: the fastest that fits, by estimate, of what the profile leaves open: how many of the GPUs and pods in
    `resources` are used, micro-batch-tokens, recompute, offload. What was chosen is recorded with the result."""
    micro_batch_tokens: Count | None = None
    """Tokens that are held in memory at once, by each process."""
    processes: int | None = Field(None, ge=1, le=64)
    """Of each pod that has no GPUs (else one a GPU): they share its processors and memory. 1 where nothing is said."""
    recompute: bool | Count | None = None
    """Trade time for memory by computing activations twice: of all layers, or of so many of the first ones."""
    attention: Literal["sdpa", "eager", "flex", "flash_attention_2", "flash_attention_3"] | None = None
    """By default flash_attention_2 for packed samples in bfloat16 on a GPU whose image has it, else transformers'
    choice. The flash kernels want bfloat16, flex a GPU."""
    compile: bool | None = None
    """Compile the layers (torch.compile); it wants a compiler, and minutes before the first steps."""
    offload: bool | None = None
    """Hold weights, gradients and moments in the processor's memory, and fetch a layer when it computes."""
    prefetch: int | None = Field(None, ge=0, le=64)
    """Micro-batches that are laid out in the background while another one computes. 2 where nothing is said."""
    logits_at_once: Count | None = None
    """Targets whose logits are held at once; by default as many as make 134 million numbers."""
    checkpoint_seconds: Count | None = None
    """How much work a kill may cost, besides what is on its way to the store. By default 60."""
    hang_seconds: Count | None = None
    """After so long without any rank going on, the one that is behind is named and the attempt tried again. By default
    600: more than one pass, one layer's export or a first compilation may take."""
    trackers: Annotated[tuple[TrackerName, ...] | None, BeforeValidator(tuple_of)] = None
    """Where each step is also told; `polyglot fetch STUDY tensorboard` has TensorBoard's files."""
    spike_factor: float | None = Field(None, gt=1)
    """End where a step's loss is so many times the median of those before it. By default a warning says it, at 2."""


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
    gradient_norm: tuple[float | None, ...] | UnsetType = UNSET  # by step, before clipping; None: not kept
    parameters: int | UnsetType = UNSET  # of method lora: those of the base model
    trainable_parameters: int | UnsetType = UNSET  # and those of the adapter
    packing: Packing | UnsetType = UNSET
    validation: tuple[ValidationStep, ...] | UnsetType = UNSET  # the last one after the last step


def _estimate(ask: Ask) -> Forecast:
    return forecast(ask, TrainParams.of(ask.stage), KIND.processes(ask.resources, ask.settings))


def _layouts(ask: Ask) -> Iterable[Layout]:
    return layouts(ask, TrainParams.of(ask.stage))


def _offers(params: Mapping[str, Json]) -> Mapping[Offer, str]:
    adapter: Mapping[Offer, str] = {"adapter": "adapter/"} if params.get("method") == "lora" else {}
    return {"model": "model/", **adapter, "steps": "", "tensorboard": ""}


def clash(params: Mapping[str, Json], settings: Mapping[str, Json]) -> str:
    """Settings of speed that cannot be had together, in words; "": all can."""
    if settings.get("offload") and params.get("optimizer") == "adamw-8bit":
        return "offload: does not go with optimizer adamw-8bit, whose codes cannot be moved (torchao issue 1931)"
    if settings.get("compile") and settings.get("attention") == "flex":
        return "compile: does not go with attention flex, which compiles itself"
    return ""


def _tells(settings: Mapping[str, Json]) -> bool:
    """Whether a tracker is named that sends what it is told; all that do use pandas."""
    named = settings.get("trackers")
    return isinstance(named, Sequence) and any(name != "tensorboard" for name in named)


KIND = Kind(
    params=TrainParams,
    settings=TrainSettings,
    defaults={"threads": 1},
    inputs={"base": ("base",), "mix": ("mix",), "tokens": ("tokenize",), "validation": ("tokenize",)},
    files={
        "model/…": "what `from_pretrained` loads: weights, configurations, tokenizer, chat_template.jinja",
        "adapter/…": "of method lora: what peft loads onto the base model; model/ has it merged",
        "training.json": TrainingRecord,
    },
    offers=_offers,
    resources=Resources(memory_bytes=4 * GIB, deadline_seconds=7 * 24 * HOUR_SECONDS),
    costly=True,
    ranks="together",
    at_once={"micro_batch_tokens": MICRO_BATCH_TOKENS["cuda"]},
    tunes=True,
    libraries=(*MODEL_LIBRARIES, "peft", "torchao"),
    uses_pandas=_tells,
    tells=_tells,
    kernels=True,
    traits=always(Traits(loads_model=True)),
    estimate=_estimate,
    layouts=_layouts,
    clash=clash,
)
