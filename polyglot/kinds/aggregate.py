"""Score tables and contrasts over the cells of a study."""

from typing import ClassVar, Literal, NamedTuple

import msgspec
from pydantic import Field

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import Resources
from polyglot.kinds.cells import ArmKey, Cell, Contrast
from polyglot.kinds.findings import Findings
from polyglot.kinds.gains import Gain
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params
from polyglot.kinds.mixtures import Mixtures
from polyglot.kinds.thresholds import Thresholds

Group = Literal["all", "in-mix", "out-of-mix"]
InferenceScope = Literal["mix", "this model"]  # what a number may be said of


class AggregateParams(Params):
    """Score tables and contrasts over the cells of a study."""

    kind: ClassVar[str] = "aggregate"
    # 7: p-values, the primary contrast; gains in every reading; sizes that suffice, sets of mixes
    # 8: gains in per cent with limits as wide as those in points, and with the share of verdicts that failed
    # 9: contrasts know how much seeds vary from all arms of the same model, data set and size
    version: ClassVar[int] = 9

    languages: tuple[Language, ...]
    cells: tuple[Cell, ...]
    contrasts: tuple[Contrast, ...] = ()
    resamples: int = 10_000
    level: float = 0.95
    min_seeds: int = 3  # behind any claim about a mix
    most_failed: float = 0.05  # of an arm's verdicts: with more, nothing is said of what is higher
    wrong_references: tuple[str, ...] = ()  # questions whose reference answers are known to be wrong
    leave_out_wrong: bool = False  # the tables are without them, and `other_questions` has the results with them
    # what the study says beforehand; in no key where it says nothing
    findings: Findings = Field(Findings(), exclude_if=lambda findings: findings == Findings())


class Estimate(NamedTuple):
    """One metric of a row: the mean or the difference, its limits, and the same by seed. None: nothing to average."""

    value: float | None
    low: float | None
    high: float | None
    per_seed: tuple[float | None, ...] = ()
    selected: str | None = None  # of a contrast: the control arm that is best or worst
    p: float | None = None  # of a contrast, as all that follow: see ContrastResult
    p_holm: float | None = None
    shown: int | None = None
    detectable: float | None = None

    @property
    def sign(self) -> int:
        """1 or -1 when the whole interval lies above or below zero, else 0."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0

    @property
    def told(self) -> int:
        """The sign of a difference that is called one: of a contrast, after what was tried beside it is counted in."""
        return self.sign if self.shown is None else self.shown


class Method(Record):
    """How the numbers were made."""

    languages: tuple[Language, ...]
    categories: dict[str, int]  # name -> questions
    questions: int
    resamples: int
    level: float  # of every interval
    min_seeds: int
    digits: int  # that numbers are rounded to
    smallest_p: float | None = None  # that so many resamples can give; None, as the next: of an earlier version
    most_failed: float | None = None  # share of an arm's verdicts: with more, no contrast of it is shown

    def allows(self, failed_share: float | None) -> bool:
        """Whether a difference may be called one, with this share of failed verdicts on an arm."""
        return failed_share is None or self.most_failed is None or failed_share <= self.most_failed


class RosterCell(Cell, kw_only=True, forbid_unknown_fields=False):
    """A cell with the name of its arm."""

    arm: str


class CellScore(Record):
    """One cell in one language: over everything, or over one category or turn. `exact_*`: of verdicts with score 10."""

    cell: str
    language: Language
    category: str | None
    turn: int | None
    mean: float | None
    low: float | None
    high: float | None
    verdicts: int
    failed: int
    exact_share: float | None
    answer_turns: int | UnsetType = UNSET  # over everything alone, as all that follow
    cut: int | UnsetType = UNSET
    cut_share: float | None | UnsetType = UNSET
    stopped: int | UnsetType = UNSET  # answers that ended before a stop string, where there are any
    other_language: int | UnsetType = UNSET  # answers with each defect, as the next two
    repeated: int | UnsetType = UNSET
    empty: int | UnsetType = UNSET
    unknown_language: int | UnsetType = UNSET  # too little prose, or no language that is likely enough

    @property
    def is_whole(self) -> bool:
        """Whether it is over all categories and turns."""
        return self.category is None and self.turn is None

    @property
    def cut_turns(self) -> tuple[int, int]:
        """Turns of answers that were cut at the length limit, and all."""
        return self.cut or 0, self.answer_turns or 0


Defect = Literal["other-language", "repeated", "empty", "cut"]


class DefectiveTurn(Record):
    """`defects.jsonl`: a turn of an answer that something is the matter with (docs/report.md); no other turns."""

    cell: str
    language: Language  # of the question
    id: str  # of the question
    sample: int
    turn: int  # from 1
    defects: tuple[Defect, ...]
    spoken: Language | UnsetType = UNSET  # that it is in, if it is another one


class ArmScore(Record):
    """One arm in one language, or in a group of languages: "all", "in-mix", "out-of-mix"."""

    arm: str
    model: str
    dataset: str | None  # None for the untuned base and baselines
    language: str
    languages: tuple[Language, ...]
    seeds: int
    seed_ids: tuple[int | None, ...]
    mean: float | None
    low: float | None
    high: float | None
    per_seed: tuple[float | None, ...]
    scope: InferenceScope = msgspec.field(name="claim")
    exact_share: float | None
    exact_low: float | None
    exact_high: float | None
    exact_per_seed: tuple[float | None, ...]
    failed_share: float | UnsetType = UNSET  # where any verdict failed and this is over everything, as the next two
    lowest: float | UnsetType = UNSET  # the mean with failed verdicts as 1
    highest: float | UnsetType = UNSET  # and as 10

    @property
    def arm_key(self) -> ArmKey:
        """What names the arm."""
        return ArmKey(self.model, self.dataset, self.arm)

    @property
    def trained_on(self) -> tuple[str, str | None]:
        """Model and data set."""
        return self.model, self.dataset

    @property
    def score(self) -> Estimate:
        """Of the mean score."""
        return Estimate(self.mean, self.low, self.high, self.per_seed)

    @property
    def exact(self) -> Estimate:
        """Of the share of exact answers."""
        return Estimate(self.exact_share, self.exact_low, self.exact_high, self.exact_per_seed)


class PartScore(ArmScore, kw_only=True):
    """An arm over all languages, in one category or turn."""

    category: str | None
    turn: int | None


class OtherQuestions(Record):
    """The main results once more, without the questions whose references are wrong; or with, by `leave_out_wrong`."""

    wrong: tuple[str, ...]  # those of the benchmark
    questions: int  # that these results are over
    arms: tuple[ArmScore, ...]  # over all languages
    contrasts: tuple["ContrastResult", ...]


class Scores(Record):
    """`scores.json`. A language's score is the mean of its turn scores; an arm is one mix at one size, over its seeds
    and draws. Every `…low`, `…high` is an interval of `method.level` (docs/statistics.md); `exact_…` are shares of
    verdicts with score 10. None: there is nothing to average.
    """

    method: Method
    roster: tuple[RosterCell, ...]
    cells: tuple[CellScore, ...]
    arms: tuple[ArmScore, ...]
    breakdown: tuple[PartScore, ...]
    other_questions: OtherQuestions | UnsetType = UNSET  # where the benchmark has questions with wrong references


class SameArmPair(Record):
    """An A/A pair: one seed minus another of the same arm. Nothing but chance differs there."""

    arm: str
    pair: tuple[int | None, int | None]
    difference: float | None
    exact_difference: float | None


class ContrastResult(Contrast, kw_only=True, forbid_unknown_fields=False):
    """`contrasts.json`, a list of these; `selected` is the control arm that is best or worst.

    `p` is that of "no difference": below 1 - level if and only if the interval leaves zero out. `p_holm` is adjusted
    within the family (all contrasts that compare the same, the primary one left out), which has `family_size` of them;
    of the primary contrast it is `p`. `shown`: 1 or -1 (the difference's sign) where `p_holm` is below 1 - level, else
    0; 0 too where `failed_share` is above `method.most_failed`. `detectable`: the smallest true difference that such a
    contrast would find, by `p`, about three times in four. An aggregate of version 6 or earlier tested nothing: all of
    these are None there, and what is called a difference is told by the interval.
    """

    selected: str | None
    seeds: int
    seed_ids: tuple[int | None, ...]
    difference: float | None
    low: float | None
    high: float | None
    per_seed: tuple[float | None, ...]
    scope: InferenceScope = msgspec.field(name="claim")
    exact_selected: str | None
    exact_difference: float | None
    exact_low: float | None
    exact_high: float | None
    exact_per_seed: tuple[float | None, ...]
    p: float | None = None
    p_holm: float | None = None
    shown: int | None = None
    detectable: float | None = None
    exact_p: float | None = None
    exact_p_holm: float | None = None
    exact_shown: int | None = None
    exact_detectable: float | None = None
    family_size: int | None = None  # 1 of the primary contrast
    failed_share: float | None = None  # of the verdicts of that arm of which most failed
    seed_freedom: int | None = None  # that the spread between seeds is known with, at the least; None of one seed
    same_arm_pairs: tuple[SameArmPair, ...] = msgspec.field(name="aa")

    @property
    def score(self) -> Estimate:
        """Of the mean score."""
        tested = self.p, self.p_holm, self.shown, self.detectable
        return Estimate(self.difference, self.low, self.high, self.per_seed, self.selected, *tested)

    @property
    def exact(self) -> Estimate:
        """Of the share of exact answers."""
        found = self.exact_difference, self.exact_low, self.exact_high, self.exact_per_seed, self.exact_selected
        return Estimate(*found, self.exact_p, self.exact_p_holm, self.exact_shown, self.exact_detectable)


KIND = Kind(
    params=AggregateParams,
    inputs={
        "verdicts": ("judge", "imported", "panel"),
        "answers": ("answer", "ask", "imported"),
        "questions": ("ingest",),
    },
    files={
        "scores.json": Scores,
        "scores.csv": "the rows of cells and arms",
        "contrasts.json": ContrastResult,
        "contrasts.csv": "the same rows",
        "gains.json": Gain,
        "gains.csv": "the same rows",
        "thresholds.json": Thresholds,
        "mixtures.json": Mixtures,
        "defects.jsonl": DefectiveTurn,
    },
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
    libraries=("numpy", "py3langid", "scipy"),
)
