"""How a study has translations assessed: which rows against which, and by what."""

from typing import Literal, Self

from pydantic import Field, model_validator

from polyglot.core.section import Broken, HubName, Label, Language, Name, Problem, Revision, Section
from polyglot.kinds.chat import ChatFailures, ChatPrices, Temperature
from polyglot.study.translation import Engine

PROMPT_VERSION = 2  # of our own wording for adequacy, and of how replies are read (jobs.quality.adequacy)
PUBLISHED = "published"


class Adequacy(ChatFailures, ChatPrices):
    """A language model that rates how much of a source's meaning its translation has, from 0 to 100."""

    endpoint: Literal["openai"] = "openai"
    """Any OpenAI-compatible endpoint: the judge's."""
    model: str = Field(min_length=1, max_length=200)
    """As the endpoint knows it."""
    temperature: Temperature = 0.0
    """`default` sends none, for a model that takes no other than its own."""
    max_tokens: int = Field(512, ge=16, le=2**20)
    """Of one reply."""
    seed: int | None = Field(None, ge=0, lt=2**53)
    """Sent to the endpoint when given."""
    max_failed_share: float = Field(0.05, ge=0, le=1)
    """Above this share of turns without a rating the stage fails. It is in no key."""


class Comet(Section):
    """A learned metric without a reference, by the library `comet` (PyPI unbabel-comet), which is not in the lock."""

    model: HubName
    """owner/name on the hub, such as Unbabel/wmt22-cometkiwi-da. Its checkpoint is a pickle: trust who made it."""
    revision: Revision
    """The repository's commit."""


class QualityCheck(Section):
    """One translation that is assessed: the rows of one language beside those of the language it is of."""

    name: Label
    """What the report and the human sheet call it."""
    data: Name | None = None
    """A data set of the study. Exactly one of data and benchmark."""
    benchmark: Literal["questions", "references"] | None = None
    """The benchmark's questions or references."""
    published: bool = False
    """Of the benchmark: assess what its files have, where translations take their place."""
    source: Language = Field(alias="from")
    """The language that was translated."""
    to: Language
    """The language that is assessed."""
    reference: Name | None = None
    """A data set with the same ids in the language `to`; with benchmark, `published`."""
    reference_is: Literal["human", "machine"] | None = None
    """Needed with a reference. Likeness to human translations is quality, to machine ones agreement only."""
    back: Engine | None = None
    """Translate it back by this engine and compare with the source."""
    adequacy: Adequacy | None = None
    """Have it rated by a language model."""
    comet: Comet | None = None
    """Have it rated by a learned metric."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = []
        if (self.data is None) == (self.benchmark is None):
            got = "neither" if self.data is None else "both"
            problems.append(Problem(what="nothing to assess", got=got, expected="exactly one of data and benchmark"))
        if self.source == self.to:
            problems.append(Problem(what="the language that it is translated from", place=("to",)))
        if self.published and self.benchmark is None:
            problems.append(Problem(what="means nothing without benchmark", place=("published",), remedy="Remove it"))
        if (self.reference is None) != (self.reference_is is None):
            what = "no `reference-is`" if self.reference else "no reference to say it of"
            remedy = "Write `reference-is: human` or `machine`" if self.reference else "Remove `reference-is`"
            problems.append(Problem(what=what, remedy=remedy))
        if self.benchmark is not None and self.reference not in (None, PUBLISHED):
            expected = "`published`, the benchmark's own files"
            problems.append(
                Problem(what="no such reference", place=("reference",), got=str(self.reference), expected=expected)
            )
        if self.published and self.reference == PUBLISHED:
            problems.append(Problem(what="what is assessed is its own reference", place=("reference",)))
        if self.back is not None and self.back.directory is not None:
            problems.append(
                Problem(
                    what="a folder's model cannot translate back yet",
                    place=("back", "directory"),
                    remedy="Name it on the hub",
                )
            )
        if problems:
            raise Broken(*problems)
        return self
