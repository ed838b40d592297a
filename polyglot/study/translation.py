"""How a study has data sets and benchmarks translated: engines, and what they are asked for."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from polyglot.core.section import Broken, Count, Language, Name, Problem, Revision, Section, tuple_of
from polyglot.kinds.chat import Temperature
from polyglot.kinds.translate import EngineName, Formality
from polyglot.study.chat import TOKEN_PRICES
from polyglot.study.files import ONE_OR_MANY

Price = Annotated[float, Field(ge=0)]

PROMPT_VERSION = 1  # of our own wording for endpoint openai (jobs.translate.engines.openai)
# What means something to which engine; `engine` itself does to all.
KEYS: Mapping[EngineName, tuple[str, ...]] = {
    "identity": (),
    "apertium": (),
    "deepl": ("formality", "glossary", "price_usd_per_mchar", "max_characters"),
    "openai": (
        "model",
        "temperature",
        "max_tokens",
        "seed",
        *TOKEN_PRICES,
        "max_characters",
    ),
    "marian": ("model", "revision", "directory", "beams"),
    "nllb": ("model", "revision", "directory", "beams"),
}


class Engine(Section):
    """What translates. Prices and caps are no part of a result; addresses and keys are a profile's settings."""

    engine: EngineName
    """`identity` copies, for tests; `apertium` runs the Debian program; `marian` and `nllb` run a model."""
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Of openai, as the endpoint knows it; of marian and nllb, owner/name on the hub."""
    revision: Revision | None = None
    """The hub repository's commit."""
    directory: str | None = Field(None, min_length=1, max_length=2000)
    """Of marian and nllb: a local folder with such a model, instead of a hub's."""
    beams: int = Field(1, ge=1, le=16)
    """Of marian and nllb; 1 is greedy."""
    formality: Formality = "default"
    """Of deepl."""
    glossary: Mapping[Language, Mapping[str, str]] = Field(default_factory=dict)
    """Of deepl: target language → term → its translation."""
    temperature: Temperature = 0.0
    """Of openai; `default` sends none, for a model that takes no other than its own."""
    max_tokens: int = Field(4096, ge=16, le=2**20)
    """Of one reply of openai."""
    seed: int | None = Field(None, ge=0, lt=2**53)
    """Sent to openai's endpoint when given."""
    price_usd_per_mchar: Price | None = None
    """US dollars for a million characters of deepl."""
    price_usd_per_mtok_prompt: Price | None = None
    """US dollars for a million tokens that openai reads."""
    price_usd_per_mtok_completion: Price | None = None
    """US dollars for a million tokens that it writes."""
    max_characters: Count | None = None
    """Characters that each language of this translation may cost in all; beyond it the run ends with exit code 3."""

    @property
    def prices(self) -> tuple[str, ...]:
        """The keys that a budget in US dollars needs."""
        return tuple(name for name in KEYS[self.engine] if name.startswith("price"))

    @model_validator(mode="after")
    def _check_engine(self) -> Self:
        problems = [*self._strange_keys(), *self._model_problems()]
        if problems:
            raise Broken(*problems)
        return self

    def _strange_keys(self) -> Iterator[Problem]:
        known = {"engine", *KEYS[self.engine]}
        for name in Engine.model_fields:
            if name in self.model_fields_set and name not in known:
                what = f"means nothing for engine {self.engine}"
                yield Problem(what=what, place=(name.replace("_", "-"),), remedy="Remove it")

    def _model_problems(self) -> Iterator[Problem]:
        if self.engine == "openai" and self.model is None:
            yield Problem(what="no model", remedy="Add `model:`, as the endpoint knows it")
        if self.engine in ("marian", "nllb"):
            if (self.model is None) == (self.directory is None):
                got = "neither" if self.model is None else "both"
                yield Problem(what="no single model", got=got, expected="exactly one of model and directory")
            elif self.model is not None and self.revision is None:
                expected, remedy = "a commit of 40 hex digits", "Add `revision:`; branches and tags move"
                yield Problem(what="not pinned", expected=expected, remedy=remedy)
            elif self.directory is not None and self.revision is not None:
                yield Problem(what="means nothing for a folder", place=("revision",), remedy="Remove it")


class Translation(Engine):
    """From one language into others."""

    source: Language = Field(alias="from")
    """The language that is translated."""
    to: Annotated[tuple[Language, ...], Field(min_length=1), BeforeValidator(tuple_of)]
    """The languages that are made of it; marian takes one."""

    @model_validator(mode="after")
    def _check_languages(self) -> Self:
        problems = []
        for number, language in enumerate(self.to):
            if language == self.source:
                problems.append(Problem(what="the language that is translated from", place=("to", number)))
            elif language in self.to[:number]:
                problems.append(Problem(what=f"{language} is there twice", place=("to", number)))
        if self.engine == "marian" and len(self.to) > 1:
            remedy = "A Marian model knows one pair: write a list of translations, one for each language"
            problems.append(Problem(what="several languages", place=("to",), got=", ".join(self.to), remedy=remedy))
        for language in self.glossary:
            if language not in self.to:
                problems.append(Problem(what="nothing is translated into it", place=("glossary", language)))
        if problems:
            raise Broken(*problems)
        return self


class DatasetTranslation(Translation):
    """One language of another data set of the study, in other languages."""

    of: Name
    """The data set that is translated; it may be a translated one itself."""


class BenchmarkTranslation(Translation):
    """One language of the benchmark's questions and references, in other languages."""

    replace: bool = False
    """Put translations in the place of questions and references that the benchmark has; these stay to compare with."""


DatasetTranslations = Annotated[tuple[DatasetTranslation, ...], Field(min_length=1), *ONE_OR_MANY]
BenchmarkTranslations = Annotated[tuple[BenchmarkTranslation, ...], Field(min_length=1), *ONE_OR_MANY]
