"""What a study compares: cells, the arms that they are of, and contrasts between arms, each known by its name."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal, NamedTuple

import msgspec

from polyglot.core.mix import extent
from polyglot.core.records import UNSET, Record, UnsetType
from polyglot.kinds.kind import Language

UNTUNED = "untuned"  # the arm that is the base model as it came
BASELINE = "baseline:"  # what the arm of a baseline begins with, before its name
AGAIN = "+"  # what begins the end of the names of rejudged cells and of their arms, before what is otherwise
NATIVE = f"{AGAIN}native"  # judged against native references
STUDYS_JUDGE = "judge"  # what the study's own judge is called among those of a panel
Rule = Literal["mean", "majority"]  # that makes one verdict of those of several judges


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


class Peers(NamedTuple):
    """Arms of one model, data set and size, judged alike: what their seeds do has the same causes."""

    model: str
    dataset: str
    size: int | None
    otherwise: str


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
    def extent(self) -> tuple[int, float]:
        """Of its mix: how many languages, then how many ids."""
        return extent(self.languages, self.size)

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
    def peers(self) -> "Peers | None":
        """What arms have in common whose seeds may be expected to vary alike; None of what is not tuned."""
        if self.dataset is None:
            return None
        return Peers(self.model, self.dataset, self.size, self.otherwise)

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
    UNTUNED = "untuned"
    DATASETS = "data sets at one size"
    WHOLE_DATASETS = "whole data sets"
    MODELS = "models"
    ENGINES = "engines"  # of translation
    PRIMARY = "primary"  # of the study, where it is none of the others
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
    model: str | None  # that all of its mixes are of, as the next; None where they are of several: the keys name them
    dataset: str | None
    treatment: tuple[ArmKey, ...]  # each [model, dataset, arm]; several are averaged
    control: tuple[ArmKey, ...]
    on: tuple[Language, ...]
    primary: bool = False  # the one that the study is about: tested by itself, without regard to the others

    @property
    def trained_on(self) -> tuple[str | None, str | None]:
        """Model and data set of its mixes; arms that are not tuned may stand among them."""
        return self.model, self.dataset

    def named(self, key: ArmKey) -> str:
        """The name of one of its arms, with model and data set where not all of its mixes are of the same."""
        across = self.model is None or self.dataset is None
        return "/".join(part for part in key if part) if across else key.arm


def in_common(keys: Iterable[ArmKey]) -> tuple[str | None, str | None]:
    """Model and data set that all mixes among some arms are of, each None where they are of several, or none is."""
    mixes = [key for key in keys if key.dataset is not None]
    models, datasets = {key.model for key in mixes}, {key.dataset for key in mixes}
    return models.pop() if len(models) == 1 else None, datasets.pop() if len(datasets) == 1 else None
