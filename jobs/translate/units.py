"""A text as units that an engine translates, and what stands between them.

How long a unit is, is the engine's `Style`: "passage" (all lines between two blocks of code), "line", or "sentence".
White space around a unit, and every unit without a letter of prose, never reaches an engine.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from jobs.lib.text.protection import BLOCKS, LAYOUT, Piece, inline, inventory, pieces
from jobs.translate.marks import Lost, Marks

# An end, closing quotation marks, white space, and a capital; "e.g. X" is none.
_SENTENCE_END = re.compile(r"(?<=[.!?…])(?<!\w\.\w\.)[\"'”’»)\]]*(?P<space>\s+)(?=[\"'“‘«(\[¿¡]*[^\W\d_a-zß-öø-ÿ])")
_ENDS_WITH_SENTENCE = re.compile(r"[.!?…][\"'”’»)\]]*\s+$")
_WORDS = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What an engine wants. Inline kinds in `plain` stay readable in the text, and are only compared afterwards."""

    span: Literal["passage", "line", "sentence"]
    marks: Marks
    plain: frozenset[str] = frozenset()
    max_characters: int = 4000  # of a unit, as encoded; longer ones are cut at white space
    split_when_lost: bool = False  # whether a unit that lost a mark is asked for again in parts (free engines)


@dataclass(frozen=True, slots=True)
class Unit:
    """What is translated as one. `text` is what the engine gets."""

    pieces: tuple[Piece, ...]
    text: str
    style: Style

    @property
    def source(self) -> str:
        """What it is a translation of."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def characters(self) -> int:
        """Of prose."""
        return sum(len(piece.text) for piece in self.pieces if piece.kind is None)

    def restore(self, translation: str) -> str:
        """The translation with its protected parts. Raises Lost, also for an empty one."""
        stripped = translation.strip()
        if not stripped:
            raise Lost("empty-translation")
        return self.style.marks.decode(stripped, list(self.pieces))

    def around(self) -> "list[Unit | str]":
        """The unit cut around all that is protected, also what was left readable: where an engine lost a part."""
        found: list[Unit | str] = []
        for piece in self.pieces:
            for part in inline(piece.text) if piece.kind is None else [piece]:
                found += _unit([part], self.style) if part.kind is None else [part.text]
        return found


Segment = Unit | str


def segments(text: str, style: Style) -> list[Segment]:
    """Cut a text into units and what stays as it is; with each unit's own source text, joined, they are the text."""
    found: list[Segment] = []
    run: list[Piece] = []
    for piece in pieces(text):
        borders = BLOCKS if style.span == "passage" else BLOCKS | {LAYOUT}
        if piece.kind in borders:
            found += _units(run, style)
            run = []
            found.append(piece.text)
        else:
            run.append(piece)
    return found + _units(run, style)


def changed(source: str, translation: str) -> str | None:
    """Why a translation may not stand beside its source, or None: the first kind whose protected parts differ."""
    before, after = inventory(source), inventory(translation)
    for kind in sorted(before.keys() | after.keys()):
        if before.get(kind) != after.get(kind):
            return f"{kind}-changed"
    return None


def _units(run: Sequence[Piece], style: Style) -> list[Segment]:
    found: list[Segment] = []
    for sentence in _sentences(run) if style.span == "sentence" else [list(run)]:
        for part in _bounded(sentence, style.max_characters):
            found += _unit(part, style)
    return found


def _unit(run: Sequence[Piece], style: Style) -> list[Segment]:
    """One unit with what surrounds it; or only the latter, where nothing is to be translated."""
    text = "".join(piece.text for piece in run)
    core = list(run)
    while core and _is_space(core[0]):
        del core[0]
    while core and _is_space(core[-1]):
        del core[-1]
    masked = _masked(core, style)
    if not any(piece.kind is None and any(map(str.isalpha, piece.text)) for piece in masked):
        return [text] if text else []
    inner = "".join(piece.text for piece in masked)
    start = text.index(inner.strip())
    before, after = text[:start], text[start + len(inner.strip()) :]
    first, last = masked[0], masked[-1]
    if first.kind is None:
        masked[0] = Piece(first.text.lstrip())
    if last.kind is None:
        masked[-1] = Piece(masked[-1].text.rstrip())
    unit = Unit(pieces=tuple(masked), text=style.marks.encode(masked), style=style)
    return [part for part in (before, unit, after) if part]


def _is_space(piece: Piece) -> bool:
    return piece.kind == LAYOUT or (piece.kind is None and not piece.text.strip())


def _masked(run: Sequence[Piece], style: Style) -> list[Piece]:
    """Protected pieces, with what the engine may read turned to prose, and the marks' own characters protected."""
    merged: list[Piece] = []
    for readable, group in groupby(run, lambda piece: piece.kind in (None, LAYOUT) or piece.kind in style.plain):
        if readable:
            merged.append(Piece("".join(piece.text for piece in group)))
        else:
            merged += group
    reserved = style.marks.reserved
    if not reserved or not any(character in piece.text for piece in merged for character in reserved):
        return merged
    cut = re.compile(f"([{re.escape(reserved)}]+)")
    found: list[Piece] = []
    for piece in merged:
        parts = [piece.text] if piece.kind else cut.split(piece.text)
        kinds = [piece.kind] if piece.kind else ["mark" if number % 2 else None for number in range(len(parts))]
        found += [Piece(text, kind) for text, kind in zip(parts, kinds, strict=True) if text]
    return found


def _sentences(run: Sequence[Piece]) -> list[list[Piece]]:
    """The run, cut at the ends of sentences; white space between two stays with the second."""
    found: list[list[Piece]] = [[]]
    for number, piece in enumerate(run):
        if piece.kind is not None:
            found[-1].append(piece)
            continue
        at = 0
        for end in _SENTENCE_END.finditer(piece.text):
            found[-1].append(Piece(piece.text[at : end.start("space")]))
            found.append([])
            at = end.start("space")
        rest = piece.text[at:]
        if rest:
            found[-1].append(Piece(rest))
        if number + 1 < len(run) and _ENDS_WITH_SENTENCE.search(rest):
            found.append([])
    return [sentence for sentence in found if sentence]


def _bounded(run: Sequence[Piece], most: int) -> Iterator[list[Piece]]:
    """The run in parts of at most so many characters, cut at white space; one word or mark may be longer."""
    if sum(len(piece.text) for piece in run) <= most:
        yield list(run)
        return
    part: list[Piece] = []
    size = 0
    for piece in run:
        for text in _WORDS.findall(piece.text) if piece.kind in (None, LAYOUT) else [piece.text]:
            if size and size + len(text) > most:
                yield part
                part, size = [], 0
            part.append(Piece(text, piece.kind))
            size += len(text)
    yield part
