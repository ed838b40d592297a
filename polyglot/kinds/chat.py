"""What kinds share whose job asks a chat model."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from polyglot.core.canonical import Json
from polyglot.core.section import Section
from polyglot.kinds.forecast import LIGHT_BYTES, Ask, Forecast
from polyglot.kinds.settings import BATCH_SECONDS, BatchSettings

Temperature = Annotated[float, Field(ge=0, le=2)] | Literal["default"]
"""`default` sends none: of a model that takes no other than its own."""


def is_none(value: object) -> bool:
    """Whether an optional parameter was not given, and is in no key."""
    return value is None


class ChatPrices(Section):
    """What a model's tokens cost. Prices bound and count the cost, and change no result: they become settings."""

    price_usd_per_mtok_prompt: float | None = Field(None, ge=0)
    """US dollars for a million tokens that the model reads."""
    price_usd_per_mtok_completion: float | None = Field(None, ge=0)
    """US dollars for a million tokens that it writes."""


ChatEndpoint = Literal["built-in", "openai"]  # nobody who is asked, or a row of core.endpoint.ENDPOINTS


class ChatFailures(Section):
    """How many calls may fail. It changes no reply: it becomes a setting."""

    max_failed_share: float = Field(0.02, ge=0, le=1)
    """Above this share of failed replies the stage fails. It is in no key: what was asked is kept when it changes."""


class ChatModel(Section):
    """Who is asked, and how."""

    endpoint: ChatEndpoint
    """The program's own, rule-based one, or any OpenAI-compatible endpoint."""
    model: str = Field("", max_length=200)
    """The model of endpoint openai, as the endpoint knows it."""
    temperature: Temperature = 0.0
    """`default` sends none, for a model that takes no other than its own."""
    max_tokens: int = Field(2048, ge=1, le=2**20)
    """Of a reply, what the model thinks included; one that is cut is a failure."""
    seed: int | None = Field(None, ge=0, lt=2**53)
    """Sent to the endpoint when given."""
    reasoning_effort: str | None = Field(None, min_length=1, max_length=20, exclude_if=is_none)
    """How long a reasoning model thinks, in the endpoint's words (low, medium, high); sent when given."""


class ChatForm(BaseModel):
    """What all requests of a stage have in common, and an endpoint may refuse: though its key is right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    temperature: Temperature
    max_tokens: int
    seed: int | None = None
    top_p: float | None = None
    reasoning_effort: str | None = Field(None, exclude_if=is_none)
    response_format: str | None = Field(None, exclude_if=is_none)  # as JSON


def chat_forms(params: Mapping[str, Json]) -> tuple[ChatForm, ...]:
    """The form of a kind whose parameters are a ChatModel; none for the built-in endpoint, which takes any."""
    if params["endpoint"] == "built-in":
        return ()
    return (ChatForm.model_validate({name: params[name] for name in ChatForm.model_fields if name in params}),)


CALL_SECONDS = 8.0  # of one reply, assumed
BUILT_IN_CALL_SECONDS = 0.02
REPLY_TOKENS = 200  # of a verdict with its reasons, assumed


def calling(ask: Ask, *, calls: float, prompt_tokens: float, completion_tokens: float, source: str) -> Forecast:
    """The forecast of so many calls, with tokens of all of them together, at the settings' prices and pace.

    Those of batches have the price of batches, and are taken to need all of a batch's time.
    """
    settings = ask.settings
    real = ask.stage.params.get("endpoint") != "built-in"
    prices = [settings.get(name) for name in ("price_usd_per_mtok_prompt", "price_usd_per_mtok_completion")]
    usd: float | None = 0.0
    lacking: tuple[str, ...] = ()
    if real:
        read, written = (price if isinstance(price, int | float) else None for price in prices)
        usd = None if read is None or written is None else (prompt_tokens * read + completion_tokens * written) / 1e6
        lacking = () if usd is not None else ("dollars: no prices in the study",)
    batched = real and settings.get("mode") == "batch"
    if batched and usd is not None:
        share = settings.get("batch_price_factor", BatchSettings.model_fields["batch_price_factor"].default)
        usd *= share if isinstance(share, int | float) else 1.0
    at_once = settings.get("concurrency")
    seconds = calls * (CALL_SECONDS if real else BUILT_IN_CALL_SECONDS)
    seconds /= min(at_once if isinstance(at_once, int) else 64, max(1.0, calls)) if real else 1.0
    for name, used in (("requests_per_minute", calls), ("tokens_per_minute", prompt_tokens + completion_tokens)):
        limit = settings.get(name)
        seconds = max(seconds, 60 * used / limit) if isinstance(limit, int | float) and real else seconds
    seconds = BATCH_SECONDS if batched else seconds
    time = f"{CALL_SECONDS:g} s a call assumed" if real else "the built-in rules"
    return Forecast(
        memory={"process": LIGHT_BYTES},
        seconds=3.0 + seconds,
        calls=calls,
        prompt_tokens=prompt_tokens if real else None,
        completion_tokens=completion_tokens if real else None,
        usd=usd,
        disk_bytes=int(calls * 2000),
        sources={"calls": source, "time": "a batch's window, at most" if batched else time},
        lacking=lacking,
    )


def shares(settings: Mapping[str, Json]) -> tuple[Json, ...]:
    """The shares that may be in the key of an earlier stage that asked the same, when they were parameters."""
    default = ChatFailures.model_fields["max_failed_share"].default
    return tuple(dict.fromkeys((settings.get("max_failed_share", default), default)))
