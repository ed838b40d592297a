"""Reference answers, written by a chat model in each question's own language.

A turn that got no whole answer is "" in its row, and a question none of whose turns did has no row; the reasons are
"refused", "truncated", "empty-output", "nul" and "http-<status>".
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from polyglot.core.canonical import Json
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.chat import ChatModel, calling, chat_forms, shares
from polyglot.kinds.data_card import DataCard
from polyglot.kinds.forecast import CHARACTERS_PER_TOKEN, Ask, Facts, Forecast, Texts
from polyglot.kinds.kind import GIB, Kind, Language, Params, endpoint_traits
from polyglot.kinds.rows import Reference, Rejection
from polyglot.kinds.settings import TurnSettings


class ReferenceParams(ChatModel, Params):
    """Reference answers to a benchmark's questions, written by a chat model in each question's own language."""

    kind: ClassVar[str] = "reference"

    languages: tuple[Language, ...]
    categories: tuple[str, ...] | Literal["all"]  # whose questions need references
    prompt: int  # version of our own wording
    max_failed_share: float = 0.02  # a setting by now; in keys, this constant stands for what it was

    @staticmethod
    def earlier(stage: Stage, settings: Mapping[str, Json]) -> Iterator[Stage]:
        """The stage as it was when the share was a parameter."""
        for share in shares(settings):
            if share != stage.params["max_failed_share"]:
                yield replace(stage, params={**stage.params, "max_failed_share": share})

    def needs_reference(self, category: str) -> bool:
        """Whether questions of a category get reference answers."""
        return self.categories == "all" or category in self.categories

    @property
    def shown_categories(self) -> str:
        """The categories, for people."""
        return self.categories if isinstance(self.categories, str) else ", ".join(self.categories)


_ANSWER_TOKENS = 250  # of a reference answer, assumed


def _estimate(ask: Ask) -> Forecast:
    """A call for each turn of the questions whose categories need references."""
    params, questions = ReferenceParams.of(ask.stage), ask.inputs["questions"]
    share = 1.0 if params.categories == "all" else min(1.0, len(params.categories) / 8)  # of MT-Bench's categories
    asked = {one: questions.texts[one] for one in params.languages if one in questions.texts}
    turns = 2 * share * sum(texts.rows for texts in asked.values())
    if not turns:
        return Forecast(lacking=("the number of questions",))
    read = share * sum(texts.characters or 0.0 for texts in asked.values()) / CHARACTERS_PER_TOKEN
    written = turns * min(_ANSWER_TOKENS, params.max_tokens)
    source = f"{questions.source}; answers of {_ANSWER_TOKENS} tokens assumed"
    forecast = calling(
        ask, calls=turns, prompt_tokens=1.5 * read + written / 2, completion_tokens=written, source=source
    )
    texts = {one: Texts(rows=share * found.rows, answers=2 * share * found.rows) for one, found in asked.items()}
    return replace(forecast, result=Facts(source=source, texts=texts))


KIND = Kind(
    params=ReferenceParams,
    settings=TurnSettings,
    defaults={"concurrency": 64},
    inputs={"questions": ("ingest",)},
    files={"references/<LANG>.jsonl": Reference, "rejected.jsonl": Rejection, "card.json": DataCard},
    offers=lambda params: {"references": "references/"},
    resources=Resources(memory_bytes=2 * GIB),
    networked=True,
    libraries=("openai",),
    traits=endpoint_traits,
    forms=chat_forms,
    estimate=_estimate,
    earlier=ReferenceParams.earlier,
)
