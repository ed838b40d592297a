"""A base model, fine-tuned on one mix with one seed."""

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from polyglot.core.canonical import Json
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.section import MAX_COUNT, Count, Positive, Section, tuple_of
from polyglot.core.stage import Resources
from polyglot.kinds.forecast import (
    GPU_CONTEXT_BYTES,
    GPU_PROCESS_BYTES,
    PROCESS_BYTES,
    START_SECONDS,
    Ask,
    Facts,
    Forecast,
    Texts,
)
from polyglot.kinds.kind import GIB, HOUR_SECONDS, MODEL_LIBRARIES, Kind, Offer, Params, Traits, always
from polyglot.kinds.settings import Settings
from polyglot.kinds.training import GAPS, adapter_parameters, targets_at_once, training_memory, training_seconds

Beta = Annotated[float, Field(ge=0, lt=1)]
LossNormalization = Literal["tokens", "micro-batches"]
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


MICRO_BATCH_TOKENS = {"cpu": 4096, "cuda": 16384}  # by device, where a profile does not say


class TrainSettings(Settings):
    """Of training."""

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


_PADDED = 1.2  # places a token
_VARIED = 1.3  # how much longer than the mean the longest of some steps is, times the root of a step's samples
_FILLED = 0.9  # of the places of a micro-batch are no padding
EXPORT_FILE_BYTES = 2 * 10**9  # of a file of the result's weights, unless one layer is larger
_MORE_RANKS = (2, 4, 8, 16, 32, 64)
_WRITTEN_BYTES_PER_SECOND = 200e6  # to a store, assumed


def _estimate(ask: Ask) -> Forecast:
    params, base = TrainParams.of(ask.stage), ask.inputs["base"]
    if base.shape is None:
        return Forecast(lacking=("the base model's shape",))
    shape, gpu = base.shape, ask.resources.gpus > 0
    adapter = None
    if params.method == "lora":
        adapter = adapter_parameters(shape, params.lora_rank or 0, params.lora_modules)
    trained = shape.parameters if adapter is None else adapter
    half, again = gpu and params.precision == "bfloat16", bool(ask.settings.get("recompute"))
    mixed = tuple(ask.inputs["mix"].texts.values())
    longest = max((texts.longest or 0 for _, facts in ask.of("tokens") for texts in facts.texts.values()), default=0)
    at_once = _at_once(ask, params, mixed, longest)
    share = _learnt(mixed)
    ranks = KIND.world_size(ask.resources, ask.settings)
    process = GPU_CONTEXT_BYTES if gpu else PROCESS_BYTES
    logits = ask.settings.get("logits_at_once")
    most = logits if isinstance(logits, int) and logits else targets_at_once(shape.vocabulary)

    def memory(*, recompute: bool, ranks: int) -> dict[str, int]:
        return training_memory(
            shape,
            tokens=at_once,
            targets=min(at_once * share * _FILLED, most),
            half=half,
            recompute=recompute,
            gaps=GAPS if gpu else 0.0,
            ranks=ranks,
            adapter=adapter,
        )

    written = shape.parameters * (4 if params.precision == "float32" else shape.dtype_bytes)
    size = 12 * trained  # a checkpoint
    inside = KIND.processes(ask.resources, ask.settings)
    shared = 1 if gpu else inside  # so many hold all of this in the same memory
    common = Forecast(
        memory={
            name: shared * size for name, size in {**memory(recompute=again, ranks=ranks), "process": process}.items()
        },
        # weights or moments of a checkpoint, on their way to a file; at the end a file of the result and a layer
        host_bytes=inside * GPU_PROCESS_BYTES
        + max(inside * 4 * trained // ranks, min(written, EXPORT_FILE_BYTES) + written // shape.layers)
        if gpu
        else None,
        parameters=shape.parameters,
        disk_bytes=size // ask.resources.ranks + written + 4 * (adapter or 0) + shape.parameters * shape.dtype_bytes,
        sources={"parameters": base.source},
        smaller=tuple(
            (said, shared * (sum(memory(recompute=True, ranks=number).values()) + process))
            for said, number in [
                *([] if again else [("`recompute: true` in the profile's settings of train", ranks)]),
                *(
                    (f"`recompute: true` and {number} processes (ranks x gpus)", number)
                    for number in _MORE_RANKS
                    if gpu and number > ranks and number <= params.batch_size
                ),
            ]
        ),
        result=Facts(
            source=base.source,
            shape=shape if written == shape.parameters * shape.dtype_bytes else replace(shape, dtype_bytes=4),
            answer_tokens=_answer_tokens(mixed),
        ),
    )
    rows = sum(texts.rows for texts in mixed)
    if not rows:
        return replace(common, lacking=("the mix's rows and tokens",))
    samples = params.steps * params.batch_size if params.steps else (params.epochs or 0) * rows
    tokens = samples * sum(texts.tokens or 0 for texts in mixed) / rows
    sources = {**common.sources, "tokens": ask.inputs["mix"].source}
    if ask.device is None:
        lacking = ("the GPU's name: write `device:` into the profile or its pool",)
        return replace(common, tokens=tokens, sources=sources, lacking=lacking)
    steps = params.steps or samples / params.batch_size
    seconds = training_seconds(
        shape,
        ask.device,
        steps=steps,
        tokens=tokens,
        targets=tokens * share,
        length=tokens / samples,
        again=again,
        adapter=adapter,
    )
    loading = 2 * written / _WRITTEN_BYTES_PER_SECOND
    sources["time"] = str(ask.device)
    return replace(common, tokens=tokens, seconds=START_SECONDS + loading + seconds / ranks, sources=sources)


def _at_once(ask: Ask, params: TrainParams, mixed: Sequence[Texts], longest: int) -> float:
    """Places in the largest forward pass: the setting, or all of a step where that is less; a sequence at least."""
    limit = ask.settings.get("micro_batch_tokens")
    most = limit if isinstance(limit, int) and limit else MICRO_BATCH_TOKENS["cuda" if ask.resources.gpus else "cpu"]
    rows = sum(texts.rows for texts in mixed)
    mean = sum(texts.tokens or 0 for texts in mixed) / rows if rows else most
    ranks = KIND.world_size(ask.resources, ask.settings)
    samples = max(1, params.batch_size // ranks)
    step = samples * mean * _PADDED * (1 + _VARIED / math.sqrt(samples))
    if step > most and not ask.resources.gpus and not params.packed_tokens:
        most -= longest // 2  # what does not fit begins another pass; on a GPU nothing is spared
    return max(min(float(most), step), float(params.packed_tokens or longest))


def _learnt(mixed: Sequence[Texts]) -> float:
    """The share of tokens that are supervised; 0.7 where nobody knows."""
    tokens = sum(texts.tokens or 0 for texts in mixed)
    return sum(texts.loss_tokens or 0 for texts in mixed) / tokens if tokens else 0.7


def _answer_tokens(mixed: Sequence[Texts]) -> float | None:
    """The mean length of what is learnt: how long the tuned model's answers will be."""
    answers = sum(texts.answers or texts.rows for texts in mixed)
    return sum(texts.loss_tokens or 0 for texts in mixed) / answers if answers else None


def _offers(params: Mapping[str, Json]) -> Mapping[Offer, str]:
    return {"model": "model/", "adapter": "adapter/"} if params.get("method") == "lora" else {"model": "model/"}


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
    libraries=(*MODEL_LIBRARIES, "peft"),
    kernels=True,
    traits=always(Traits(loads_model=True)),
    estimate=_estimate,
)
