"""Numbers in a judge's reply that name its scale, and letters that list its choices: not the verdict.

"[[8]] on a scale from [[1]] to [[10]]", "[[6]] van [[10]]", "[[10]] üzerinden [[6]]", "[[7]] ([[1]]: poor, [[10]]:
excellent)", "[[A]], [[B]] or [[C]]". What stands between two numbers decides, whatever language it is in: few words
without the end of a sentence join a rating to its highest, unless they are known to join two ratings.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ENDS = ({1.0, 10.0}, {0.0, 10.0})
_TOP = 10.0
_NO_SENTENCE = re.compile(r"[^\[\]\d.!?;:\n]{1,40}")
_LEGEND = re.compile(r"[^\[\]\d.!?\n]{1,60}")  # "= poor, ", ": poor; "
_WORDS = re.compile(r"[^\W\d_]+")
_SPAN = re.compile(r"\s*(?:[-\u2010-\u2015~]|\.\.\.?)\s*")
# "from 1 to 10": these words of their languages join two ends
_TO_WORDS = (
    "to auf naar till until through bis à a al ao até do až till til tot pana до к по έως ως 到 至 から إلى الى تا से"
)
_TO = frozenset(_TO_WORDS.split())
# "1 of 10" is a rating, though 1 and 10 are also the ends of the scale
_OF = re.compile(
    r"\W*(?:/|\b(?:(?:out|ud|ut|uit) (?:of|af|av|van)|of|von|sur|su|sobre|de|di|van|na|z|ze|od|af|av|din|dari|trên|iš|"
    r"из|від|з|από)\b|من|از|में से|中|满分|滿分|点満点中|満点中)\W*"
    r"(?:(?:a|the|total|possible|maximal|möglichen|max\w*)\W+)*",
    re.IGNORECASE,
)
_OF_END = re.compile(r"(?:\b(?:of|von|sur|su|sobre|de|di|van|na|z|ze|od|af|av|out|out of)|/)\W*\Z", re.IGNORECASE)
# words that name a verdict
_RATES_WORDS = (
    "rating score grade mark verdict winner note nota bewertung punteggio valutazione voto calificacion ocena "
    "beoordeling vurdering betyg karakter hodnoceni arvosana puan"
)
RATES = frozenset(_RATES_WORDS.split())
# words that join two ratings of which the later one holds
_OTHER_WORDS = (
    "and or but then later now not no nor rather instead actually finally versus vs "
    "und oder aber dann sondern statt eher nein et ou mais puis non plutôt y o u pero luego sino no e ma poi anzi "
    "i lub albo ale potem nie maar toen nee eller men sedan så и или но потом нет затем 或 和 而 然后 または そして や"
)
_OTHER = frozenset(_OTHER_WORDS.split())
# words that begin the last of several ratings, and signs that part two
_ALL_TOLD = ("overall", "final", "gesamt", "insgesamt", "endnote", "global", "général", "ensemble", "compless", "łączn")
_PARTED = re.compile(r"[→>|&;–—]|=>|\)[^()]*\(")
_CHOICE = re.compile(r"[\s\"']*[,/|、]?[ ]*(?:[^\W\d_]{1,5})?[ \"']*")  # between choices: ", ", "/", " or "


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict, or what looks like one, and its place; `aside`: in quotation marks or code."""

    value: float | str
    start: int
    end: int
    aside: bool


def without_scale(text: str, found: Sequence[Found]) -> list[Found]:
    """Leave out what names the scale or the choices."""
    letters = [one for one in found if isinstance(one.value, str)]
    if letters:
        return _without_menu(text, letters)
    return _without_top(text, _without_legend(text, _without_spans(text, found)))


def _between(text: str, one: Found, other: Found) -> str:
    return re.sub(r"[*_`]", "", text[one.end : other.start])


def _without_spans(text: str, found: Sequence[Found]) -> list[Found]:
    """Leave out both ends of "[[1]] to [[10]]" and of what else is no one number ("[[5]]-[[6]]")."""
    left: list[Found] = []
    at = 0
    while at < len(found):
        if at + 1 < len(found) and _is_span(found[at], found[at + 1], _between(text, found[at], found[at + 1])):
            at += 2
            continue
        left.append(found[at])
        at += 1
    return left


def _is_span(one: Found, other: Found, between: str) -> bool:
    if one.value == other.value:
        return False
    words = [word.lower() for word in _WORDS.findall(between)]
    if _SPAN.fullmatch(between) or (len(words) == 1 and words[0] in _TO and _NO_SENTENCE.fullmatch(between)):
        return True
    ends = {one.value, other.value} in _ENDS
    return ends and bool(_LEGEND.fullmatch(between) and between.strip()) and not _is_rating_of(one, between)


def _is_rating_of(one: Found, between: str) -> bool:
    return one.value != _TOP and _OF.fullmatch(between) is not None


def _without_legend(text: str, found: Sequence[Found]) -> list[Found]:
    """Leave out several numbers in one pair of parentheses that stands beside others: they say what numbers mean."""
    legends = [match.span() for match in re.finditer(r"\([^()]*\)", text)]
    inside = {span: [one for one in found if span[0] < one.start < span[1]] for span in legends}
    legend = {one for group in inside.values() if 1 < len(group) < len(found) for one in group}
    return [one for one in found if one not in legend]


def _without_top(text: str, found: Sequence[Found]) -> list[Found]:
    """Leave out the highest of the scale beside a rating."""
    tops = set()
    for one, other in zip(found, found[1:], strict=False):
        if one.value == other.value == _TOP and _OF.fullmatch(_between(text, one, other)):
            tops.add(other)
        elif _TOP in (one.value, other.value) and one.value != other.value and one not in tops:
            top = other if other.value == _TOP else one
            if _joins_to_top(_between(text, one, other)):
                tops.add(top)
    return [one for one in found if one not in tops]


def _joins_to_top(between: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(between)]
    if not between.strip() or not _NO_SENTENCE.fullmatch(between) or len(words) > 8:
        return False
    if "," in between and not any(word.startswith(("max", "out", "scale", "skal", "best")) for word in words):
        return False
    if any(word in RATES for word in words) and not _OF_END.search(between):  # "Depth [[8]] Rating [[10]]"
        return False
    return not any(word in _OTHER or word.startswith(_ALL_TOLD) for word in words) and not _PARTED.search(between)


def _without_menu(text: str, found: Sequence[Found]) -> list[Found]:
    """Leave out a list of the choices: three different letters, or two with a stroke between them, in a row."""
    left: list[Found] = []
    at = 0
    while at < len(found):
        end = at
        while end + 1 < len(found) and _CHOICE.fullmatch(_between(text, found[end], found[end + 1])):
            end += 1
        row = found[at : end + 1]
        strokes = "/" in text[row[0].start : row[-1].end] or "|" in text[row[0].start : row[-1].end]
        menu = len({one.value for one in row}) >= 3 or (len({one.value for one in row}) == 2 and strokes)
        left += [] if menu else row
        at = end + 1
    return left
