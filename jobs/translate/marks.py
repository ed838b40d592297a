"""How protected parts are written into what an engine gets, and read from what comes back.

Each part is a numbered mark; marks must come back once each, in any order. `reserved` are the characters of the marks
themselves: where prose has them they are protected too. What an engine calls special is escaped.
"""

import re
from html import unescape
from typing import ClassVar

from jobs.lib.text.protection import Piece


class Lost(Exception):
    """A translation whose marks are not those of its source. `reason` is countable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Marks:
    """⟦1⟧, ⟦2⟧, …: for engines that are told to keep them, or that keep what they do not know."""

    reserved: ClassVar[str] = "⟦⟧"
    _mark: ClassVar[re.Pattern[str]] = re.compile(r"⟦\s*(\d{1,4})\s*⟧")

    def escape(self, prose: str) -> str:
        """Prose as the engine wants it."""
        return prose

    def unescape(self, text: str) -> str:
        """Undo `escape` in what came back. Raises Lost for what no translation of escaped prose can be."""
        if any(character in text for character in self.reserved):
            raise Lost("mark-garbled")
        return text

    def write(self, number: int, piece: Piece) -> str:
        """The mark of the part that has a number within its text, from 1."""
        del piece
        return f"⟦{number}⟧"

    def encode(self, pieces: list[Piece]) -> str:
        """The text that the engine gets: kinds are marks, prose is escaped."""
        numbers = iter(range(1, len(pieces) + 1))
        return "".join(
            self.escape(piece.text) if piece.kind is None else self.write(next(numbers), piece) for piece in pieces
        )

    def decode(self, text: str, pieces: list[Piece]) -> str:
        """Put the parts back. Raises Lost when a mark is missing, there twice, unknown or broken."""
        parts = {number: piece.text for number, piece in enumerate((p for p in pieces if p.kind is not None), 1)}
        out, at, seen = [], 0, set[int]()
        for match in self._mark.finditer(text):
            number = int(next(group for group in match.groups() if group))
            if number not in parts or number in seen:
                raise Lost("mark-added")
            seen.add(number)
            out += [self.unescape(text[at : match.start()]), parts[number]]
            at = match.end()
        out.append(self.unescape(text[at:]))
        if len(seen) < len(parts):
            raise Lost("mark-lost")
        return "".join(out)


class XmlMarks(Marks):
    """`<x id="1">content</x>`: for engines that handle tags and leave the content of some alone, but may read it."""

    reserved = ""
    _mark = re.compile(r'<x id="(\d{1,4})"\s*/>|<x id="(\d{1,4})"\s*>[^<]*</x>')

    def escape(self, prose: str) -> str:
        """As XML text."""
        return prose.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def unescape(self, text: str) -> str:
        """XML text as it reads. Raises Lost for a tag that is left."""
        if re.search(r"</?x\b", text):
            raise Lost("mark-garbled")
        return unescape(text)

    def write(self, number: int, piece: Piece) -> str:
        """With the part inside, which gives the translation its context."""
        return f'<x id="{number}">{self.escape(piece.text)}</x>'
