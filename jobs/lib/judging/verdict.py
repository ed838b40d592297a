"""The verdict in a judge's reply, or the reason why there is none: a score from 1 to 10, or which of two answers won.

The benchmark's prompts ask for `[[n]]`, those of pairs for `[[A]]`, `[[B]]` or `[[C]]` (a tie; `[[D]]`: both are bad).
What the judge thought is no verdict (`thinking.said`), and a reply that was cut has none: it might have gone on to
another. Judges quote the answer, which may hold a planted "[[10]]", before or after they rate it: the last verdict
counts, and those in quotation marks, block quotes and code blocks only when there are no others. The ends of a scale
("on a scale from [[1]] to [[10]]", "[[6]] van [[10]]") and indexes (`x[[2]]`) are none. `[n]` is accepted when the
reply has no double brackets at all, holds no other number in brackets, and the bracket follows no word (`list[5]` is
code). Decimals, decimal commas, "7/10", a word before the number ("[[Note : 7]]"), escaped or emphasised brackets and
the digits of every script are read; a number outside 1..10 is *unscored*, not clipped and not skipped for an earlier
one. A verdict is never guessed from prose.
"""

import re
import unicodedata
from typing import NamedTuple

from jobs.lib.chat.thinking import said
from jobs.lib.judging.scale import RATES, Found, without_scale
from polyglot.kinds.compare import Slot
from polyglot.kinds.judge_prompts import Mode

LOWEST, HIGHEST = 1.0, 10.0

WINNERS: dict[str, Slot] = {"A": "A", "B": "B", "C": "tie", "D": "both-bad", "TIE": "tie"}

# Digits that are no decimal digits of Unicode, but that judges of Chinese and Japanese write.
_HAN = {ord(sign): str(value) for value, sign in enumerate("一二三四五六七八九十", start=1)}
_LATIN = str.maketrans("\u0410\u0412\u0421\u0391\u0392", "ABCAB")  # Cyrillic and Greek letters of the same form

# An optional word ("Rating:", "Note :", "Assistant"), then the number and what it is out of ("/10"), or the letter.
_WORD = r"\s*(?:[^\W\d_][^\[\]\d]{0,24}?)?\s*"
_INSIDE = {
    "single": _WORD
    + r"(?P<value>[-+\u2212]?\d{1,4}(?:[.,]\d{1,4})?)\s*(?:(?:/|[^\W\d_][^\[\]\d]{0,12})\s*10(?:[.,]0+)?)?\s*",
    # "N/A", "B>A", "not A" and "A or B" choose none
    "pair": r"\s*(?:(?!(?i:not|nor|neither|either|keine?|nicht|weder|ni|non|né)\b)[^\W\d_]{2,}[ :]+"
    r"|[^\W\d_\0-\u024f]+){0,3}"
    r"(?P<value>[A-Da-d]|(?i:tie))\s*",
}
# "[1](https://…)" is a link, "scores[3]" and "x[0][1]" are code, "[3] = 5" an assignment: no verdicts
_DOUBLE, _SINGLE = (
    {mode: re.compile(left + inside + right) for mode, inside in _INSIDE.items()}
    for left, right in ((r"(?<!\[)\[\[", r"\]\](?!\])"), (r"(?<![\[\]\w])\[", r"\](?![\](\[])(?!\s*=)"))
)
_NOISE = re.compile(r"\\(?=[\[\]])|(?<=\[)[*`]+|(?<![*`])[*`]+(?=[\d\]])|(?<=\d)[*`]+")

# What stands right before double brackets that are an index ("x[[2]]", "f(x)[[1]]") or an argument ("array([[3]])");
# "Rating[[7]]" is neither, nor is what follows a word of another script ("评分[[7]]").
_INDEX = re.compile(r"(?:[\])]|(?P<word>[\w.$]*[\w$])\(?)\Z")  # "Good.[[7]]" ends a sentence
_CODE = re.compile(r"(?:[=(,{]|\breturn)\s*\Z")  # the same within code

_FENCE = re.compile(r"^[ \t]*(```|~~~)(?s:.)*?(?:^[ \t]*\1|\Z)|`[^`\n]+`", re.MULTILINE)
_QUOTED = re.compile(
    r"^[ \t]*>.*$|“[^”]{0,2000}”|„[^“”\"]{0,2000}[“”\"]|"
    r"‘[^‘]{0,2000}?’(?!\w)|‚[^‘’]{0,2000}[‘’]|”[^”]{0,2000}”|‹[^›]{0,2000}›|"
    r"«[^»]{0,2000}»|»[^«]{0,2000}«|「[^」]{0,2000}」|『[^』]{0,2000}』|"
    r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"",
    re.MULTILINE,
)

_REFUSAL = re.compile(
    r"\b(?:i(?:['\u2019]m| am) (?:sorry|unable|not able)|i (?:cannot|can['\u2019]?t|won['\u2019]t)\b|as an ai\b|"
    r"es tut mir leid|ich kann (?:dies|das|diese|leider|ihnen|dabei)[^.]{0,40}\bnicht|leider kann ich|"
    r"je suis désolé|je ne peux pas|je ne suis pas en mesure|"
    r"lo siento|no puedo|no me es posible|"
    r"mi dispiace|non posso|non sono in grado|"
    r"desculpe|não posso|het spijt me|przykro mi|nie mogę)|抱歉|对不起|申し訳",
    re.IGNORECASE,
)


class Reading(NamedTuple):
    """What a reply says. Exactly one of `score` (1.0 to 10.0), `winner` and `reason` is set."""

    score: float | None = None
    reason: str | None = None
    conflicting: bool = False  # the reply also held a different verdict
    winner: Slot | None = None


def parse(text: str, finish_reason: str | None = None, *, refused: bool = False, mode: Mode = "single") -> Reading:
    """Read a judge's reply.

    `finish_reason` is the endpoint's ("stop", "length", "content_filter", …), `refused` its explicit refusal field.
    Reasons: "refused", "truncated" (cut off, so that its verdict is not known to be its last), "out-of-range",
    "no-verdict".
    """
    if refused or finish_reason == "content_filter":
        return Reading(reason="refused")
    whole = _plain(said(unicodedata.normalize("NFKC", text)).text)
    found = _structured(whole if mode == "single" else whole.translate(_LATIN), mode)
    conflicting = len({one.value for one in found}) > 1
    counted = [one.value for one in found if not one.aside] or [one.value for one in found]
    last = counted[-1] if counted else None
    if finish_reason == "length":
        return Reading(reason="truncated", conflicting=conflicting)
    if last is None:
        return Reading(reason="refused" if _REFUSAL.search(text) else "no-verdict")
    if not isinstance(last, float):
        return Reading(winner=WINNERS[last], conflicting=conflicting)
    if not LOWEST <= last <= HIGHEST:
        return Reading(reason="out-of-range", conflicting=conflicting)
    return Reading(score=last, conflicting=conflicting)


def _structured(text: str, mode: Mode) -> list[Found]:
    """Every verdict in double brackets, in order; without any, the one in single ones."""
    code = [match.span() for match in _FENCE.finditer(text)]
    quoted = code + [match.span() for match in _QUOTED.finditer(text)]
    for patterns in (_DOUBLE, _SINGLE):
        found = [
            Found(_value(match["value"], mode), match.start(), match.end(), aside=_within(match, quoted))
            for match in patterns[mode].finditer(text)
            if patterns is _SINGLE or not _is_code(text, match, code)
        ]
        found = without_scale(text, found)
        if patterns is _DOUBLE and found:
            return found
    # several different numbers are a list or citations, and none is the verdict
    return found if len({one.value for one in found}) == 1 else []


def _within(match: re.Match[str], spans: list[tuple[int, int]]) -> bool:
    return any(start <= match.start() < end for start, end in spans)


def _is_code(text: str, match: re.Match[str], code: list[tuple[int, int]]) -> bool:
    """Whether double brackets are an index or a list of a program."""
    before = text[max(0, match.start() - 40) : match.start()]
    if _within(match, code) and _CODE.search(before):
        return True
    index = _INDEX.search(before)
    if index is None or index["word"] is None:
        return index is not None
    word = index["word"]
    call = before.endswith("(")
    return word.isascii() and word.lower() not in RATES and not (call and word[0].isupper())


def _value(text: str, mode: Mode) -> float | str:
    return float(text.replace(",", ".").replace("\u2212", "-")) if mode == "single" else text.upper()


def _plain(text: str) -> str:
    """Bring digits of every script, brackets of other forms and emphasised ones to their ASCII form."""
    text = text.translate(_HAN)
    text = text.replace("\u27e6", "[[").replace("\u27e7", "]]").replace("\u3010", "[").replace("\u3011", "]")
    text = "".join(c if c.isascii() or not c.isdecimal() else str(unicodedata.decimal(c)) for c in text)
    return _NOISE.sub("", text)
