"""An endpoint and its key, asked once in the form of each request that stages will send, before anything that costs."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, cast

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.records import Record
from polyglot.core.stage import Resources
from polyglot.kinds.chat import ChatForm
from polyglot.kinds.kind import GIB, HOUR_SECONDS, Asks, Kind, Params, Traits
from polyglot.kinds.settings import TurnSettings

ATTEMPTS = 3  # at each form that a study's budget allows for
MOST_PROMPT_TOKENS = 400  # of what is asked, more than any tokenizer makes of it


class ProbeParams(Params):
    """Ask an endpoint once in every form in which the stages of one kind will ask it."""

    kind: ClassVar[str] = "probe"

    asker: str  # the kind of those stages, as endpoints and keys are settings by kind
    asks: Asks = "openai"
    forms: tuple[ChatForm, ...]
    endpoint: Annotated[str, Field(exclude_if=lambda name: not name)] = ""  # its name in the profile, where it has one


class ProbeReply(Record):
    """What came back to one form; its tokens are as the endpoint counted them."""

    model: str
    served_by: str
    finish: str
    prompt_tokens: int | None
    completion_tokens: int | None


class ProbeRecord(Record):
    """`probe.json`."""

    asker: str
    replies: tuple[ProbeReply, ...]  # in the order of the forms


def most_usd(forms: tuple[ChatForm, ...], settings: Mapping[str, Json]) -> float:
    """The most that a probe may cost by the prices among its settings; without them 0."""

    def price(name: str) -> float:
        value = settings.get(name)
        return float(value) if isinstance(value, int | float) else 0.0

    prompt, completion = price("price_usd_per_mtok_prompt"), price("price_usd_per_mtok_completion")
    return ATTEMPTS * sum(MOST_PROMPT_TOKENS * prompt + form.max_tokens * completion for form in forms) / 1e6


KIND = Kind(
    params=ProbeParams,
    settings=TurnSettings,
    files={"probe.json": ProbeRecord},
    resources=Resources(memory_bytes=GIB, deadline_seconds=6 * HOUR_SECONDS),
    networked=True,
    libraries=("openai",),
    traits=lambda params: Traits(asks=cast(Asks, params.get("asks", "openai"))),
)
