"""A text as the detectors see it: prose lines, fenced code blocks, and words. Split once, looked at by many."""

import re
from dataclasses import dataclass
from functools import cached_property

_FENCE = re.compile(r"[ \t]*(?P<marks>`{2,})(?P<info>[^`]*)")
_FENCE_SIGN = "``"
_NOT_PROSE = re.compile(r"`[^`]*`|(?<!\w)\w++://\S+")  # a run of letters is tried once, however long it is
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block. `info` is what follows the opening fence ("python"), lower case."""

    info: str
    lines: tuple[str, ...]
    closed: bool

    @property
    def code(self) -> str:
        """The lines between the fences, each with its line end."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def stripped(self) -> tuple[str, ...]:
        """The lines without white space at their ends, as indentation under list items may differ."""
        return tuple(line.strip() for line in self.lines)


class Text:
    """One turn. A fence is a line of two or more backquotes and, when opening, an info word.

    Two are enough on purpose: machine translation turned many a "```python" into "``python", and what lies between is
    code all the same (whether a fence is broken is another question). A block that is never closed reaches to the end.
    """

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.copied: tuple[Text, float] | None = None  # the share of words copied from the pivot, once it is known

    @cached_property
    def _parts(self) -> tuple[list[str], list[Block]]:
        if not self.may_have_code:
            return self.raw.split("\n"), []
        prose: list[str] = []
        blocks: list[Block] = []
        inside: list[str] | None = None
        info = ""
        for line in self.raw.split("\n"):
            fence = _FENCE.fullmatch(line) if _FENCE_SIGN in line else None
            if inside is None:
                if fence:
                    inside, info = [], fence["info"].strip().lower()
                else:
                    prose.append(line)
            elif fence and not fence["info"].strip():
                blocks.append(Block(info=info, lines=tuple(inside), closed=True))
                inside = None
            else:
                inside.append(line)
        if inside is not None:
            blocks.append(Block(info=info, lines=tuple(inside), closed=False))
        return prose, blocks

    @property
    def may_have_code(self) -> bool:
        """Whether any line can be a fence; cheaper to ask than for the blocks."""
        return _FENCE_SIGN in self.raw

    @cached_property
    def has_digits(self) -> bool:
        """Whether there is a digit anywhere; cheaper to ask than what looks for numbers."""
        return _DIGIT.search(self.raw) is not None

    @property
    def prose(self) -> list[str]:
        """The lines outside of fenced blocks."""
        return self._parts[0]

    @property
    def blocks(self) -> list[Block]:
        """The fenced blocks, in order."""
        return self._parts[1]

    @cached_property
    def sentences(self) -> list[tuple[str, ...]]:
        """The words of every prose line that has at least three, code and links left out."""
        return [line for line in self._words if len(line) >= 3]

    @cached_property
    def _words(self) -> list[tuple[str, ...]]:
        return [words(line) for line in self.prose]

    @property
    def num_words(self) -> int:
        """How many words the prose has."""
        return sum(map(len, self._words))

    def plain(self, characters: int) -> str:
        """Return the first characters of the prose, code and links left out."""
        text = "\n".join(self.prose)
        return (_NOT_PROSE.sub(" ", text) if _may_be_other(text) else text)[:characters]


def words(line: str) -> tuple[str, ...]:
    """Return the words of a line of prose in lower case: runs of two or more letters, code and links left out."""
    bare = _NOT_PROSE.sub(" ", line) if _may_be_other(line) else line
    return tuple(_WORD.findall(bare.lower()))


def _may_be_other(text: str) -> bool:
    """Whether there may be code or a link in prose; cheaper to ask than to take them out."""
    return "`" in text or "://" in text
