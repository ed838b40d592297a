"""Models that are not tuned: published chat models, models behind endpoints, answers and judgments of others."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from polyglot.core.section import Broken, Language, Name, Section, tuple_of
from polyglot.kinds.chat import ChatEndpoint, ChatFailures, ChatPrices, Temperature
from polyglot.kinds.templates import OWN, TemplateName
from polyglot.study.chat import TOKEN_PRICES, check_model, shown
from polyglot.study.files import SourceFile
from polyglot.study.sources import Model, source_of, strangers

_ASKING = ("model", "temperature", "max_tokens", "seed", "reasoning_effort", *TOKEN_PRICES, *ChatFailures.model_fields)
_LOADING = ("revision", "template", "template_date")


class Baseline(ChatPrices, ChatFailures, Model):
    """A model that is answered for and judged beside the mixes, and never tuned. Exactly one of published, endpoint,
    answers and what else a model has.
    """

    template: TemplateName = OWN
    """The model's own chat template, or the paper's chat format."""
    endpoint: ChatEndpoint | None = None
    """Any OpenAI-compatible endpoint; `built-in` is the program's own author, who knows the built-in benchmark."""
    model: str = Field("", max_length=200)
    """The model of endpoint openai, as the endpoint knows it; of answers that are read, as files of several name it."""
    temperature: Temperature | None = None
    """Of every answer of an endpoint that takes no other; `default` sends none. Else as the study's models answer."""
    max_tokens: int | None = Field(None, ge=1, le=2**20)
    """Of a turn of an endpoint, what it thinks included; else `answers.max-new-tokens`."""
    seed: int | None = Field(None, ge=0, lt=2**52)
    """Sent to the endpoint when given."""
    reasoning_effort: str | None = Field(None, min_length=1, max_length=20)
    """How long a reasoning model thinks, in the endpoint's words (low, medium, high); sent when given."""

    answers: Mapping[Language, SourceFile] | None = Field(None, min_length=1)
    """Answers that others have, to be judged here: a file of FastChat's model_answer for each language."""
    verdicts: Mapping[Language, SourceFile] | None = Field(None, min_length=1)
    """Verdicts on these answers, *not judged here*: a file of FastChat's model_judgment (…_single.jsonl) for each."""

    sources: ClassVar[tuple[str, ...]] = (*Model.sources, "endpoint", "answers")

    @model_validator(mode="after")
    def _check(self) -> Self:
        source = source_of(self, *self.sources)
        if source == "endpoint":
            problems = list(strangers(self, source, (*_LOADING, "verdicts")))
        elif source == "answers":
            problems = list(strangers(self, source, (*_LOADING, *(name for name in _ASKING if name != "model"))))
        else:
            problems = [*self._source_problems(), *strangers(self, "no endpoint", (*_ASKING, "verdicts"))]
        if problems:
            raise Broken(*problems)
        if self.endpoint is not None:
            check_model(self.endpoint, self.model, built_in="the built-in author", example="such as gpt-4-0613")
        return self

    @property
    def shown(self) -> str:
        """What it is, for people."""
        if self.endpoint is not None:
            names = ("temperature", "max_tokens", "seed", "reasoning_effort")
            own = {name.replace("_", "-"): getattr(self, name) for name in names}
            said = [f"{name} {shown(value)}" for name, value in own.items() if value is not None]
            return ", ".join([f"{self.model} by endpoint" if self.model else "the built-in author", *said])
        if self.answers is not None:
            judged = "judged here" if self.verdicts is None else f"not judged here: {_names(self.verdicts)}"
            return f"answers read from {_names(self.answers)}; {judged}"
        source = "files" if self.built_in is None else "built-in"
        source = f"{self.hub} at {(self.revision or '')[:12]}" if self.hub else source
        return f"{source}, {'its own template' if self.template == OWN else self.template}"

    @property
    def asked(self) -> bool:
        """Whether it is a model behind an endpoint."""
        return self.endpoint is not None

    @property
    def stored(self) -> bool:
        """Whether it is a model in the store."""
        return self.endpoint is None and self.answers is None


class ImportedPairs(Section):
    """Verdicts of one judge on pairs of baselines whose `answers` were read, *not judged here*."""

    files: Mapping[Language, SourceFile] = Field(min_length=1)
    """For each language of the benchmark FastChat's model_judgment (…_pair.jsonl), or AlpacaEval's annotations."""
    between: Annotated[tuple[Name, ...], Field(min_length=2), BeforeValidator(tuple_of)] | None = None
    """The baselines of which every two are compared; by default all that have `answers`."""

    @property
    def shown(self) -> str:
        """What it is, for people."""
        return f"read from {_names(self.files)}; not judged here"


def _names(files: Mapping[str, SourceFile]) -> str:
    return ", ".join(f"{file.name} ({language})" for language, file in files.items())
