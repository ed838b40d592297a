"""Reference answers, written by a chat model in each question's own language."""

from typing import ClassVar, Literal

from polyglot.core.stage import Resources
from polyglot.kinds.kind import GIB, Kind, Language, Params, endpoint_traits
from polyglot.kinds.settings import ChatSettings


class ReferenceParams(Params):
    """Reference answers to a benchmark's questions, written by a chat model in each question's own language."""

    kind: ClassVar[str] = "reference"

    endpoint: Literal["built-in", "openai"]
    model: str
    languages: tuple[Language, ...]
    categories: tuple[str, ...] | Literal["all"]  # whose questions need references
    prompt: int  # version of our own wording
    temperature: float = 0.0
    max_tokens: int = 2048  # of an answer to one turn
    seed: int | None = None  # sent to the endpoint when not None
    max_failed_share: float = 0.02  # of the questions; above it the stage fails instead of committing

    def needs_reference(self, category: str) -> bool:
        """Whether questions of a category get reference answers."""
        return self.categories == "all" or category in self.categories

    @property
    def shown_categories(self) -> str:
        """The categories, for people."""
        return self.categories if isinstance(self.categories, str) else ", ".join(self.categories)


KIND = Kind(
    params=ReferenceParams,
    settings=ChatSettings,
    defaults={"concurrency": 64},
    inputs={"questions": ("ingest",)},
    resources=Resources(memory_bytes=2 * GIB),
    networked=True,
    libraries=("openai",),
    traits=endpoint_traits,
)
