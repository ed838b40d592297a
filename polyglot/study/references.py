"""Reference answers that a study has a model write, natively in each language of its benchmark."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from polyglot.core.section import Broken, Problem, tuple_of
from polyglot.kinds.chat import ChatFailures, ChatModel, ChatPrices
from polyglot.study.chat import check_model

PROMPT_VERSION = 1  # of our own wording (jobs.reference.prompt)
WORDED = ("EN", "DE", "FR", "IT", "ES")  # the languages that it is in
Which = Literal["published", "native", "both"]


class NativeReferences(ChatPrices, ChatFailures, ChatModel):
    """Who writes them. Prices are no part of a result; the address and key are a profile's settings."""

    categories: Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(tuple_of)] | None = None
    """Questions that get references; by default those that are judged against them."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_model(self.endpoint, self.model, built_in="the built-in author", example="as the endpoint knows it")
        if isinstance(self.categories, tuple) and not self.categories:
            raise Broken(Problem(what="no category", place=("categories",), remedy="Name some, or remove it"))
        return self
