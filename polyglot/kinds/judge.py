"""Verdicts on a model's answers by a chat model, with the benchmark's own prompts."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, Kind, Language, Params, Sha256, endpoint_traits
from polyglot.kinds.settings import ChatSettings


class JudgeParams(Params):
    """Single grading of every (question, turn) with the benchmark's own prompts."""

    kind: ClassVar[str] = "judge"
    version: ClassVar[int] = 2

    endpoint: Literal["built-in", "openai"]
    model: str
    languages: tuple[Language, ...]
    temperature: float = 0.0
    max_tokens: int = 2048
    seed: int | None = None  # sent to the endpoint when not None
    prompts_sha256: Mapping[Language, Sha256]  # of each language's judge_prompts.jsonl, a blob of the store
    reference_categories: tuple[str, ...] | Literal["all"] = ("math", "reasoning", "coding")
    max_failed_share: float = 0.02  # above it the stage fails instead of committing

    def needs_reference(self, category: str) -> bool:
        """Whether questions of a category are judged against a reference answer."""
        return self.reference_categories == "all" or category in self.reference_categories


KIND = Kind(
    params=JudgeParams,
    settings=ChatSettings,
    defaults={"concurrency": 64},
    inputs={"answers": ("answer",), "questions": ("ingest",), "references": ("ingest", "reference")},
    resources=Resources(memory_bytes=2 * GIB),
    networked=True,
    libraries=("openai",),
    traits=endpoint_traits,
)
