"""The engine that translates nothing: each text is its own translation. For tests of everything around it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobs.translate.engines.engine import Outcome
from jobs.translate.marks import Marks
from jobs.translate.units import Style


class Identity:
    """See `engine.Engine`."""

    style = Style(span="line", marks=Marks())

    def translate(self, texts: Sequence[str], settled: Callable[[int], None]) -> Mapping[str, Outcome]:
        """Copy."""
        settled(len(texts))
        return {text: Outcome(text) for text in texts}

    def about(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def account(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def close(self) -> None:
        """Nothing is open."""
