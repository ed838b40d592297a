"""Defects of translation: text that is still in the pivot language, and titles that were left in it."""

import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import chain

from jobs.lib.text.texts import Text, words

MOST_LINES = 400  # of a turn that are compared; longer ones are tables, and comparing is quadratic
_UNTRANSLATED_SHARE = 0.4
_SIMILAR = 0.75
_LENGTHS_APART = 0.3
# Of a line's words, this share at least is in some line that nearly equals it: twice the words in common are more than
# _SIMILAR times the words of both, and the other line has more than 1 / (1 + _LENGTHS_APART) of this one's.
_LEAST_KNOWN = 0.999 * _SIMILAR * (1 + 1 / (1 + _LENGTHS_APART)) / 2
_QUOTED = re.compile(r"[“„«\"]([^“„«”»\"\n]++)[”“»\"]")  # no quotation mark inside, so that none is scanned twice
_AFTER_COLON = re.compile(r":\s+([^\s\0].+)", re.DOTALL)


def untranslated(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns of which over 40 % of the words stand in lines that are equal or nearly equal to a line of the same turn
    in the pivot language; of the turns whose pivot has four words or more. Only prose counts, and only lines of three
    words or more (a word is two letters or more; case, code and links aside). Nearly equal: lengths within 30 %, and a
    matching ratio of the word sequences over 0.75 (Ratcliff and Obershelp's, as in Python's difflib).
    """
    if pivot is None or pivot.num_words < 4:
        return 0, 0
    return int(untranslated_share(text, pivot) > _UNTRANSLATED_SHARE), 1


def untranslated_share(text: Text, pivot: Text) -> float:
    """Return the share of words, among lines of three or more, that stand in (nearly) a line of the pivot."""
    if text.copied is None or text.copied[0] is not pivot:  # several rules ask, and it is what they cost
        text.copied = (pivot, _untranslated_share(text, pivot))
    return text.copied[1]


def _untranslated_share(text: Text, pivot: Text) -> float:
    lines = text.sentences[:MOST_LINES]
    total = sum(map(len, lines))
    if not total:
        return 0.0
    source = pivot.sentences[:MOST_LINES]
    exact, known = set(source), set(chain.from_iterable(source))
    copied = sum(len(line) for line in lines if line in exact)
    likely = [line for line in lines if line not in exact and _share(line, known) > _LEAST_KNOWN]
    counted = [(line, Counter(line)) for line in source] if likely else []
    copied += sum(len(line) for line in likely if _nearly(line, counted))
    return copied / total


def _share(line: tuple[str, ...], known: set[str]) -> float:
    return sum(word in known for word in line) / len(line)


def _nearly(line: tuple[str, ...], source: list[tuple[tuple[str, ...], Counter[str]]]) -> bool:
    found = Counter(line)
    for other, counts in source:
        if abs(len(line) - len(other)) >= _LENGTHS_APART * len(other):
            continue
        # the words in common bound the ratio from above, and are cheap
        if 2 * (found & counts).total() <= _SIMILAR * (len(line) + len(other)):
            continue
        if SequenceMatcher(None, line, other, autojunk=False).ratio() > _SIMILAR:
            return True
    return False


def untranslated_title(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Instructions in which a quoted phrase, or what follows the first colon outside of quotes, is a phrase of three
    words or more that the pivot's instruction has too, letter for letter and in such a place; of the instructions with
    such phrases in both. It may be a plain name that needs no translation.
    """
    if pivot is None:
        return 0, 0
    mine, theirs = phrases(text.raw), phrases(pivot.raw)
    if not mine or not theirs:
        return 0, 0
    return int(bool(mine & theirs)), 1


def phrases(instruction: str) -> set[str]:
    """Return the phrases of three words or more that are quoted, or that follow the first colon outside of quotes.

    What follows the colon is one phrase, quotes within it included; a quotation right after a colon is a quotation.
    """
    masked = _QUOTED.sub(lambda match: "\0" * len(match[0]), instruction)
    colon = _AFTER_COLON.search(masked)
    end = colon.start() if colon else len(instruction)
    found = [match[1] for match in _QUOTED.finditer(instruction) if match.start() < end]
    if colon:
        found.append(instruction[colon.start(1) :])
    return {phrase.strip() for phrase in found if len(words(phrase)) >= 3}
