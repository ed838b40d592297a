"""Noise that is no error of a file, and that a reader of the data wants counted: fragments, leftovers, old facts."""

import re

from jobs.lib.card.defects.translation import untranslated_share
from jobs.lib.text.texts import Text

_PARTLY = 0.4  # above it a turn is `untranslated`
_FEWEST_WORDS = 4
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])")
_CROSS_REFERENCE = re.compile(
    r"\b(?:[Ss]ection|[Cc]hapter|[Aa]ppendix|Abschnitt|Kapitel|Anhang|[Cc]hapitre|[Aa]nnexe|[Ss]ezione|[Cc]apitolo|"
    r"[Aa]ppendice|[Ss]ección|[Cc]apítulo|[Aa]péndice)\s(?:[A-Z]\.)?\d+(?:\.\d+)*"
)
_COLON = re.compile(r"[^\W\d_][)»”\"]?(?P<space>[ \u00a0\u202f]?):(?!\S)")
_TABLE_ROW = re.compile(r"\s*\|.*\|\s*")
_TABLE_RULE = re.compile(r"\s*\|(?:\s*:?-+:?\s*\|)+\s*")
_RESERVED_HOST = re.compile(r"(?<![\w-])[\w-]+\.example(?![\w-])|\bexample\.(?:com|net|org)\b")


def code_only(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns that are nothing but fenced code: no letter stands outside of the blocks; of the turns with a block."""
    if not text.blocks:
        return 0, 0
    return int(not any(map(str.isalpha, "".join(text.prose)))), 1


def very_short(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns of fewer than four words as white space separates them, code included; of all turns."""
    return int(len(text.raw.split(None, _FEWEST_WORDS)) < _FEWEST_WORDS), 1


def partly_untranslated(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns of which some words, but at most 40 %, stand in lines that are equal or nearly equal to a line of the same
    turn in the pivot language, counted as for `untranslated`; of the same turns.
    """
    if pivot is None or pivot.num_words < 4:
        return 0, 0
    return int(0 < untranslated_share(text, pivot) <= _PARTLY), 1


def numbers_differ(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns whose prose lacks a number of two digits or more that the same turn's prose has in the pivot language, or
    has one more; of the turns with such numbers in either. Signs between digits are not looked at, so that 1,000 and
    1.000 are one number. Facts that were brought up to date in one language only show here.
    """
    if pivot is None:
        return 0, 0
    mine, theirs = _numbers(text), _numbers(pivot)
    if not mine and not theirs:
        return 0, 0
    return int(mine != theirs), 1


def french_spacing(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns in which a colon follows a word without the space that French writes before it; of the turns with a colon
    after a word and before white space. Code and links are left out, and marks of emphasis are not looked at.
    """
    if ":" not in text.raw:
        return 0, 0
    spaces = {match["space"] for match in _COLON.finditer(text.plain(len(text.raw)).replace("*", ""))}
    return int("" in spaces), int(bool(spaces))


def _numbers(text: Text) -> set[str]:
    if not text.has_digits:
        return set()
    found = (re.sub(r"\D", "", number) for number in _NUMBER.findall("\n".join(text.prose)))
    return {number for number in found if len(number) >= 2}


def cross_references(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns that point to a numbered section, chapter or appendix, which no reader of the turn has; of all turns."""
    return int(text.has_digits and _CROSS_REFERENCE.search(text.raw) is not None), 1


def announces_more(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns whose last line ends with a colon: they introduce something that is not there; of all turns."""
    return int(text.raw.rstrip()[-1:] in (":", "\uff1a")), 1


def layout_tables(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Pipe tables with one column, or with one row at most below the header, so that the table is layout rather than
    data; of all pipe tables.
    """
    if "|" not in text.raw:
        return 0, 0
    tables, layout, rows = 0, 0, list[str]()
    for line in [*text.prose, ""]:
        if _TABLE_ROW.fullmatch(line):
            rows.append(line.strip())
        elif rows:
            data = [row for row in rows if not _TABLE_RULE.fullmatch(row)]
            tables += 1
            layout += len(data) <= 2 or all(row.count("|") <= 2 for row in data)
            rows = []
    return layout, tables


def reserved_hosts(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns with a host name that RFC 2606 reserves for examples, as anonymised text has; of all turns."""
    return int("example" in text.raw and _RESERVED_HOST.search(text.raw) is not None), 1
