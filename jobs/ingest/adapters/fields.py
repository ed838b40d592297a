"""What adapters share: taking typed fields out of a record, and the draft that they hand on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.lib.rows.forms import Reject, is_blank


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record's content before its id, language and text are checked. `id` None: numbered by position."""

    id: str | None
    turns: tuple[str, ...]
    category: str = ""
    input: bool = False  # it had an input beside the instruction
    reference: tuple[str, ...] | None = None  # a question's `reference` field; None when the field is absent
    origin: str | None = None  # where the record names them itself: what an earlier stage wrote
    licence: str | None = None


def text(record: Mapping[str, Any], name: str) -> str:
    """Return a required text field. Rejects "missing-field" (absent or null) and "wrong-type"."""
    value = record.get(name)
    if value is None:
        raise Reject("missing-field")
    if not isinstance(value, str):
        raise Reject("wrong-type")
    return value


def optional_text(record: Mapping[str, Any], name: str) -> str:
    """Return a text field that may be absent or null: "" then. Rejects "wrong-type"."""
    return "" if record.get(name) is None else text(record, name)


def identifier(record: Mapping[str, Any], *names: str) -> str | None:
    """Return the id under the first of `names` that is present, None when none is. Whole numbers become text."""
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Reject("wrong-type")
        return str(value)
    return None


def sequence(record: Mapping[str, Any], name: str) -> Sequence[Any]:
    """Return a required list field. Rejects "missing-field" and "wrong-type"."""
    value = record.get(name)
    if value is None:
        raise Reject("missing-field")
    if not isinstance(value, list | tuple):
        raise Reject("wrong-type")
    return value


def texts(values: Sequence[Any]) -> tuple[str, ...]:
    """Return a list of texts as a tuple. Rejects "wrong-type"."""
    if not all(isinstance(value, str) for value in values):
        raise Reject("wrong-type")
    return tuple(values)


def instruction(record: Mapping[str, Any], ask: str, context: str) -> str:
    """Join an instruction and its input, where that is not blank, by an empty line.

    Rejects "empty-instruction" for a blank instruction even if there is an input: nothing says what to do with it.
    """
    question, extra = text(record, ask), optional_text(record, context)
    if is_blank(question):
        raise Reject("empty-instruction")
    return f"{question}\n\n{extra}" if not is_blank(extra) else question


def chat(messages: Sequence[Any], role_field: str, text_field: str, roles: Mapping[str, str]) -> tuple[str, ...]:
    """Return the alternating turns of a chat, the user's first.

    `roles` maps the schema's role names to "user", "assistant" and "system". A blank system message is none. Rejects
    "system-message" (the study's templates bring their own, and leaving it out would change what the answer answers),
    "unknown-role", "bad-turns" (not alternating, or not from user to assistant), "wrong-type" and "missing-field".
    """
    turns: list[str] = []
    for message in messages:
        if not isinstance(message, Mapping):
            raise Reject("wrong-type")
        role = roles.get(text(message, role_field))
        if role is None:
            raise Reject("unknown-role")
        content = text(message, text_field)
        if role == "system" and not turns:
            if content.strip():
                raise Reject("system-message")
            continue
        if role != ("user", "assistant")[len(turns) % 2]:
            raise Reject("bad-turns")
        turns.append(content)
    return tuple(turns)
