"""Two-turn answers of one model to one benchmark."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from polyglot.core.records import Record
from polyglot.core.section import Count
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, MODEL_LIBRARIES, Kind, Language, Params, Traits, always
from polyglot.kinds.settings import Settings


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


class AnswerSettings(Settings):
    """Of generation."""

    batch_size: Count | None = None
    """Questions that are answered at once."""


class AnswerTurn(Record):
    """One turn of an answer."""

    text: str  # without the stop string
    tokens: int  # generated, those of EOS and of the stop string included
    finish: str  # "eos", "stop" or "length"
    stop: str | None = None  # the stop string that ended it


class Answer(Record):
    """`answers/<LANG>.jsonl`: one model's answer to one question, in the order of questions and samples."""

    id: str  # of the question
    language: Language
    category: str
    turns: tuple[AnswerTurn, ...]  # of a question that failed, those that it got
    sample: int = 0
    error: str | None = None


class AnswerCounts(Record):
    """One language."""

    questions: int
    failed: int
    turns: int
    cut: int  # turns that ended at `max_new_tokens`
    cut_share: float
    tokens: int


class AnswerCard(Record):
    """`card.json`."""

    languages: dict[Language, AnswerCounts]


KIND = Kind(
    params=AnswerParams,
    settings=AnswerSettings,
    defaults={"threads": 1, "batch_size": 256},
    inputs={"model": ("train", "base"), "questions": ("ingest",)},
    files={"answers/<LANG>.jsonl": Answer, "card.json": AnswerCard},
    resources=Resources(memory_bytes=4 * GIB),
    ranks="shards",
    nightly=True,
    libraries=MODEL_LIBRARIES,
    kernels=True,
    traits=always(Traits(loads_model=True)),
)
