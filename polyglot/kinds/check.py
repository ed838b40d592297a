"""The check of a study, before any stage that is costly: every defect that its small stages show, all of them at once.

It reads what is made without a GPU (base models, token sets, mixes, questions, references, judge prompts). With a
defect it fails for good and says each in a line; without one it leaves a record of what it looked at. Costly stages
come after it (`PlannedStage.after`) and read nothing of it, so that it is in no other key.
"""

import operator
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from polyglot.core.records import Record
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params, Sha256, Traits, always
from polyglot.kinds.templates import PAPER, TemplateDate, TemplateName

# Questions that a model has no positions for: a defect, or answers that fail. No field of keys made before it.
OverLong = Annotated[Literal["refuse", "fail"], Field(exclude_if=lambda over_long: over_long == "refuse")]


class TrainingLength(BaseModel):
    """What the steps of a training follow from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float | None
    batch_size: int
    warmup_steps: int


class CheckedModel(BaseModel):
    """What a study says of a base model that its files do not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    section: Literal["models", "baselines"] = "models"  # of the study file
    template: TemplateName = PAPER
    template_date: TemplateDate = None
    # where it is not the study's
    training: Annotated[TrainingLength | None, Field(exclude_if=lambda length: length is None)] = None
    lora_modules: Annotated[tuple[str, ...] | None, Field(exclude_if=lambda names: names is None)] = None
    router_loss: Annotated[bool, Field(exclude_if=operator.not_)] = False  # it is trained with its routers' balance


class CheckParams(Params):
    """Look at everything that a study's trainings, answers and verdicts will read."""

    kind: ClassVar[str] = "check"

    languages: tuple[Language, ...]  # that are asked in
    systems: Mapping[Language, str]
    models: Mapping[str, CheckedModel]  # by the study's names
    max_new_tokens: int  # a turn
    epochs: float | None
    batch_size: int
    warmup_steps: int
    prompts_sha256: Mapping[Language, Sha256]
    reference_categories: tuple[str, ...] | Literal["all"]
    over_long: OverLong = "refuse"
    wrong_references: tuple[str, ...] = ()  # ids of questions, as the study says
    native: bool  # references are still to be written, in every language

    def length_of(self, model: str) -> TrainingLength:
        """How long a model is trained."""
        own = self.models[model].training if model in self.models else None
        return own or TrainingLength(epochs=self.epochs, batch_size=self.batch_size, warmup_steps=self.warmup_steps)

    def needs_reference(self, category: str) -> bool:
        """Whether questions of a category are judged against a reference answer."""
        return self.reference_categories == "all" or category in self.reference_categories


class PromptLengths(Record):
    """The longest prompts of a model in one language, in tokens. The second turn's holds an answer to the first."""

    first: int
    second: int  # behind a short answer to the first
    second_at_most: int  # behind an answer of max-new-tokens
    unknown_share: float  # tokens of the prompts that stand for a character that the tokenizer does not know


class ModelCheck(Record):
    """One base model."""

    positions: int | None  # None: they have no end
    embedded: int  # rows of the embedding
    longest_sample: dict[str, int]  # by "<data set>/<language>", those for validation too
    prompts: dict[Language, PromptLengths]


class JudgingCheck(Record):
    """One language of the benchmark."""

    questions: int
    judged_with: dict[str, int]  # turns by the judge prompt that they get
    without_reference: int  # turns of a category with references that have none


class CheckRecord(Record):
    """`check.json`."""

    models: dict[str, ModelCheck]
    judging: dict[Language, JudgingCheck]
    mixes: dict[str, int]  # steps of training by mix; {} where the study says the steps
    remarks: tuple[str, ...]  # what a person should know, and that is no defect


KIND = Kind(
    params=CheckParams,
    inputs={
        "base": ("base",),
        "data": ("ingest",),
        "questions": ("ingest",),
        "references": ("ingest",),
        "tokens": ("tokenize",),
        "validation": ("tokenize",),
        "mix": ("mix",),
    },
    files={"check.json": CheckRecord},
    resources=Resources(memory_bytes=3 * GIB, deadline_seconds=6 * HOUR_SECONDS),
    libraries=("transformers", "tokenizers"),
    traits=always(Traits(loads_model=True)),
)
