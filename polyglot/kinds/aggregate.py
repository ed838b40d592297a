"""Score tables and contrasts over the cells of a study."""

from enum import StrEnum
from typing import ClassVar, Literal, NamedTuple

import msgspec

from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Kind, Language, Params

UNTUNED = "untuned"  # the arm that is the base model as it came
BASELINE = "baseline:"  # what the arm of a baseline begins with, before its name
AGAIN = "+"  # what begins the end of the names of rejudged cells and of their arms, before what is otherwise
NATIVE = f"{AGAIN}native"  # judged against native references
STUDYS_JUDGE = "judge"  # what the study's own judge is called among those of a panel
Group = Literal["all", "in-mix", "out-of-mix"]
Rule = Literal["mean", "majority"]  # that makes one verdict of those of several judges
InferenceScope = Literal["mix", "this model"]  # what a number may be said of


class ArmKey(NamedTuple):
    """What names an arm (one mix at one size, over its seeds and draws) within a study."""

    model: str  # or the baseline
    dataset: str | None  # None for what is not tuned: the untuned base, a baseline
    arm: str

    @classmethod
    def untuned(cls, model: str) -> "ArmKey":
        """The arm that is a base model as it came."""
        return cls(model, None, UNTUNED)

    @classmethod
    def baseline(cls, name: str) -> "ArmKey":
        """The arm that is a baseline."""
        return cls(name, None, BASELINE + name)

    @property
    def is_baseline(self) -> bool:
        """Whether it is a baseline: it stands beside the mixes of every model and data set."""
        return self._replace(arm=self.arm.partition(AGAIN)[0]) == ArmKey.baseline(self.model)

    @property
    def trained_on(self) -> tuple[str, str | None]:
        """Model and data set: arms of the same ones are compared."""
        return self.model, self.dataset


class Cell(Record, forbid_unknown_fields=True):
    """One trained (or untuned) model of a study, or a baseline, as the aggregate and the report name it."""

    cell: str  # the role suffix: inputs are "verdicts:<cell>" and "answers:<cell>"
    model: str  # or the baseline
    dataset: str | None  # None for the untuned base and baselines
    mix: str | None
    # what a baseline is; "answers" were read from files, "verdicts" too
    baseline: Literal["", "model", "endpoint", "answers", "verdicts"] = ""
    languages: tuple[Language, ...] = ()  # of the mix
    sampled: bool = False
    size: int | None = None
    seed: int | None = None
    draw: int = 0
    references: Literal["", "native"] = ""  # "native": a rejudged cell, whose answers are judged against native ones
    prompts: Language | UnsetType = UNSET  # of a rejudged cell: the language of the judge's prompts
    judge: str | UnsetType = UNSET  # of a rejudged cell: who of the panel judges; else the study's judge
    panel: Rule | UnsetType = UNSET  # of a rejudged cell: that its verdicts are of all judges, and by which rule

    def rejudged(self) -> "Cell":
        """The cell whose same answers are judged against native references."""
        return msgspec.structs.replace(self, cell=self.cell + NATIVE, references="native")

    def prompted(self, language: Language) -> "Cell":
        """The cell whose same answers are judged by prompts in one language, whatever theirs is."""
        return msgspec.structs.replace(self, cell=self.cell + prompted(language), prompts=language)

    def judged_by(self, judge: str) -> "Cell":
        """The cell whose same answers are judged by somebody of the panel."""
        return msgspec.structs.replace(self, cell=self.cell + judged_by(judge), judge=judge)

    def judged_together(self, rule: Rule) -> "Cell":
        """The cell whose same answers have the verdicts of all judges together."""
        return msgspec.structs.replace(self, cell=self.cell + judged_together(rule), panel=rule)

    @property
    def is_drawn(self) -> bool:
        """Whether its mix depends on a draw: it is sampled, or a part of all ids."""
        return self.sampled or self.size is not None

    @property
    def otherwise(self) -> str:
        """Of a rejudged cell what the names of its arm and of itself end with; "" of another."""
        return (NATIVE if self.references else "") + (prompted(self.prompts) if self.prompts else "") + self._judges

    @property
    def trained(self) -> str:
        """The name of the cell that was trained: of a rejudged one, the one that it takes its answers from."""
        return self.cell.removesuffix(self.otherwise)

    @property
    def of_model(self) -> str:
        """The name of the cell without who judges: judges of a panel are told apart by their own names."""
        return self.cell.removesuffix(self._judges)

    @property
    def _judges(self) -> str:
        """What its name ends with where others than the study's judge alone give the verdicts."""
        return (judged_by(self.judge) if self.judge else "") + (judged_together(self.panel) if self.panel else "")

    @property
    def mix_name(self) -> str:
        """What the report's inputs call its mix: the cell's name without its seed. A draw stays: it is a mix."""
        head, _, draw = self.trained.rpartition(f"/s{self.seed}")
        return head + draw

    @property
    def form(self) -> str:
        """What its arms of several sizes have in common: the mix, or "untuned", and what is otherwise."""
        untuned = BASELINE + self.model if self.baseline else UNTUNED
        return (self.mix or untuned) + self.otherwise

    @property
    def arm_key(self) -> ArmKey:
        """The arm that it is of: `<mix>[@<size>]`, "untuned" or "baseline:<name>", and what is otherwise."""
        if self.baseline:
            return ArmKey(self.model, None, ArmKey.baseline(self.model).arm + self.otherwise)
        size = "" if self.size is None else f"@{self.size}"
        return ArmKey(self.model, self.dataset, (self.mix or UNTUNED) + size + self.otherwise)


def prompted(language: Language) -> str:
    """What the names of cells and arms end with that are judged by prompts in one language."""
    return f"{AGAIN}{language}-prompts"


def judged_by(judge: str) -> str:
    """What the names of cells and arms end with that somebody of the panel judges."""
    return f"{AGAIN}{judge}-judge"


def judged_together(rule: Rule) -> str:
    """What the names of cells and arms end with that have the verdicts of all judges together."""
    return f"{AGAIN}panel-{rule}"


class Family(StrEnum):
    """Families of contrasts, as polyglot.plan.contrasts finds them. `compares` leaves out how a control is chosen."""

    compares: str
    choice: Literal["mean", "best", "worst"]  # of the control arms

    PARALLEL_MEAN = "parallel - mono mean", "parallel - mono"
    PARALLEL_BEST = "parallel - mono best", "parallel - mono", "best"
    PARALLEL_WORST = "parallel - mono worst", "parallel - mono", "worst"
    SAMPLED_MEAN = "sampled - mono mean", "sampled - mono"
    PARALLEL_SAMPLED = "parallel - sampled"
    LEFT_OUT = "left out"
    WHOLE_PART = "whole - part"
    SIZE = "size"
    REFERENCES = "references"
    PROMPTS = "prompts"
    JUDGES = "judges"
    PANEL = "panel"
    BASELINE = "baseline"
    CUSTOM = "custom"  # of the study file

    def __new__(cls, value: str, compares: str = "", choice: Literal["mean", "best", "worst"] = "mean") -> "Family":
        """A member of this value."""
        member = str.__new__(cls, value)
        member._value_, member.compares, member.choice = value, compares or value, choice
        return member


class Contrast(Record, forbid_unknown_fields=True):
    """mean over `on` of the treatment arms' scores minus that of the control arms'."""

    name: str
    family: Family
    model: str
    dataset: str
    treatment: tuple[ArmKey, ...]  # each [model, dataset, arm]; several are averaged
    control: tuple[ArmKey, ...]
    on: tuple[Language, ...]

    @property
    def trained_on(self) -> tuple[str, str | None]:
        """Model and data set of its mixes; arms that are not tuned may stand among them."""
        return self.model, self.dataset


class AggregateParams(Params):
    """Score tables and contrasts over the cells of a study."""

    kind: ClassVar[str] = "aggregate"
    version: ClassVar[int] = 6  # 6: what is the matter with answers

    languages: tuple[Language, ...]
    cells: tuple[Cell, ...]
    contrasts: tuple[Contrast, ...] = ()
    resamples: int = 10_000
    level: float = 0.95
    min_seeds: int = 3  # behind any claim about a mix
    wrong_references: tuple[str, ...] = ()  # questions whose reference answers are known to be wrong
    leave_out_wrong: bool = False  # the tables are without them, and `other_questions` has the results with them


class Estimate(NamedTuple):
    """One metric of a row: the mean or the difference, its limits, and the same by seed. None: nothing to average."""

    value: float | None
    low: float | None
    high: float | None
    per_seed: tuple[float | None, ...] = ()
    selected: str | None = None  # of a contrast: the control arm that is best or worst

    @property
    def sign(self) -> int:
        """1 or -1 when the whole interval lies above or below zero, else 0."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


class Method(Record):
    """How the numbers were made."""

    languages: tuple[Language, ...]
    categories: dict[str, int]  # name -> questions
    questions: int
    resamples: int
    level: float  # of every interval
    min_seeds: int
    digits: int  # that numbers are rounded to


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


class PartScore(ArmScore):
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


class ContrastResult(Contrast, forbid_unknown_fields=False):
    """`contrasts.json`, a list of these; `selected` is the control arm that is best or worst."""

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
    same_arm_pairs: tuple[SameArmPair, ...] = msgspec.field(name="aa")

    @property
    def score(self) -> Estimate:
        """Of the mean score."""
        return Estimate(self.difference, self.low, self.high, self.per_seed, self.selected)

    @property
    def exact(self) -> Estimate:
        """Of the share of exact answers."""
        return Estimate(
            self.exact_difference, self.exact_low, self.exact_high, self.exact_per_seed, self.exact_selected
        )


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
        "defects.jsonl": DefectiveTurn,
    },
    resources=Resources(memory_bytes=2 * GIB, deadline_seconds=HOUR_SECONDS),
    libraries=("numpy", "py3langid"),
)
