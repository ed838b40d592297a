"""What every engine is to the stage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jobs.translate.marks import Marks
from jobs.translate.units import Style
from polyglot.core.canonical import Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one text: a translation, or a reason of one word why there is none and never will be."""

    text: str | None
    reason: str | None = None


class Engine(Protocol):
    """One pair of languages. `style` says in what form it wants texts."""

    style: Style

    def translate(self, texts: Sequence[str], settled: Callable[[int], None]) -> Mapping[str, Outcome]:
        """Translate texts that differ, and call `settled` with the number of those that are done, now and then.

        What is on record from an earlier attempt is taken from there. Raises Interrupted when asked to stop,
        OverBudget before what would exceed a cap, Permanent for what another attempt cannot mend, and PolyglotError
        for what it may.
        """
        ...

    def about(self) -> Mapping[str, Json]:
        """What the card says of it: versions, names that it was served by."""
        ...

    def account(self) -> Mapping[str, Json]:
        """Cost, characters and calls of all attempts, for the volatile part of the manifest."""
        ...

    def close(self) -> None:
        """End what it started; harmless when repeated."""
        ...


class Identity:
    """See `engine.Engine`."""

    style = Style(span="line", marks=Marks())

    def translate(self, texts: Sequence[str], settled: Callable[[int], None]) -> Mapping[str, Outcome]:
        """Copy."""
        settled(len(texts))
        return {text: Outcome(text) for text in texts}

    def about(self) -> Mapping[str, Json]:
        """Nothing."""
        return {}

    def account(self) -> Mapping[str, Json]:
        """Nothing."""
        return {}

    def close(self) -> None:
        """Nothing is open."""
