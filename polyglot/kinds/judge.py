"""Verdicts on a model's answers by a chat model, with the benchmark's own prompts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from msgspec import field

from polyglot.core.canonical import Json
from polyglot.core.records import Record
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.chat import REPLY_TOKENS, ChatModel, calling, chat_forms, shares
from polyglot.kinds.forecast import CHARACTERS_PER_TOKEN, Ask, Forecast
from polyglot.kinds.kind import GIB, Kind, Language, Params, Sha256, endpoint_traits
from polyglot.kinds.settings import BatchSettings


class JudgeParams(ChatModel, Params):
    """Single grading of every (question, turn) with the benchmark's own prompts."""

    kind: ClassVar[str] = "judge"
    version: ClassVar[int] = 3

    languages: tuple[Language, ...]
    prompts_sha256: Mapping[Language, Sha256]  # of each language's judge_prompts.jsonl, a blob of the store
    reference_categories: tuple[str, ...] | Literal["all"] = ("math", "reasoning", "coding")

    @staticmethod
    def earlier(stage: Stage, settings: Mapping[str, Json]) -> Iterator[Stage]:
        """Before version 3, which reads the same replies in another way, the share was a parameter."""
        for share in shares(settings):
            yield replace(stage, version=2, params={**stage.params, "max_failed_share": share})

    def needs_reference(self, category: str) -> bool:
        """Whether questions of a category are judged against a reference answer."""
        return self.reference_categories == "all" or category in self.reference_categories


class Verdict(Record):
    """`verdicts/<LANG>.jsonl`: the rating of one turn of an answer. Exactly one of `score` and `reason` is set."""

    id: str  # of the question
    language: Language
    category: str
    sample: int
    turn: int  # from 1
    score: float | None  # 1.0 to 10.0
    reason: str | None = None  # "no-verdict", "truncated", "refused", "out-of-range", "no-answer", "http-<status>", …
    prompt: str | None = None  # the prompt's name; None where nobody was asked
    # why it is not the prompt with references that the category asks for: "no-reference", "no-reference-prompt"
    fallback: str | None = None
    conflicting: bool = field(name="rivals", default=False)  # the reply also held a different verdict
    text: str = ""  # the judge's reply
    prompt_tokens: int = 0
    completion_tokens: int = 0


class VerdictTokens(Record):
    """Of a verdict what it cost."""

    prompt_tokens: int
    completion_tokens: int


class VerdictCounts(Record):
    """One language; "no-answer" is among the failed, which the share does not count."""

    verdicts: int
    failed: int
    failed_share: float
    reasons: dict[str, int]
    fallbacks: dict[str, int]
    conflicting: int = field(name="rivals")


class JudgeCard(Record):
    """`card.json`."""

    endpoint: str
    model: str
    served_by: tuple[str, ...]  # names that the endpoint gave
    languages: dict[Language, VerdictCounts]


_PROMPT_TOKENS = 250  # of a judge prompt's own words
_REFERENCE_TOKENS = 150  # of a reference answer, and _REFERENCED of the questions have one
_REFERENCED = 3 / 8


def _estimate(ask: Ask) -> Forecast:
    """A call for each turn of each answer; the second one's prompt has both turns."""
    params, answers, questions = JudgeParams.of(ask.stage), ask.inputs["answers"], ask.inputs["questions"]
    turns = sum(answers.texts[one].answers or 0.0 for one in params.languages if one in answers.texts)
    if not turns:
        return Forecast(lacking=("the number of answers",))
    asked = [questions.texts[one] for one in params.languages if one in questions.texts]
    characters, rows = sum(one.characters or 0.0 for one in asked), sum(one.rows for one in asked)
    question = characters / rows / 2 / CHARACTERS_PER_TOKEN if rows else 0.0
    referenced = {"references": 1.0 if params.reference_categories == "all" else _REFERENCED}
    reference = _REFERENCE_TOKENS * sum(referenced[role] for role in ask.inputs if role == "references")
    each = _PROMPT_TOKENS + 1.5 * (question + (answers.answer_tokens or 0.0) + reference)
    return calling(
        ask,
        calls=turns,
        prompt_tokens=turns * each,
        completion_tokens=turns * min(REPLY_TOKENS, params.max_tokens),
        source=f"{answers.source}; replies of {REPLY_TOKENS} tokens assumed",
    )


KIND = Kind(
    params=JudgeParams,
    settings=BatchSettings,
    defaults={"concurrency": 64},
    inputs={"answers": ("answer", "ask"), "questions": ("ingest",), "references": ("ingest", "reference")},
    files={"verdicts/<LANG>.jsonl": Verdict, "card.json": JudgeCard},
    offers=lambda params: {"verdicts": "verdicts/"},
    resources=Resources(memory_bytes=2 * GIB),
    networked=True,
    libraries=("openai",),
    traits=endpoint_traits,
    forms=chat_forms,
    estimate=_estimate,
    earlier=JudgeParams.earlier,
)
