"""The order in which a report names languages."""

from collections.abc import Callable, Mapping
from typing import Any

from polyglot.core.languages import language_rank


def place_in(report: Mapping[str, Any]) -> Callable[[str], tuple[int, tuple[int, str]]]:
    """A sort key: the benchmark's languages in its own order, then others in that of mix names."""
    asked = report["method"]["languages"]
    return lambda code: (asked.index(code) if code in asked else len(asked), language_rank(code))
