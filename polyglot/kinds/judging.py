"""What the kinds share that have a chat model judge answers: one at a time (`judge`) or in pairs (`compare`)."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from polyglot.core.canonical import Json, canonical
from polyglot.core.records import Record
from polyglot.kinds.chat import REPLY_TOKENS, ChatForm, ChatModel, calling, chat_forms
from polyglot.kinds.forecast import CHARACTERS_PER_TOKEN, Ask, Forecast
from polyglot.kinds.judge_prompts import Mode
from polyglot.kinds.kind import Language, Params, Sha256
from polyglot.kinds.structured import Output, reply_format

_PROMPT_TOKENS = 250  # of a judge prompt's own words
_REFERENCE_TOKENS = 150  # of a reference answer, and _REFERENCED of the questions have one
_REFERENCED = 3 / 8


class JudgingParams(ChatModel, Params):
    """Who judges, by which prompts, and what is compared with references."""

    languages: tuple[Language, ...]
    prompts_sha256: Mapping[Language, Sha256]  # of each language's judge_prompts.jsonl, a blob of the store
    reference_categories: tuple[str, ...] | Literal["all"] = ("math", "reasoning", "coding")
    output: Annotated[Output, Field(exclude_if=lambda output: output == "text")] = "text"  # the form of a reply

    def needs_reference(self, category: str) -> bool:
        """Whether questions of a category are judged against a reference answer."""
        return self.reference_categories == "all" or category in self.reference_categories


def judging_forms(mode: Mode) -> Callable[[Mapping[str, Json]], tuple[ChatForm, ...]]:
    """The forms of a kind that judges: `chat_forms`, with that of the reply where one is asked for."""

    def forms(params: Mapping[str, Json]) -> tuple[ChatForm, ...]:
        found = chat_forms(params)
        if params.get("output", "text") == "text":
            return found
        said = canonical(reply_format(mode)).decode()
        return tuple(form.model_copy(update={"response_format": said}) for form in found)

    return forms


class VerdictCounts(Record):
    """One language; "no-answer" is among the failed, which the share of calls does not count."""

    verdicts: int
    failed: int
    failed_share: float
    reasons: dict[str, int]
    fallbacks: dict[str, int]


def estimate_verdicts(ask: Ask, params: JudgingParams, *roles: str, orders: int = 1) -> Forecast:
    """A call for each turn of each answer in each order; the second turn's prompt has both turns.

    `roles` are those of the answers that stand in one prompt.
    """
    answers, questions = ask.inputs[roles[0]], ask.inputs["questions"]
    turns = sum(answers.texts[one].answers or 0.0 for one in params.languages if one in answers.texts)
    if not turns:
        return Forecast(lacking=("the number of answers",))
    asked = [questions.texts[one] for one in params.languages if one in questions.texts]
    characters, rows = sum(one.characters or 0.0 for one in asked), sum(one.rows for one in asked)
    question = characters / rows / 2 / CHARACTERS_PER_TOKEN if rows else 0.0
    share = 1.0 if params.reference_categories == "all" else _REFERENCED
    reference = _REFERENCE_TOKENS * share if "references" in ask.inputs else 0.0
    shown = sum(ask.inputs[role].answer_tokens or 0.0 for role in roles)
    each = _PROMPT_TOKENS + 1.5 * (question * len(roles) + shown + reference)
    return calling(
        ask,
        calls=orders * turns,
        prompt_tokens=orders * turns * each,
        completion_tokens=orders * turns * min(REPLY_TOKENS, params.max_tokens),
        source=f"{answers.source}; replies of {REPLY_TOKENS} tokens assumed",
    )
