"""Two-turn answers of one model to one benchmark."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.section import Count, Section
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, MODEL_LIBRARIES, Kind, Language, Params, Traits, always
from polyglot.kinds.settings import Settings
from polyglot.kinds.templates import PAPER, TEMPLATES, TemplateDate, TemplateName

# MT-Bench's temperatures by category; categories not named (math, coding, reasoning, extraction, any other) use 0.
MT_BENCH_TEMPERATURES = {"writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1}


class Answers(Section):
    """How models answer; the defaults are MT-Bench's."""

    max_new_tokens: int = Field(1024, ge=1, le=2**20)
    """A turn."""
    temperatures: Mapping[str, Annotated[float, Field(ge=0, le=2)]] = Field(
        default_factory=lambda: dict(MT_BENCH_TEMPERATURES)
    )
    """By category; `{}` answers greedily throughout."""
    default_temperature: float = Field(0.0, ge=0, le=2)
    """Of every other category."""
    top_k: int = Field(0, ge=0, le=2**20)
    """0 is off."""
    top_p: float = Field(1.0, gt=0, le=1)
    samples: int = Field(1, ge=1, le=1000)
    """Answers to each question."""
    dtype: Literal["float32", "bfloat16"] = "bfloat16"


class AnswerParams(Answers, Params):
    """Two-turn answers of one model to one benchmark."""

    kind: ClassVar[str] = "answer"

    languages: tuple[Language, ...]
    template: TemplateName = PAPER
    systems: Mapping[Language, str]
    template_date: TemplateDate = None
    night: str = ""  # of a nightly evaluation: the same model's answers, made anew
    backend: Literal["transformers"] = "transformers"
    stops: tuple[str, ...] = TEMPLATES[PAPER].stops  # of the template, besides EOS


class AnswerSettings(Settings):
    """Of generation."""

    batch_size: Count | None = None
    """Questions that are answered at once."""


class AnswerTurn(Record):
    """One turn of an answer."""

    text: str  # without the stop string
    tokens: int  # generated, those of EOS and of the stop string included
    finish: str  # "eos" (a token that ends a turn), "stop" or "length"
    stop: str | None = None  # the stop string that ended it
    end: str | UnsetType = UNSET  # the token that ended it, if it is not the tokenizer's EOS


class Answer(Record):
    """`answers/<LANG>.jsonl`: one model's answer to one question, in the order of questions and samples."""

    id: str  # of the question
    language: Language
    category: str
    turns: tuple[AnswerTurn, ...]  # of a question that failed, those that it got
    sample: int = 0
    error: str | None = None
    batching: str | UnsetType = UNSET  # what its model bears, if it is not questions of any lengths in one batch


class AnswerCounts(Record):
    """One language."""

    questions: int
    failed: int
    turns: int
    cut: int  # turns that ended at `max_new_tokens`
    cut_share: float
    tokens: int
    stopped: int | UnsetType = UNSET  # turns that ended before a stop string
    ended: dict[str, int] | UnsetType = UNSET  # turns that ended with a token: "eos", or another one's text


class AnswerCard(Record):
    """`card.json`."""

    languages: dict[Language, AnswerCounts]
    batching: str | UnsetType = UNSET  # of the answers
    system_role: str | UnsetType = UNSET  # of the tokenizer's own template, as in the card of a token set
    date: str | UnsetType = UNSET  # likewise


KIND = Kind(
    params=AnswerParams,
    settings=AnswerSettings,
    defaults={"threads": 1, "batch_size": 256},
    inputs={"model": ("train", "base"), "questions": ("ingest",)},
    files={"answers/<LANG>.jsonl": Answer, "card.json": AnswerCard},
    resources=Resources(memory_bytes=4 * GIB),
    costly=True,
    ranks="shards",
    at_once={"batch_size": 256},
    nightly=True,
    libraries=MODEL_LIBRARIES,
    kernels=True,
    traits=always(Traits(loads_model=True)),
)
