"""The form in which a judge may be held to reply: a JSON schema, as OpenAI's `response_format` has it.

The explanation stands before the verdict, so that a model gives its reasons first; every field is required and no other
allowed, as `strict` wants it. Numbers are listed, since not every endpoint takes bounds.
"""

from collections.abc import Mapping
from typing import Literal

from polyglot.core.canonical import Json
from polyglot.kinds.judge_prompts import Mode

Output = Literal["text", "json-schema"]
FIELDS: Mapping[Mode, str] = {"single": "rating", "pair": "verdict"}  # what holds the verdict
RATINGS = tuple(range(1, 11))
LETTERS = ("A", "B", "C")  # C: a tie
BOTH_BAD = "D"


def reply_format(mode: Mode, *, both_bad: bool = False) -> dict[str, Json]:
    """The `response_format` of a request; `both_bad`: the prompt offers to say so."""
    field = FIELDS[mode]
    verdict: dict[str, Json] = (
        {"type": "integer", "enum": list(RATINGS)}
        if mode == "single"
        else {"type": "string", "enum": [*LETTERS, BOTH_BAD] if both_bad else list(LETTERS)}
    )
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {"explanation": {"type": "string"}, field: verdict},
        "required": ["explanation", field],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": field, "strict": True, "schema": schema}}


def offered(response_format: Mapping[str, Json]) -> tuple[Mode, tuple[Json, ...]]:
    """What a form of ours asks for, and the values that it offers. Raises KeyError for another form."""
    described = response_format["json_schema"]
    if not isinstance(described, Mapping) or not isinstance(schema := described["schema"], Mapping):
        raise KeyError("schema")
    mode: Mode = "single" if described["name"] == FIELDS["single"] else "pair"
    properties = schema["properties"]
    verdict = properties[FIELDS[mode]] if isinstance(properties, Mapping) else None
    values = verdict["enum"] if isinstance(verdict, Mapping) else None
    return mode, tuple(values) if isinstance(values, list | tuple) else ()
