"""What adapters share: taking typed fields out of a record, why one cannot become a row, and the draft of one that can.

Text is never changed: no normalisation, no stripping, no repair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})  # of the chat and the responses API
Fields = Mapping[str, object]  # of one record, as somebody else wrote it


class Reject(Exception):
    """Raised by an adapter: this record has no normal form. `reason` is a short name such as "empty-output"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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


def text(record: Fields, name: str) -> str:
    """Return a required text field. Rejects "missing-field" (absent or null) and "wrong-type"."""
    value = record.get(name)
    if value is None:
        raise Reject("missing-field")
    if not isinstance(value, str):
        raise Reject("wrong-type")
    return value


def optional_text(record: Fields, name: str) -> str:
    """Return a text field that may be absent or null: "" then. Rejects "wrong-type"."""
    return "" if record.get(name) is None else text(record, name)


def identifier(record: Fields, *names: str) -> str | None:
    """Return the id under the first of `names` that is present, None when none is. Whole numbers become text."""
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Reject("wrong-type")
        return str(value)
    return None


def sequence(record: Fields, name: str) -> Sequence[object]:
    """Return a required list field. Rejects "missing-field" and "wrong-type"."""
    value = record.get(name)
    if value is None:
        raise Reject("missing-field")
    if not isinstance(value, list | tuple):
        raise Reject("wrong-type")
    return value


def texts(values: Sequence[object]) -> tuple[str, ...]:
    """Return a list of texts as a tuple. Rejects "wrong-type"."""
    if not all(isinstance(value, str) for value in values):
        raise Reject("wrong-type")
    return tuple(value for value in values if isinstance(value, str))


def instruction(record: Fields, ask: str, context: str) -> str:
    """Join an instruction and its input, where that is not blank, by an empty line.

    Rejects "empty-instruction" for a blank instruction even if there is an input: nothing says what to do with it.
    """
    question, extra = text(record, ask), optional_text(record, context)
    if is_blank(question):
        raise Reject("empty-instruction")
    return f"{question}\n\n{extra}" if not is_blank(extra) else question


def spoken(message: Fields, name: str) -> str:
    """Return what a message says: a text, or a list of text parts as chat APIs write it, joined by nothing.

    Rejects "not-text" for a part that is none (an image, a call of a tool), "missing-field" and "wrong-type".
    """
    value = message.get(name)
    if not isinstance(value, list | tuple):
        return text(message, name)
    said = []
    for part in value:
        kind = part.get("type", "text") if isinstance(part, Mapping) else "text"
        if not isinstance(kind, str) or kind not in _TEXT_PARTS:
            raise Reject("not-text")
        said.append(text(part, "text") if isinstance(part, Mapping) else text({name: part}, name))
    return "".join(said)


def chat(messages: Sequence[object], role_field: str, text_field: str, roles: Mapping[str, str]) -> tuple[str, ...]:
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
        content = spoken(message, text_field)
        if role == "system" and not turns:
            if content.strip():
                raise Reject("system-message")
            continue
        if role != ("user", "assistant")[len(turns) % 2]:
            raise Reject("bad-turns")
        turns.append(content)
    return tuple(turns)


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen: it is empty, white space, or of zero width."""
    return not any(character.isprintable() and not character.isspace() for character in text)


def text_fault(text: str) -> str | None:
    """Return why a text cannot be carried on ("nul", "lone-surrogate"), or None."""
    if "\0" in text:
        return "nul"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "lone-surrogate"
    return None
