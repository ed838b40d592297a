"""Reference answers that a study has a model write, natively in each language of its benchmark."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from polyglot.core.section import Broken, Problem, Section, tuple_of
from polyglot.study.chat import check_model

PROMPT_VERSION = 1  # of our own wording (jobs.reference.prompt)
WORDED = ("EN", "DE", "FR", "IT", "ES")  # the languages that it is in
Which = Literal["published", "native", "both"]


class NativeReferences(Section):
    """Who writes them. Prices are no part of a result; the address and key are a profile's settings."""

    endpoint: Literal["built-in", "openai"]
    """Any OpenAI-compatible endpoint; the built-in author knows the built-in benchmark's answers only."""
    model: str = Field("", max_length=200)
    """The model of endpoint openai, as the endpoint knows it."""
    categories: Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(tuple_of)] | None = None
    """Questions that get references; by default those that are judged against them."""
    temperature: float = Field(0.0, ge=0, le=2)
    max_tokens: int = Field(2048, ge=16, le=2**20)
    """Of an answer to one turn; an answer that is cut is no reference."""
    seed: int | None = Field(None, ge=0, lt=2**53)
    """Sent to the endpoint when given."""
    max_failed_share: float = Field(0.02, ge=0, le=1)
    """Above this share of questions without a whole answer the stage fails."""
    price_usd_per_mtok_prompt: float | None = Field(None, ge=0)
    """US dollars for a million tokens that the model reads."""
    price_usd_per_mtok_completion: float | None = Field(None, ge=0)
    """US dollars for a million tokens that it writes."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_model(self.endpoint, self.model, built_in="the built-in author", example="as the endpoint knows it")
        if isinstance(self.categories, tuple) and not self.categories:
            raise Broken(Problem(what="no category", place=("categories",), remedy="Name some, or remove it"))
        return self
