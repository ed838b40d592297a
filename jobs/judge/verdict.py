"""The verdict in a judge's reply: a score from 1 to 10, or the reason why there is none.

The benchmark's prompts ask for `[[n]]`. `[n]` is accepted when the reply has no double brackets at all, holds no other
number in brackets, and the bracket follows no word (`list[5]` is code). The last structured verdict counts, since
judges quote the answer (which may hold a planted "[[10]]") before they rate it. A `[[10]]` that only names the scale
("[[7]] out of [[10]]", "[[7]]/[[10]]") is none. Verdicts in block quotes count only when there are no others. Decimals,
decimal commas, "7/10", a word before the number ("[[Note : 7]]"), escaped or emphasised brackets and the digits of
every script are read; a number outside 1..10 is *unscored*, not clipped and not skipped for an earlier one. A verdict
is never guessed from prose.
"""

import re
import unicodedata
from typing import NamedTuple

LOWEST, HIGHEST = 1.0, 10.0

# Digits that are no decimal digits of Unicode, but that judges of Chinese and Japanese write.
_HAN = {ord(sign): str(value) for value, sign in enumerate("一二三四五六七八九十", start=1)}

# An optional word ("Rating:", "Note :"), the number with an optional fraction, an optional "/10".
_INSIDE = (
    r"\s*(?:[^\W\d_][^\[\]\d]{0,24}?)?\s*(?P<value>[-+\u2212]?\d{1,4}(?:[.,]\d{1,4})?)\s*(?:/\s*10(?:[.,]0+)?)?\s*"
)
_DOUBLE = re.compile(r"\[\[" + _INSIDE + r"\]\]")
# "[1](https://…)" is a link, "scores[3]" and "x[0][1]" are code, "[3] = 5" an assignment: no verdicts
_SINGLE = re.compile(r"(?<![\[\]\w])\[" + _INSIDE + r"\](?![\](\[])(?!\s*=)")
# the highest of the scale after a verdict: "[[7]]/[[10]]", "[[7]] out of [[10]]", "von", "sur", "sobre", "de", "su"
_SCALE = re.compile(
    r"(?<=\]\])(\s*(?:/|\b(?:out\s+of|of|von|sur|su|sobre|de)\b)\s*)\[\[\s*10(?:[.,]0+)?\s*\]\]", re.IGNORECASE
)
_NOISE = re.compile(r"\\(?=[\[\]])|[*`](?=[*`\[\]\d])|(?<=[\[\d])[*`]+")
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)

_REFUSAL = re.compile(
    r"\b(?:i(?:['\u2019]m| am) (?:sorry|unable|not able)|i (?:cannot|can['\u2019]?t|won['\u2019]t)\b|as an ai\b|"
    r"es tut mir leid|ich kann (?:dies|das|diese|leider|ihnen|dabei)[^.]{0,40}\bnicht|leider kann ich|"
    r"je suis désolé|je ne peux pas|je ne suis pas en mesure|"
    r"lo siento|no puedo|no me es posible|"
    r"mi dispiace|non posso|non sono in grado)",
    re.IGNORECASE,
)


class Reading(NamedTuple):
    """What a reply says. Exactly one of `score` (1.0 to 10.0) and `reason` is set."""

    score: float | None = None
    reason: str | None = None
    conflicting: bool = False  # the reply also held a different verdict


def parse(text: str, finish_reason: str | None = None, *, refused: bool = False) -> Reading:
    """Read a judge's reply.

    `finish_reason` is the endpoint's ("stop", "length", "content_filter", …), `refused` its explicit refusal field.
    Reasons: "refused", "truncated" (cut off before a verdict, or with verdicts that disagree), "out-of-range",
    "no-verdict".
    """
    if refused or finish_reason == "content_filter":
        return Reading(reason="refused")
    found, double = _structured(_plain(text))
    conflicting = len(set(found)) > 1
    if finish_reason == "length" and (conflicting or not double or not found):
        return Reading(reason="truncated", conflicting=conflicting)
    if not found:
        return Reading(reason="refused" if _REFUSAL.search(text) else "no-verdict")
    if not LOWEST <= found[-1] <= HIGHEST:
        return Reading(reason="out-of-range", conflicting=conflicting)
    return Reading(score=found[-1], conflicting=conflicting)


def _structured(text: str) -> tuple[list[float], bool]:
    """Every structured verdict in order, those of block quotes only when there are no others; and: double brackets?"""
    text = _SCALE.sub(r"\1 10", text)
    unquoted = _QUOTED_LINE.sub("", text)
    for pattern in (_DOUBLE, _SINGLE):
        for part in (unquoted, text):
            values = [_number(match["value"]) for match in pattern.finditer(part)]
            if values and pattern is _DOUBLE:
                return values, True
            if len(set(values)) == 1:  # several different numbers are a list or citations, and none is the verdict
                return values, False
    return [], False


def _number(digits: str) -> float:
    return float(digits.replace(",", ".").replace("\u2212", "-"))


def _plain(text: str) -> str:
    """Bring digits of every script, full-width signs and emphasised brackets to their ASCII form."""
    text = unicodedata.normalize("NFKC", text).translate(_HAN)
    text = text.replace("\u27e6", "[[").replace("\u27e7", "]]").replace("\u3010", "[").replace("\u3011", "]")
    text = "".join(c if c.isascii() or not c.isdecimal() else str(unicodedata.decimal(c)) for c in text)
    return _NOISE.sub("", text)
