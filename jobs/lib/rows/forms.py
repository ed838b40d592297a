"""Why a record cannot become a row, and how ids are compared. Text is never changed: no normalisation, no repair."""

import unicodedata


class Reject(Exception):
    """Raised by an adapter: this record has no normal form. `reason` is a short name such as "empty-output"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def id_key(identifier: str) -> str:
    """Return the form in which ids are compared: NFC, so that twins that look alike are one id."""
    return identifier if identifier.isascii() else unicodedata.normalize("NFC", identifier)


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
