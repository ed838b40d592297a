"""Who judges the answers, singly and in pairs, and by which prompts."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from polyglot.core.section import Broken, Count, Language, Name, Problem, Section, one_or_many, tuple_of
from polyglot.kinds.chat import ChatFailures, ChatModel, ChatPrices
from polyglot.kinds.structured import Output
from polyglot.study.arms import ARM_SCHEMA, ArmField
from polyglot.study.chat import check_model
from polyglot.study.files import SourceFile
from polyglot.study.references import Which

ALL: Literal["all"] = "all"


def _parse_against(value: object) -> object:
    return value if value == ALL else one_or_many(value)


_AGAINST_SCHEMA = {"anyOf": [{"const": ALL}, ARM_SCHEMA, {"type": "array", "items": ARM_SCHEMA, "minItems": 1}]}
Against = Annotated[
    Literal["all"] | Annotated[tuple[ArmField, ...], Field(min_length=1)],
    BeforeValidator(_parse_against),
    WithJsonSchema(_AGAINST_SCHEMA),
]


class Pairs(Section):
    """Pairs of answers that are judged beside each other in both orders: twice as many calls as single grading."""

    against: Against
    """What every other arm is compared with: `untuned`, `baseline:NAME` or mixes, with @SIZE where the study has sizes;
    `all` compares all arms of one model and data set with each other, and with what is not tuned."""


class Retest(Section):
    """Some verdicts asked several times, so that the report says how far a judge agrees with itself."""

    times: int = Field(3, ge=2, le=50)
    """How often each is asked, the first time included."""
    items: Count = 40
    """Turns of answers in each language, of the first cell; the same in each run of the study."""


class PanelJudge(ChatPrices, ChatFailures, ChatModel):
    """A further judge, by the same prompts. Its address is that of the profile's `endpoints`, by its name here."""

    output: Output = "text"
    """How a reply gives its verdict: `text`, in the brackets that the prompts ask for, or `json-schema`, as an object
    with `explanation` and `rating` (`verdict` of pairs), to which the endpoint holds the model by structured output."""

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        check_model(self.endpoint, self.model, built_in="the built-in judge", example="such as gpt-4-0613")
        if self.output != "text" and self.endpoint == "built-in":
            what, remedy = "the built-in judge writes text alone", "Remove it, or ask an endpoint"
            raise Broken(Problem(what=what, place=("output",), got=self.output, remedy=remedy))
        return self


class Judge(PanelJudge):
    """Who grades. Prices and the address of an endpoint are no part of a result (the latter is a profile's setting)."""

    prompts: Mapping[Language, SourceFile] | None = Field(None, min_length=1)
    """judge_prompts.jsonl of a language, instead of the benchmark's."""
    prompt_language: Literal["own", "both"] | Language = "own"
    """The language of the prompts: that of each question, one for all (such as `EN`), or `both`: every answer of a mix
    is judged by the prompts of its own language and by the English ones, and the report has what that changes."""
    reference_categories: Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(tuple_of)] | None = None
    """Judged against references; by default MT-Bench's math, reasoning, coding, and `all` of a built-in benchmark."""
    references: Which | None = None
    """Which references it compares with, where there are two kinds; `both` judges every answer twice."""
    pairs: Pairs | None = None
    """Also compare answers in pairs; single grading stands in any case."""
    retest: Retest | None = None
    """Also ask some verdicts several times."""
    panel: Mapping[Name, PanelJudge] | None = Field(None, min_length=1)
    """Further judges, by a name of your choice: each judges the same answers, singly and in pairs where there are any.
    The report has every judge alone, the mean of all and their majority, and how far they agree."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.retest is not None and self.endpoint == "built-in":
            what, remedy = "the built-in judge says the same each time", "Remove it"
            raise Broken(Problem(what=what, place=("retest",), remedy=remedy))
        return self

    @property
    def members(self) -> Mapping[str, PanelJudge]:
        """The further judges, by name."""
        return self.panel or {}

    @property
    def one_language(self) -> str | None:
        """The language of all its prompts, where that is one; None where each question's own is among them."""
        return None if self.prompt_language in ("own", "both") else self.prompt_language
