"""A study: what is asked, of which models, with which data. Frozen.

`load.load_study` builds it from a file, and holds it to the rules between its sections (`rules`).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from polyglot.core.mix import Mix
from polyglot.core.section import MAX_COUNT, Broken, Label, Language, Name, Positive, Problem, Section, tuple_of
from polyglot.kinds.answer import Answers
from polyglot.kinds.findings import Findings
from polyglot.study.arms import ArmRequest, ComparedArm, MixField, OtherArm, bare
from polyglot.study.baselines import Baseline, ImportedPairs
from polyglot.study.benchmark import Benchmark
from polyglot.study.files import ONE_OR_MANY, SourceFiles
from polyglot.study.judge import Judge
from polyglot.study.quality import QualityCheck
from polyglot.study.sources import Dataset, TunedModel
from polyglot.study.systems import SYSTEMS
from polyglot.study.training import Training


def _parse_size(value: object) -> object:
    if value is None or value == "full":
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_COUNT:
        raise Broken(Problem(what="bad size", got=f"{value!r}"[:60], expected="`full` or a number of ids, 1 or more"))
    return value


def _parse_on(value: object) -> object:
    if value in ("all", "in-mix", "out-of-mix") or isinstance(value, list | tuple):
        return tuple_of(value)
    expected = "`all`, `in-mix`, `out-of-mix` or a list of languages"
    raise Broken(Problem(what="bad languages", got=f"{value!r}"[:60], expected=expected))


def _parse_contrasts(value: object) -> object:
    if value == "auto" or isinstance(value, list | tuple):
        return tuple_of(value)
    raise Broken(Problem(what="bad contrasts", got=f"{value!r}"[:60], expected="`auto` or a list of contrasts"))


_SIZE_SCHEMA = {"anyOf": [{"const": "full"}, {"type": "integer", "minimum": 1}]}
Size = Annotated[int | None, BeforeValidator(_parse_size), WithJsonSchema(_SIZE_SCHEMA)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Sides(Section):
    """A comparison: mean of the treatment arms minus mean of the control arms."""

    treatment: Annotated[tuple[ComparedArm, ...], Field(min_length=1), *ONE_OR_MANY]
    """Mixes of the study, with @SIZE where the study has sizes; `untuned`, or `baseline:NAME` of a baseline."""
    control: Annotated[tuple[ComparedArm, ...], Field(min_length=1), *ONE_OR_MANY]
    on: Annotated[
        Literal["all", "in-mix", "out-of-mix"] | Annotated[tuple[Language, ...], Field(min_length=1)],
        BeforeValidator(_parse_on),
    ] = "all"
    """Of the benchmark; `in-mix`: those of all treatment (else control) mixes, `out-of-mix`: of none."""

    def languages(self, asked: Sequence[str]) -> tuple[str, ...]:
        """The languages that the contrast is over, in the order of the benchmark's `asked`."""
        if self.on == "all":
            return tuple(asked)
        mixes = self.mixes_of(self.treatment) or self.mixes_of(self.control)
        if self.on == "in-mix":
            return tuple(code for code in asked if mixes and all(code in mix.languages for mix in mixes))
        if self.on == "out-of-mix":
            return tuple(code for code in asked if mixes and all(code not in mix.languages for mix in mixes))
        return tuple(self.on)

    @staticmethod
    def mixes_of(side: Sequence[ArmRequest | OtherArm]) -> tuple[Mix, ...]:
        """The arms of a side that are mixes."""
        return tuple(mix for arm in side if isinstance(mix := bare(arm), Mix))


class ContrastRequest(Sides):
    """A comparison asked for by name: mean of the treatment arms minus mean of the control arms."""

    name: str = Field(min_length=1, max_length=120)


def _primary_form(value: object) -> str:
    return "Sides" if isinstance(value, Mapping | Sides) else "Text"


Primary = Annotated[
    Annotated[str, Field(min_length=1, max_length=200), Tag("Text")] | Annotated[Sides, Tag("Sides")],
    Discriminator(_primary_form),
]


class Budget(Section):
    """What the study may cost in all. What goes beyond it is not begun, and the run ends with exit code 3."""

    usd: Positive | None = None
    """Of all calls that cost, by their prices: the judge's, and those of baselines, references and translations."""
    gpu_hours: Positive | None = None
    """Of all stages that have GPUs, attempts that failed or were interrupted included."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.usd is None and self.gpu_hours is None:
            raise Broken(Problem(what="a budget of nothing", expected="`usd`, `gpu-hours` or both"))
        return self


class Study(Section):
    """A whole study file."""

    study: Label
    """Its name; results are listed under it."""
    question: str = Field("", max_length=1000)
    """What is asked; the report opens with it."""
    models: Mapping[Name, TunedModel] = Field(min_length=1)
    """Base models, by a name of your choice."""
    datasets: Mapping[Name, Dataset] = Field(min_length=1)
    """Instruction data, by a name of your choice."""
    mixes: Annotated[tuple[MixField, ...], Field(min_length=1), BeforeValidator(tuple_of)]
    """Language mixes to tune on; see below."""
    sizes: Annotated[tuple[Size, ...], Field(min_length=1), BeforeValidator(tuple_of)] = (None,)
    """Numbers of ids, or `full`, for every mix that names no size itself."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), BeforeValidator(tuple_of)] = (0,)
    """Training seeds; a claim about a mix needs three."""
    draws: Annotated[tuple[Seed, ...], Field(min_length=1), BeforeValidator(tuple_of)] = (0,)
    """Seeded orders of ids, for several draws of sampled and small mixes."""
    untuned: bool = True
    """Also answer and judge with the untuned base models."""
    baselines: Mapping[Name, Baseline] = Field(default_factory=dict)
    """Models that are not tuned, by a name of your choice: answered for and judged beside the mixes."""
    imported_pairs: Mapping[Name, ImportedPairs] = Field(default_factory=dict)
    """Verdicts of others on pairs of baselines, by a name of your choice for who judged."""
    training: Training
    benchmark: Benchmark
    answers: Answers = Field(default_factory=Answers)
    judge: Judge
    systems: Mapping[Language, str] = Field(default_factory=dict)
    """System messages; the five languages have built-in ones, '' is none."""
    contrasts: Annotated[
        Literal["auto"] | Annotated[tuple[ContrastRequest, ...], Field(min_length=1)], BeforeValidator(_parse_contrasts)
    ] = "auto"
    """Comparisons; `auto` finds those that the mixes, data sets and models allow."""
    primary: Primary | None = None
    """What the study is about, by its sides or its name: tested by itself. Else the mix of most languages minus EN."""
    findings: Findings = Field(default_factory=Findings)
    """Margins that are declared before anything is measured; they change no model, answer or verdict."""
    budget: Budget | None = None
    quality: Annotated[tuple[QualityCheck, ...], BeforeValidator(tuple_of)] = ()
    """Translations to assess. A study with these alone needs no models, mixes, training, benchmark and judge."""
    ratings: SourceFiles | None = None
    """Human ratings of them, as `polyglot sheet import` writes them."""
    votes: SourceFiles | None = None
    """People's votes on answers, as `polyglot sheet import` writes them; the judge stands beside them in the report."""

    @property
    def has_benchmark(self) -> bool:
        """Whether there is one; a study without models may do without."""
        return "benchmark" in self.model_fields_set

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study

    @property
    def mixed_languages(self) -> tuple[str, ...]:
        """Every language that some mix is made of, in the order of the mixes."""
        return tuple(dict.fromkeys(language for mix in self.mixes for language in mix.languages))

    @property
    def usd(self) -> float | None:
        """The US dollars that its calls may cost in all; None for any."""
        return self.budget.usd if self.budget is not None else None

    @cached_property
    def _trainings(self) -> Mapping[str, Training]:
        changes = {name: model.training for name, model in self.models.items()}
        return {
            name: self.training if change is None else Training.model_validate(self.training.changed(change))
            for name, change in changes.items()
        }

    def training_of(self, model: str) -> Training:
        """How one of its models is trained. Raises pydantic.ValidationError for what `load_study` would refuse."""
        return self._trainings[model]

    def has_validation(self, dataset: str) -> bool:
        """Whether a data set has rows to validate on, its own or those of the set that it is a translation of."""
        named = self.datasets[dataset]
        if named.translate is not None:
            return self.has_validation(named.translate[0].of)
        return bool(named.validation or named.validation_split or named.validation_data_files)

    def system(self, language: str) -> str:
        """The system message of a language: the study's own, else the built-in one."""
        return self.systems[language] if language in self.systems else SYSTEMS[language]

    def arms(self) -> tuple[Mix, ...]:
        """The mixes at their sizes: a mix with @SIZE as it is, any other at each of `sizes`."""
        sized = (
            arm
            for mix in self.mixes
            for arm in ([mix] if mix.size is not None else [mix.with_size(size) for size in self.sizes])
        )
        return tuple(dict.fromkeys(sized))


class DataStudy(Study):
    """A study file that trains nothing. What a study with models needs has a default here, which nothing reads."""

    models: Mapping[Name, TunedModel] = Field(default_factory=dict, max_length=0)
    datasets: Mapping[Name, Dataset] = Field(default_factory=dict)
    mixes: Annotated[tuple[MixField, ...], Field(max_length=0), BeforeValidator(tuple_of)] = ()
    baselines: Mapping[Name, Baseline] = Field(default_factory=dict, max_length=0)
    imported_pairs: Mapping[Name, ImportedPairs] = Field(default_factory=dict, max_length=0)
    training: Training = Training(steps=1)
    benchmark: Benchmark = Benchmark.model_construct()
    judge: Judge = Judge(endpoint="built-in")
    quality: Annotated[tuple[QualityCheck, ...], Field(min_length=1), BeforeValidator(tuple_of)]


def study_class(value: Mapping[str, object]) -> type[Study]:
    """Which of the two a file's content is to be read as."""
    trains = any(key in value for key in ("models", "mixes", "training"))
    return DataStudy if "quality" in value and not trains else Study
