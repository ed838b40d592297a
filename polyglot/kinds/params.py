"""The typed parameters of every stage kind: the contract between the plan (writes them) and the jobs (read them).

Each class names its `kind` and its `version`. The version rises when the meaning of the job's output changes; it is
part of every key. Units are in the names. A field is here if and only if a reader of the paper would want to know it;
everything else about a run is an execution setting (see `settings.py`).
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from polyglot.core.stage import Stage

Sha256 = str  # 64 lower-case hex digits
Language = str  # ISO 639-1, upper case


class Params(BaseModel):
    """Base of all parameter classes: frozen, closed, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    def of(cls, stage: Stage) -> "Any":
        """Parse the parameters of a stage document. Raises pydantic.ValidationError when they are of another kind."""
        return cls.model_validate(dict(stage.params))

    def document(self) -> dict[str, Any]:
        """The JSON form that goes into the stage document; every field is written, defaults too."""
        return self.model_dump(mode="json")


class File(BaseModel):
    """One file of a source. Local files travel as blobs under their SHA-256; other URIs are read and verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Sha256
    bytes: int
    name: str  # the file's base name: it tells the format and compression, never a machine's path
    uri: str | None = None  # https:// or s3:// of a remote file; None: the store's blob of that SHA-256


class IngestParams(Params):
    """Read one data set, one benchmark's questions or references into the normal form, or describe judge prompts."""

    kind: ClassVar[str] = "ingest"
    # 2: near duplicates, personal data, words and noise on the card; no exchanged files
    # 3: comments left untranslated, French colons, instructions with several answers
    version: ClassVar[int] = 3

    what: Literal["dataset", "questions", "references", "prompts", "published"]  # published: a mix
    languages: tuple[Language, ...]  # in the order the study names them
    source: Literal["built-in", "files", "hub", "stages"]  # "stages": each language as another stage wrote it
    format: Literal["bactrian-x", "lima-x", "alpaca", "dolly", "messages", "sharegpt", "mt-bench", "normal"]
    builtin: str | None = None  # "instructions", "verifiable", "verifiable-dev"
    files: Mapping[Language, tuple[File, ...]] = Field(default_factory=dict)  # of a published mix: by "*"
    hub: str | None = None  # owner/name
    revision: str | None = None  # 40 hex digits
    config: str | None = None  # "{language}" (lower case) and "{LANGUAGE}" are filled in
    split: str = "train"
    data_files: str | None = None  # a pattern inside the hub repository, with the same placeholders
    licence: str = ""
    # the part for validation of a data set: a number of ids drawn from the rows, or files or a hub's split of its own
    validation_ids: int = 0
    validation_files: Mapping[Language, tuple[File, ...]] = Field(default_factory=dict)
    validation_split: str | None = None
    validation_data_files: str | None = None

    @property
    def own_validation(self) -> bool:
        """Whether the part for validation is read from a place of its own."""
        return bool(self.validation_files or self.validation_split or self.validation_data_files)


class ContaminationParams(Params):
    """Texts of the benchmark in the rows of a data set; the rules and their numbers are the job's own."""

    kind: ClassVar[str] = "contamination"

    languages: tuple[Language, ...]  # of the data set


class TranslateParams(Params):
    """One language's rows, questions or references in another language. What an engine cannot use is at its default."""

    kind: ClassVar[str] = "translate"

    what: Literal["dataset", "questions", "references"]
    source: Language
    target: Language
    engine: Literal["identity", "apertium", "deepl", "openai", "marian", "nllb"]
    model: str = ""  # openai: as the endpoint knows it; marian, nllb: owner/name on the hub
    revision: str | None = None  # of the hub's repository, 40 hex digits
    files: tuple[File, ...] = ()  # marian, nllb: instead of a hub's repository
    beams: int = 1  # marian, nllb; 1 is greedy
    formality: Literal["default", "more", "less", "prefer_more", "prefer_less"] = "default"  # deepl
    glossary: Mapping[str, str] = Field(default_factory=dict)  # deepl: term -> its translation
    prompt: int = 0  # openai: version of our own wording; 0: none
    temperature: float = 0.0  # openai
    max_tokens: int = 0  # openai: of a reply
    seed: int | None = None  # openai: sent to the endpoint when not None


QUALITY_METRICS = ("chrf", "bleu", "back_chrf", "adequacy", "comet", "length_ratio", "kept_share", "untranslated_share")


class QualityParams(Params):
    """Translations beside their sources, and beside references where there are any. docs/translation-quality.md."""

    kind: ClassVar[str] = "quality"

    what: Literal["dataset", "questions", "references"]
    source: Language
    target: Language
    reference_is: Literal["human", "machine"] | None = None  # None: there is no reference
    adequacy_model: str = ""  # as the endpoint knows it; "": not asked
    adequacy_prompt: int = 0  # version of our own wording
    adequacy_max_tokens: int = 0
    adequacy_seed: int | None = None
    adequacy_max_failed_share: float = 0.0
    comet_model: str = ""  # owner/name on the hub; "": not asked
    comet_revision: str = ""


class AgreeParams(Params):
    """Human ratings of translations: how far raters agree with each other, and metrics with them."""

    kind: ClassVar[str] = "agree"

    checks: tuple[str, ...]  # names of the quality stages among the inputs
    ratings: tuple[File, ...]  # unblinded, as `polyglot sheet import` writes them


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


class TokenizeParams(Params):
    """Token ids and loss mask of one language's rows, under one tokenizer and chat template."""

    kind: ClassVar[str] = "tokenize"
    version: ClassVar[int] = 3  # 2: characters, words and number of the answers are columns; 3: loss tokens, too

    language: Language
    part: Literal["rows", "validation"] = "rows"  # of the data set
    template: str = "system-user-assistant"  # of the paper; or "tokenizer": the model's own chat template
    system: str  # the localised system message; "" for none
    max_tokens: int
    over_long: Literal["drop", "truncate"]


class MixParams(Params):
    """An index list over token sets."""

    kind: ClassVar[str] = "mix"
    version: ClassVar[int] = 3  # 3: from token sets and hits alone; what is contaminated can be left out

    mix: str  # canonical name without the size: "DEFRITES-sampled", "EN:0.5,DE:0.25,FR:0.25"
    languages: tuple[Language, ...]
    weights: tuple[float, ...]  # of the sampled form; equal shares unless the name has weights
    sampled: bool
    size: int | None  # number of ids; None = all
    draw: int = 0  # which seeded order of ids
    temperature: float | None = None  # of the sampled form: shares by rows^(1/temperature) in place of the weights
    decontaminate: Literal["none", "exact", "overlap", "near", "all"] = "none"  # ids that leave, in all languages
    published: bool = False  # the index is that of a published file


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


class AnswerParams(Params):
    """Two-turn answers of one model to one benchmark."""

    kind: ClassVar[str] = "answer"

    languages: tuple[Language, ...]
    template: str = "system-user-assistant"
    systems: Mapping[Language, str]
    temperatures: Mapping[str, float]  # by category; categories not named use `default_temperature`
    default_temperature: float = 0.0
    max_new_tokens: int = 1024  # a turn
    top_k: int = 0  # 0 = off; transformers would use 50 unless told
    top_p: float = 1.0
    samples: int = 1
    night: str = ""  # of a nightly evaluation: the same model's answers, made anew
    backend: Literal["transformers"] = "transformers"
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    stops: tuple[str, ...] = ("\nUser:", "\nSystem:")  # besides EOS


class ReferenceParams(Params):
    """Reference answers to a benchmark's questions, written by a chat model in each question's own language."""

    kind: ClassVar[str] = "reference"

    endpoint: Literal["built-in", "openai"]
    model: str
    languages: tuple[Language, ...]
    categories: tuple[str, ...] | Literal["all"]  # whose questions need references
    prompt: int  # version of our own wording
    temperature: float = 0.0
    max_tokens: int = 2048  # of an answer to one turn
    seed: int | None = None  # sent to the endpoint when not None
    max_failed_share: float = 0.02  # of the questions; above it the stage fails instead of committing

    def needs_reference(self, category: str) -> bool:
        """Whether questions of a category get reference answers."""
        return self.categories == "all" or category in self.categories

    @property
    def shown_categories(self) -> str:
        """The categories, for people."""
        return self.categories if isinstance(self.categories, str) else ", ".join(self.categories)


class JudgeParams(Params):
    """Single grading of every (question, turn) with the benchmark's own prompts."""

    kind: ClassVar[str] = "judge"
    version: ClassVar[int] = 2

    endpoint: Literal["built-in", "openai"]
    model: str
    languages: tuple[Language, ...]
    temperature: float = 0.0
    max_tokens: int = 2048
    seed: int | None = None  # sent to the endpoint when not None
    prompts_sha256: Mapping[Language, Sha256]  # of each language's judge_prompts.jsonl, a blob of the store
    reference_categories: tuple[str, ...] | Literal["all"] = ("math", "reasoning", "coding")
    max_failed_share: float = 0.02  # above it the stage fails instead of committing

    def needs_reference(self, category: str) -> bool:
        """Whether questions of a category are judged against a reference answer."""
        return self.reference_categories == "all" or category in self.reference_categories


class Cell(BaseModel):
    """One trained (or untuned) model of a study, as the aggregate and the report name it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: str  # the role suffix: inputs are "verdicts:<cell>" and "answers:<cell>"
    model: str
    dataset: str | None  # None for the untuned base
    mix: str | None
    languages: tuple[Language, ...] = ()  # of the mix
    sampled: bool = False
    size: int | None = None
    seed: int | None = None
    draw: int = 0
    references: Literal["", "native"] = ""  # "native": a twin, whose same answers are judged against native references


NATIVE = "+native"  # what the names of twin cells and of their arms end with


def mix_name(cell: str, seed: int | None) -> str:
    """What the report's inputs call the mix of a cell: the cell's name without its seed. A draw stays: it is a mix."""
    head, _, draw = cell.removesuffix(NATIVE).rpartition(f"/s{seed}")
    return head + draw


class Contrast(BaseModel):
    """mean over `on` of the treatment mixes' scores minus that of the control mixes'."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    family: str  # "parallel - mono", "parallel - sampled", "sampled - mono", "left out", "size", "references", "custom"
    model: str
    dataset: str
    treatment: tuple[str, ...]  # arms: canonical mix names with @size; several are averaged
    control: tuple[str, ...]
    on: tuple[Language, ...]


class AggregateParams(Params):
    """Score tables and contrasts over the cells of a study."""

    kind: ClassVar[str] = "aggregate"
    version: ClassVar[int] = 3  # 3: arms that are judged against native references

    languages: tuple[Language, ...]
    cells: tuple[Cell, ...]
    contrasts: tuple[Contrast, ...] = ()
    resamples: int = 10_000
    level: float = 0.95
    min_seeds: int = 3  # behind any claim about a mix


class ReportParams(Params):
    """The static report of a study."""

    kind: ClassVar[str] = "report"
    version: ClassVar[int] = 3  # 3: near duplicates, personal data and native references among the data

    study: str
    question: str = ""
    checks: tuple[str, ...] = ()  # names of quality stages among the inputs, in the study's order
    metric: Literal["score", "exact"] = "score"  # shown first; "exact": 10 points say that an answer is right
    notes: tuple[str, ...] = ()  # shown on top: built-in judge, mixed executions, …
    facts: Mapping[str, str] = Field(default_factory=dict)  # name -> value rows of the "how it was made" table


KINDS: Mapping[str, type[Params]] = {
    cls.kind: cls
    for cls in (
        IngestParams,
        ContaminationParams,
        TranslateParams,
        QualityParams,
        AgreeParams,
        BaseParams,
        TokenizeParams,
        MixParams,
        TrainParams,
        AnswerParams,
        ReferenceParams,
        JudgeParams,
        AggregateParams,
        ReportParams,
    )
}
