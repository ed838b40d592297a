"""Verdicts on a model's answers by a chat model, with the benchmark's own prompts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar

from msgspec import field
from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.chat import shares
from polyglot.kinds.judging import JudgingParams, VerdictCounts, estimate_verdicts, judging_forms
from polyglot.kinds.kind import GIB, Kind, Language, endpoint_traits
from polyglot.kinds.settings import BatchSettings


class JudgeParams(JudgingParams):
    """Single grading of every (question, turn) with the benchmark's own prompts."""

    kind: ClassVar[str] = "judge"
    version: ClassVar[int] = 3

    # of a retest: how often each of how many turns in each language is asked
    repeats: Annotated[int, Field(exclude_if=lambda repeats: repeats == 1)] = 1
    items: Annotated[int | None, Field(exclude_if=lambda items: items is None)] = None  # None: all
    # of a nightly evaluation: anchors, which are the same answers every night, are judged anew
    night: Annotated[str, Field(exclude_if=lambda night: not night)] = ""

    @staticmethod
    def earlier(stage: Stage, settings: Mapping[str, Json]) -> Iterator[Stage]:
        """Before version 3, which reads the same replies in another way, the share was a parameter."""
        for share in shares(settings):
            yield replace(stage, version=2, params={**stage.params, "max_failed_share": share})


class Verdict(Record):
    """`verdicts/<LANG>.jsonl`: the rating of one turn of an answer. Exactly one of `score` and `reason` is set."""

    id: str  # of the question
    language: Language
    category: str
    sample: int
    turn: int  # from 1
    score: float | None  # 1.0 to 10.0
    reason: str | None = None  # "no-verdict", "truncated", "refused", "out-of-range", "no-answer", "http-<status>", …
    prompt: str | None = None  # the prompt's name; None where nobody was asked
    # why it is not the prompt with references that the category asks for: "no-reference", "no-reference-prompt"
    fallback: str | None = None
    conflicting: bool = field(name="rivals", default=False)  # the reply also held a different verdict
    text: str = ""  # the judge's reply
    prompt_tokens: int = 0
    completion_tokens: int = 0
    repeat: int | UnsetType = UNSET  # of a retest: how often the same was asked before


class VerdictTokens(Record):
    """Of a verdict what it cost."""

    prompt_tokens: int
    completion_tokens: int


class SingleCounts(VerdictCounts):
    """One language of single grading."""

    conflicting: int = field(name="rivals")


class JudgeCard(Record):
    """`card.json`."""

    endpoint: str
    model: str
    served_by: tuple[str, ...]  # names that the endpoint gave
    languages: dict[Language, SingleCounts]
    fingerprints: tuple[str, ...] | UnsetType = UNSET  # that the endpoint gave of what serves it


KIND = Kind(
    params=JudgeParams,
    settings=BatchSettings,
    defaults={"concurrency": 64},
    inputs={
        "answers": ("answer", "ask", "imported", "anchors"),
        "questions": ("ingest",),
        "references": ("ingest", "reference"),
    },
    files={"verdicts/<LANG>.jsonl": Verdict, "card.json": JudgeCard},
    offers=lambda params: {"verdicts": "verdicts/"},
    resources=Resources(memory_bytes=2 * GIB),
    networked=True,
    libraries=("openai",),
    traits=endpoint_traits,
    forms=judging_forms("single"),
    estimate=lambda ask: estimate_verdicts(ask, JudgeParams.of(ask.stage), "answers"),
    earlier=JudgeParams.earlier,
)
