"""Rows without ids, paired over languages by their position: only where the study says so, and never across a shift.

One line that is missing in one language moves all that follow: every later pair is of two different rows, and nothing
else in the pipeline could tell. Two tests find that. The languages have equally many records; and a row shares more of
what translation leaves alone (numbers, names, code, addresses) with its partner than with the rows around that.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.ingest.normalise import Normaliser
from polyglot.core.errors import Permanent
from polyglot.core.records import read_lines
from polyglot.kinds.ingest import PairBy
from polyglot.kinds.rows import Row

FURTHEST = 5  # rows that a language may have moved by, beside the difference of the numbers of records
EVIDENCE = 8  # rows that fit better elsewhere, less those that fit better here, in one stretch
_RARE = 0.002  # a word in more rows of a language than this share says nothing about which row it is
_WORD = re.compile(r"[A-Za-z0-9]+|[^\W_A-Za-z0-9]+")  # a name or a number ends where another script goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """From row `first` on, by position from 1, a language's rows fit the pivot's `by` positions further down."""

    first: int
    by: int
    rows: int  # that fit better there, less those that fit better here


def check(tallies: Mapping[str, Normaliser], folder: Path, pair_by: PairBy) -> None:
    """Raise Permanent where languages could only be paired by position, and may not be, or do not fit.

    `folder` has the accepted rows of each language; their ids end with the position.
    """
    without = [language for language, tally in tallies.items() if tally.positional_ids]
    if len(tallies) < 2 or not without:
        return
    if pair_by != "position":
        raise Permanent(
            f"rows of {' '.join(without)} have no ids, and could only be paired with other languages by position. If "
            "line n is the same row in every language, say so: `pair-by: position` in the data set; else add ids"
        )
    pivot = "EN" if "EN" in tallies else next(iter(tallies))
    records = {language: tally.records for language, tally in tallies.items()}
    words = {language: _words(read_lines(folder / f"{language}.jsonl", Row)) for language in tallies}
    for language in tallies:
        if language == pivot:
            continue
        missing = records[pivot] - records[language]
        found = find_shift(words[pivot], words[language], {*range(-FURTHEST, FURTHEST + 1), missing} - {0})
        if found is None and not missing:
            continue
        counts = f"{records[language]} records against {records[pivot]} of {pivot}"
        raise Permanent(
            f"{language}: {_described(found, pivot, len(words[language])) if found else 'no line n for each line n'} "
            f"({counts}), and rows are paired by position. Restore what is missing, or give every row an id"
        )


def find_shift(pivot: Mapping[int, set[str]], other: Mapping[int, set[str]], offsets: Iterable[int]) -> Shift | None:
    """Return the stretch with the most evidence for one offset, None below EVIDENCE. Rows are by position, as words.

    A row counts +1 where the pivot's row at its position plus the offset shares more rare words with it than the
    pivot's row at its position, -1 where it shares fewer; the stretch is that of the largest sum.
    """
    rare = _rare(pivot) & _rare(other)
    here = {at: words & rare for at, words in other.items()}
    there = {at: words & rare for at, words in pivot.items()}
    best: Shift | None = None
    for by in sorted(offsets, key=abs):
        total, first = 0, 0
        for at in sorted(here):
            if not here[at]:
                continue
            moved, kept = (len(here[at] & there.get(place, set())) for place in (at + by, at))
            if not total:
                first = at
            total = max(0, total + (moved > kept) - (moved < kept))
            if total >= EVIDENCE and (best is None or total > best.rows):
                best = Shift(first=first, by=by, rows=total)
    return best


def _words(rows: Iterable[Row]) -> dict[int, set[str]]:
    return {int(row.id.rpartition("-")[2]): {*_WORD.findall("\n".join(row.texts))} for row in rows if _numbered(row)}


def _numbered(row: Row) -> bool:
    return row.id.rpartition("-")[2].isdecimal()


def _rare(rows: Mapping[int, set[str]]) -> set[str]:
    most = max(2, round(_RARE * len(rows)))
    seen = Counter(word for words in rows.values() for word in words)
    return {word for word, count in seen.items() if count <= most}


def _described(shift: Shift, pivot: str, rows: int) -> str:
    much = f"{abs(shift.by)} row{'s' if abs(shift.by) > 1 else ''}"
    where = f"{much} further {'down' if shift.by > 0 else 'up'}"
    return f"from record {shift.first} on, rows fit {pivot}'s {where} better ({shift.rows} more of {rows} do than not)"
