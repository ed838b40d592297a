"""The verdict in a reply that was held to a JSON schema (`kinds.structured`), or the reason why there is none.

The reply is one JSON object and nothing else, but for what the model thought before it. Whatever is none, lacks the
field or holds another value there has no verdict: brackets are not looked for. A reply that was cut is no object.
"""

import json
from collections.abc import Mapping

from jobs.lib.chat.thinking import answer
from jobs.lib.judging.verdict import HIGHEST, LOWEST, WINNERS, Reading
from polyglot.core.canonical import Json
from polyglot.kinds.structured import FIELDS, offered


def parse_structured(text: str, finish_reason: str, response_format: Mapping[str, Json]) -> Reading:
    """Read a reply to a request of this form. Reasons: "truncated", "no-verdict", "out-of-range"."""
    if finish_reason == "length":
        return Reading(reason="truncated")
    mode, values = offered(response_format)
    said = _object(text)
    value = said.get(FIELDS[mode]) if said else None
    if mode == "pair":
        return Reading(winner=WINNERS[value]) if isinstance(value, str) and value in values else _NONE
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        return _NONE
    return Reading(score=float(value)) if LOWEST <= value <= HIGHEST else Reading(reason="out-of-range")


def is_structured(text: str) -> bool:
    """Whether a text is an object with a verdict: the published rule, which looks for brackets, is not about such."""
    said = _object(text)
    return said is not None and any(field in said for field in FIELDS.values())


_NONE = Reading(reason="no-verdict")


def _object(text: str) -> dict[str, Json] | None:
    """The JSON object that a reply is."""
    for part in dict.fromkeys((text, answer(text).text)):
        try:
            found = json.loads(part, object_pairs_hook=_once, parse_constant=_refuse)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return None


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """An object whose names differ: of two verdicts none is the verdict. Raises ValueError."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(text: str) -> Json:
    """NaN and infinities are no JSON. Raises ValueError."""
    raise ValueError(f"{text} is no JSON")
