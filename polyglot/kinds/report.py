"""The report of a study: of results, of data and mixes, or of translations."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from msgspec import field
from pydantic import Field

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import Resources
from polyglot.kinds.aggregate import ArmScore, CellScore, ContrastResult, Method, OtherQuestions, PartScore, RosterCell
from polyglot.kinds.agree import Agreement
from polyglot.kinds.base import BaseRecord
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.data_card import DataCard
from polyglot.kinds.drift import Drift
from polyglot.kinds.gains import Gain
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params
from polyglot.kinds.mix import MixCard
from polyglot.kinds.mixtures import Mixtures
from polyglot.kinds.quality import QualityCard
from polyglot.kinds.reliability import Reliability
from polyglot.kinds.thresholds import Thresholds
from polyglot.kinds.train import TrainingRecord


class ReportParams(Params):
    """The static report of a study."""

    kind: ClassVar[str] = "report"
    version: ClassVar[int] = 8  # 8: radars, links to answers, the judge's noise

    study: str
    question: str = ""
    checks: tuple[str, ...] = ()  # names of quality stages among the inputs, in the study's order
    metric: Literal["score", "exact"] = "score"  # shown first; "exact": 10 points say that an answer is right
    notes: tuple[str, ...] = ()  # shown on top: built-in judge, mixed executions, …
    facts: Mapping[str, str] = Field(default_factory=dict)  # name -> value rows of the "how it was made" table


class NamedCard(Record):
    """The card of a data set or of a part of the benchmark, and the stage that wrote it."""

    name: str
    key: str
    card: DataCard


class NamedMixCard(Record):
    """The card of a mix."""

    name: str  # what is behind its role's colon
    key: str
    card: MixCard
    arm: str
    draw: int


class NamedBase(Record):
    """How a base model came about."""

    name: str
    key: str
    training: BaseRecord


class NamedTraining(Record):
    """How a cell was trained."""

    name: str
    key: str
    training: TrainingRecord


class Overlap(Record):
    """What the mixes of one model and data set share: `ids[i][j]` and `rows[i][j]` are those that i and j both have."""

    model: str
    dataset: str
    mixes: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]
    rows: tuple[tuple[int, ...], ...]


class JudgedLanguage(Record):
    """Verdicts on one cell in one language, and the tokens that they took."""

    verdicts: int
    failed: int
    prompt_tokens: int
    completion_tokens: int


class Judged(Record):
    """Verdicts on one cell, as they were counted: by reason of failure, and by reason of another prompt."""

    cell: str
    key: str
    model: str
    endpoint: str
    languages: dict[Language, JudgedLanguage]
    reasons: dict[str, int]
    fallbacks: dict[str, int]
    conflicting: int = field(name="rivals")  # replies that also held a different verdict


class Execution(Record):
    """An environment, and the inputs of one kind that were made in it."""

    kind: str
    environment: str
    roles: tuple[str, ...]


class Step(Record):
    """One stage behind a cell."""

    kind: str
    role: str
    key: str

    @property
    def name(self) -> str:
        """The language or the data set, where a cell has several stages of the kind."""
        return self.role.rpartition(":")[2] if self.kind in ("tokenize", "ingest") else ""


class Provenance(Record):
    """The stages behind a cell, from its verdicts back to rows and questions."""

    cell: str
    arm: str
    seed: int | None
    steps: tuple[Step, ...]


class Report(Record):
    """`report.json` of results. What is not among the inputs is None, or empty."""

    format: int
    study: str
    question: str
    notes: tuple[str, ...]
    facts: dict[str, str]
    metric: Literal["score", "exact"]
    method: Method
    roster: tuple[RosterCell, ...]
    cells: tuple[CellScore, ...]
    arms: tuple[ArmScore, ...]
    breakdown: tuple[PartScore, ...]
    contrasts: tuple[ContrastResult, ...]
    other_questions: OtherQuestions | None
    data: tuple[NamedCard, ...]
    questions: NamedCard | None
    references: NamedCard | None
    native_references: NamedCard | None
    prompts: NamedCard | None
    mixes: tuple[NamedMixCard, ...]
    overlaps: tuple[Overlap, ...]
    bases: tuple[NamedBase, ...]
    training: tuple[NamedTraining, ...]
    judges: tuple[Judged, ...]
    reliability: Reliability | None
    checks: tuple[str, ...]
    executions: tuple[Execution, ...]
    provenance: tuple[Provenance, ...]
    answers: bool = False  # whether answers.html lies beside the page
    gains: tuple[Gain, ...] = ()
    drift: Drift | UnsetType = UNSET  # of a night
    thresholds: Thresholds | None = None  # None, as the next: of an aggregate of an earlier version
    mixtures: Mixtures | None = None


class AskedIn(Record):
    """The languages of the benchmark."""

    languages: tuple[Language, ...]


class NamedArm(Record):
    """An arm that there is a mix for."""

    model: str
    dataset: str
    arm: str

    @property
    def arm_key(self) -> ArmKey:
        """What names the arm."""
        return ArmKey(self.model, self.dataset, self.arm)

    @property
    def trained_on(self) -> tuple[str, str | None]:
        """Model and data set."""
        return self.model, self.dataset


class DataReport(Record):
    """`report.json` of a study that was run up to its mixes: of the fields of the report of results those it has."""

    format: int
    study: str
    question: str
    method: AskedIn
    arms: tuple[NamedArm, ...]
    data: tuple[NamedCard, ...]
    questions: NamedCard | None
    references: NamedCard | None
    native_references: NamedCard | None
    prompts: NamedCard | None
    mixes: tuple[NamedMixCard, ...]
    overlaps: tuple[Overlap, ...]
    checks: tuple[str, ...]


class NamedQuality(Record):
    """The card of a quality stage."""

    name: str
    key: str
    card: QualityCard


class Comparison(Record):
    """One metric of two translations of the same rows, first minus second, with a paired bootstrap interval."""

    metric: str
    first: str
    second: str
    turns: int  # that both have the figure for
    ids: int
    resamples: int
    first_mean: float
    second_mean: float
    difference: float
    low: float
    high: float


class KeyedAgreement(Agreement):
    """What people say of the translations, with the stage's key."""

    key: str


class Quality(Record):
    """What was found about translations; `level` is that of the intervals."""

    level: float
    checks: tuple[NamedQuality, ...]
    comparisons: tuple[Comparison, ...]
    agreement: KeyedAgreement | None


class QualityReport(Record):
    """`quality.json`, and `report.json` of a study of translations alone."""

    format: int
    study: str
    question: str
    data: tuple[NamedCard, ...]
    quality: Quality


KIND = Kind(
    params=ReportParams,
    inputs={
        "aggregate": ("aggregate",),
        "reliability": ("reliability",),
        "drift": ("drift",),
        "data": ("ingest",),
        "questions": ("ingest",),
        "references": ("ingest",),
        "native_references": ("reference",),
        "prompts": ("ingest",),
        "mix": ("mix",),
        "train": ("train",),
        "base": ("base",),
        "verdicts": ("judge", "imported", "panel"),
        "answers": ("answer", "ask", "imported"),
        "quality": ("quality",),
        "agree": ("agree",),
    },
    files={
        "report.html": "the page",
        "report.json": (Report, DataReport, QualityReport),
        "scores.csv": "as the aggregate wrote it",
        "contrasts.csv": "as the aggregate wrote it",
        "gains.csv": "as the aggregate wrote it",
        "strengths.csv": "as the card of the judges has it, where there are pairs",
        "answers.html": "the page that shows answers and verdicts, where answers are among the inputs",
        "answers/page.js": "its script",
        "answers/page.css": "its style",
        "answers/index.js": "names, scores and defects of all answers (jobs/report/answers/index.py)",
        "answers/<NUMBER>-<LANG>-<PART>.js": "answers and verdicts of one cell (jobs/report/answers/pieces.py)",
        "answers/questions-<LANG>-<PART>.js": "questions and references",
        "quality.html": "the page about translations, where there are quality stages",
        "quality.json": QualityReport,
        "quality.csv": "a row for each translation and category",
    },
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
)
