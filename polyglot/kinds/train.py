"""A base model, fine-tuned on one mix with one seed."""

from typing import ClassVar, Literal

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.section import Count
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, MODEL_LIBRARIES, Kind, Params, Traits, always
from polyglot.kinds.settings import Settings


class TrainParams(Params):
    """Full fine-tuning with the loss on assistant turns only. Defaults are the paper's where it states them."""

    kind: ClassVar[str] = "train"

    steps: int | None = None  # exactly one of steps and epochs
    epochs: float | None = None
    batch_size: int = 64  # samples per optimiser step, over all ranks
    learning_rate: float = 1e-5
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    schedule: Literal["cosine", "linear", "constant", "trapezoid"] = "cosine"
    warmup_steps: int = 0
    gradient_clip: float = 1.0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    packing: Literal["none", "step"] = "none"  # step: the samples of a step share sequences, and attend to themselves
    packed_tokens: int | None = None  # of such a sequence at most; of packing "step" only
    validate_every: int | None = None  # steps; None: at the end alone
    checkpoint_steps: int = 0  # 0: by time alone; a checkpoint never changes the result


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
    validation: tuple[ValidationStep, ...] | UnsetType = UNSET


KIND = Kind(
    params=TrainParams,
    settings=TrainSettings,
    defaults={"threads": 1},
    inputs={"base": ("base",), "mix": ("mix",), "tokens": ("tokenize",), "validation": ("tokenize",)},
    resources=Resources(memory_bytes=4 * GIB, deadline_seconds=7 * 24 * HOUR_SECONDS),
    ranks="together",
    tunes=True,
    libraries=MODEL_LIBRARIES,
    kernels=True,
    traits=always(Traits(loads_model=True)),
)
