"""The texts of answers, verdicts, questions and references, in pieces that the page loads when they are wanted.

A piece is a script that hands over its name and its content: `polyglotPiece("3-DE-0", …)` has cell 3's answers to the
first questions in German, `questions-DE-0` those questions. Classes are written as arrays, in the order of their
fields; an answer that there is none of is null. templates/answers/page.js reads them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from polyglot.kinds.judge import Verdict

T = TypeVar("T")


class VerdictPiece(msgspec.Struct, frozen=True, array_like=True):
    """What a judge said of a turn."""

    score: float | None
    reason: str | None
    prompt: str | None
    fallback: str | None
    text: str

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictPiece":
        """Of a verdict what is shown."""
        return cls(verdict.score, verdict.reason, verdict.prompt, verdict.fallback, verdict.text)


class TurnPiece(msgspec.Struct, frozen=True, array_like=True):
    """One turn of an answer; `spoken` is the language that it is in, if it is not the question's."""

    text: str
    tokens: int
    finish: str
    spoken: str | None
    verdict: VerdictPiece | None


class AnswerPiece(msgspec.Struct, frozen=True, array_like=True):
    """One answer; of one that failed the turns that it got."""

    error: str | None
    turns: tuple[TurnPiece, ...]


class QuestionPiece(msgspec.Struct, frozen=True, array_like=True):
    """A question, and its reference answers by where they come from; () where there are none."""

    turns: tuple[str, ...]
    published: tuple[str, ...]
    native: tuple[str, ...]


def write_pieces(folder: Path, name: str, rows: Sequence[object], part: int) -> None:
    """Write so many rows (one a question) a piece: `<name>-0.js`, `<name>-1.js` and so on."""
    for number in range(-(-len(rows) // part)):
        whole = f"{name}-{number}"
        (folder / f"{whole}.js").write_bytes(as_script(whole, rows[number * part : (number + 1) * part]))


def as_script(name: str, content: object) -> bytes:
    """A script that hands over content, whatever texts are in it."""
    head, data = (_escaped(msgspec.json.encode(value)) for value in (name, content))
    return b"polyglotPiece(" + head + b"," + data + b");\n"


# what would end a script within a page, or a line for an old engine
_ESCAPES = ((b"<", b"\\u003c"), ("\u2028".encode(), b"\\u2028"), ("\u2029".encode(), b"\\u2029"))


def _escaped(data: bytes) -> bytes:
    for raw, escaped in _ESCAPES:
        data = data.replace(raw, escaped)
    return data
