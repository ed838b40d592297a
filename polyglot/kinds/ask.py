"""Two-turn answers of a model behind an endpoint to one benchmark: what `answer` makes of a model in the store."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from polyglot.core.canonical import Json
from polyglot.core.stage import Resources
from polyglot.kinds.answer import CHAT_TOKENS, TURNS, Answer, AnswerCard, known_answers, prompt_tokens
from polyglot.kinds.chat import ChatEndpoint, ChatForm, Temperature, calling, is_none
from polyglot.kinds.forecast import Ask, Facts, Forecast, Texts
from polyglot.kinds.kind import GIB, Kind, Language, Params, endpoint_traits
from polyglot.kinds.settings import TurnSettings


class AskParams(Params):
    """Two-turn answers of a model behind an endpoint to one benchmark."""

    kind: ClassVar[str] = "ask"

    languages: tuple[Language, ...]
    endpoint: ChatEndpoint
    model: str  # as the endpoint knows it
    systems: Mapping[Language, str]
    temperatures: Mapping[str, float]  # by category
    default_temperature: Temperature
    max_tokens: int  # a turn
    top_p: float = 1.0
    samples: int = 1
    seed: int | None = None  # sent with the first sample, one more with each other
    reasoning_effort: Annotated[str | None, Field(exclude_if=is_none)] = None
    night: str = ""  # of a nightly evaluation, as of `answer`


def _estimate(ask: Ask) -> Forecast:
    """A call a turn; the second one's prompt has the first turn and its answer."""
    params, questions = AskParams.of(ask.stage), ask.inputs["questions"]
    asked = {one: questions.texts[one].rows * params.samples for one in params.languages if one in questions.texts}
    count = sum(asked.values())
    if not count:
        return Forecast(lacking=("the number of questions",))
    prompt = prompt_tokens(questions, count, params.systems, params.samples)
    mean = min(CHAT_TOKENS, float(params.max_tokens))
    forecast = calling(
        ask,
        calls=TURNS * count,
        prompt_tokens=count * (3 * prompt + mean),
        completion_tokens=TURNS * count * mean,
        source=f"{questions.source}; answers of {mean:.0f} tokens assumed",
    )
    texts = {one: Texts(rows=rows, answers=TURNS * rows) for one, rows in asked.items()}
    return replace(forecast, result=Facts(source="the questions", texts=texts, answer_tokens=mean))


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
            reasoning_effort=asked.reasoning_effort,
        )
        for temperature in dict.fromkeys((asked.default_temperature, *asked.temperatures.values()))
    )


KIND = Kind(
    params=AskParams,
    settings=TurnSettings,
    defaults={"concurrency": 64},
    inputs={"questions": ("ingest",)},
    files={"answers/<LANG>.jsonl": Answer, "card.json": AnswerCard},
    resources=Resources(memory_bytes=2 * GIB),
    networked=True,
    nightly=True,
    libraries=("openai",),
    traits=endpoint_traits,
    estimate=_estimate,
    known=known_answers,
    forms=_forms,
)
