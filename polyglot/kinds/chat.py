"""What kinds share whose job asks a chat model."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from polyglot.core.canonical import Json
from polyglot.core.section import Section


class ChatPrices(Section):
    """What a model's tokens cost. Prices bound and count the cost, and change no result: they become settings."""

    price_usd_per_mtok_prompt: float | None = Field(None, ge=0)
    """US dollars for a million tokens that the model reads."""
    price_usd_per_mtok_completion: float | None = Field(None, ge=0)
    """US dollars for a million tokens that it writes."""


class ChatFailures(Section):
    """How many calls may fail. It changes no reply: it becomes a setting."""

    max_failed_share: float = Field(0.02, ge=0, le=1)
    """Above this share of failed replies the stage fails. It is in no key: what was asked is kept when it changes."""


class ChatModel(Section):
    """Who is asked, and how."""

    endpoint: Literal["built-in", "openai"]
    """The program's own, rule-based one, or any OpenAI-compatible endpoint."""
    model: str = Field("", max_length=200)
    """The model of endpoint openai, as the endpoint knows it."""
    temperature: float = Field(0.0, ge=0, le=2)
    max_tokens: int = Field(2048, ge=1, le=2**20)
    """Of a reply; one that is cut is a failure."""
    seed: int | None = Field(None, ge=0, lt=2**53)
    """Sent to the endpoint when given."""


class ChatForm(BaseModel):
    """What all requests of a stage have in common, and an endpoint may refuse: though its key is right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    temperature: float
    max_tokens: int
    seed: int | None = None


def chat_form(params: Mapping[str, Json]) -> ChatForm | None:
    """The form of a kind whose parameters are a ChatModel; None for the built-in endpoint, which takes any."""
    if params["endpoint"] == "built-in":
        return None
    return ChatForm.model_validate({name: params[name] for name in ChatForm.model_fields})


def shares(settings: Mapping[str, Json]) -> tuple[Json, ...]:
    """The shares that may be in the key of an earlier stage that asked the same, when they were parameters."""
    default = ChatFailures.model_fields["max_failed_share"].default
    return tuple(dict.fromkeys((settings.get("max_failed_share", default), default)))
