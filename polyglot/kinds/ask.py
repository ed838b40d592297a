"""Two-turn answers of a model behind an endpoint to one benchmark: what `answer` makes of a model in the store."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from polyglot.core.canonical import Json
from polyglot.core.stage import Resources
from polyglot.kinds.answer import Answer, AnswerCard
from polyglot.kinds.chat import ChatForm
from polyglot.kinds.kind import GIB, Kind, Language, Params, endpoint_traits
from polyglot.kinds.settings import ChatSettings


class AskParams(Params):
    """Two-turn answers of a model behind an endpoint to one benchmark."""

    kind: ClassVar[str] = "ask"

    languages: tuple[Language, ...]
    endpoint: Literal["built-in", "openai"]
    model: str  # as the endpoint knows it
    systems: Mapping[Language, str]
    temperatures: Mapping[str, float]  # by category
    default_temperature: float
    max_tokens: int  # a turn
    top_p: float = 1.0
    samples: int = 1
    seed: int | None = None  # sent with the first sample, one more with each other
    night: str = ""  # of a nightly evaluation, as of `answer`


def _forms(params: Mapping[str, Json]) -> tuple[ChatForm, ...]:
    """One for each temperature, of whatever category."""
    asked = AskParams.model_validate(dict(params))
    if asked.endpoint == "built-in":
        return ()
    return tuple(
        ChatForm(
            model=asked.model,
            temperature=temperature,
            max_tokens=asked.max_tokens,
            seed=asked.seed,
            top_p=asked.top_p if asked.top_p < 1 else None,
        )
        for temperature in dict.fromkeys((asked.default_temperature, *asked.temperatures.values()))
    )


KIND = Kind(
    params=AskParams,
    settings=ChatSettings,
    defaults={"concurrency": 64},
    inputs={"questions": ("ingest",)},
    files={"answers/<LANG>.jsonl": Answer, "card.json": AnswerCard},
    resources=Resources(memory_bytes=2 * GIB),
    networked=True,
    nightly=True,
    libraries=("openai",),
    traits=endpoint_traits,
    forms=_forms,
)
