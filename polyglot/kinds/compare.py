"""Verdicts on pairs of answers by a chat model: which of two is better, asked in both orders."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from polyglot.core.records import Record
from polyglot.core.stage import Resources
from polyglot.kinds.judge import JudgeParams
from polyglot.kinds.judging import JudgingParams, VerdictCounts, estimate_verdicts, judging_forms
from polyglot.kinds.kind import GIB, Kind, Language, endpoint_traits
from polyglot.kinds.settings import BatchSettings

Slot = Literal["A", "B", "tie", "both-bad"]  # what a judge says of the answers by their places
Outcome = Literal["first", "second", "tie", "both-bad"]  # the same by their models
AS_SHOWN: Mapping[Slot, Outcome] = {"A": "first", "B": "second", "tie": "tie", "both-bad": "both-bad"}


class CompareParams(JudgingParams):
    """Pairwise judging of every (question, turn): the first model's answer shown as A, and then as B."""

    kind: ClassVar[str] = "compare"


class OrderVerdict(Record):
    """What was said in one order. Exactly one of `said` and `reason` is set."""

    said: Slot | None
    reason: str | None = None  # as of a Verdict of single grading
    conflicting: bool = False  # the reply also held a different verdict
    text: str = ""  # the judge's reply
    prompt_tokens: int = 0
    completion_tokens: int = 0


class PairVerdict(Record):
    """`comparisons/<LANG>.jsonl`: one turn of two answers. Exactly one of `outcome` and `reason` is set.

    Orders that contradict each other are a tie, and `consistent` is false; an order without a verdict leaves the pair
    without one. `orders` has the one with the first model's answer as A before that with it as B; it is empty where an
    answer is missing and nobody was asked, and in verdicts of others that do not tell the order.
    """

    id: str  # of the question
    language: Language
    category: str
    sample: int
    turn: int  # from 1; 0: the whole conversation, in verdicts of others
    outcome: Outcome | None
    consistent: bool | None = None
    reason: str | None = None
    prompt: str | None = None
    fallback: str | None = None
    orders: tuple[OrderVerdict, ...] = ()
    characters: tuple[int, int] = (0, 0)  # of this turn of both answers


class PairCounts(VerdictCounts):
    """One language of pairs; the sum of the outcomes and of the failed is that of the verdicts."""

    first: int
    second: int
    tie: int  # contradictions are among them
    both_bad: int
    inconsistent: int
    conflicting: int  # replies that also held a different verdict


class CompareCard(Record):
    """`card.json`."""

    endpoint: str
    model: str
    served_by: tuple[str, ...]  # names that the endpoint gave
    languages: dict[Language, PairCounts]


KIND = Kind(
    params=CompareParams,
    settings=BatchSettings,
    settings_like=JudgeParams.kind,
    defaults={"concurrency": 64},
    inputs={
        "first": ("answer", "ask", "imported"),
        "second": ("answer", "ask", "imported"),
        "questions": ("ingest",),
        "references": ("ingest", "reference"),
    },
    files={"comparisons/<LANG>.jsonl": PairVerdict, "card.json": CompareCard},
    offers=lambda params: {"comparisons": "comparisons/"},
    resources=Resources(memory_bytes=2 * GIB),
    networked=True,
    libraries=("openai",),
    traits=endpoint_traits,
    forms=judging_forms("pair"),
    estimate=lambda ask: estimate_verdicts(ask, CompareParams.of(ask.stage), "first", "second", orders=2),
)
