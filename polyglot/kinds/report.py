"""The report of a study: of results, of data and mixes, or of translations."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Params


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


KIND = Kind(
    params=ReportParams,
    inputs={
        "aggregate": ("aggregate",),
        "data": ("ingest",),
        "questions": ("ingest",),
        "references": ("ingest",),
        "native_references": ("reference",),
        "prompts": ("ingest",),
        "mix": ("mix",),
        "train": ("train",),
        "base": ("base",),
        "verdicts": ("judge",),
        "quality": ("quality",),
        "agree": ("agree",),
    },
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
)
