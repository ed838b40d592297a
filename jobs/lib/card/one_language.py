"""One language of a folder of rows: what is in it, read once beside the same ids of the pivot language.

Everything that goes in and comes out can be pickled, so that a language may be described in a process of its own.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from jobs.lib.card.language_defects import LanguageDefects
from jobs.lib.card.near_duplicates import NearDuplicates
from jobs.lib.rows.by_id import ById, id_key
from jobs.lib.rows.content import Content
from polyglot.core.records import read_lines
from polyglot.kinds.data_card import LanguageCard
from polyglot.kinds.rows import Form

_CHECK_EVERY = 2000  # rows between two looks at whether to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a language: `<LANG>.jsonl` of `folder`, of class `kind`, and the card's own entries for them."""

    language: str
    pivot: str
    folder: Path
    kind: type[Form]
    counts: LanguageCard


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is said of a language alone, what the detectors found, and its ids (NFC) in the order of the file."""

    card: LanguageCard
    findings: LanguageDefects
    ids: list[str]


def describe(rows: Rows, check: Callable[[], None]) -> Described:
    """Read a language once; memory grows with the ids and not with the text. `check` is called now and then."""
    content = Content(language=rows.language)
    findings = LanguageDefects(language=rows.language, pivot=rows.pivot)
    ids: list[str] = []
    path = rows.folder / f"{rows.language}.jsonl"
    with ExitStack() as stack:
        reference = None
        if rows.language != rows.pivot:
            reference = stack.enter_context(ById(rows.folder / f"{rows.pivot}.jsonl", rows.kind))
        near = NearDuplicates(lookup=stack.enter_context(ById(path, rows.kind)).get)
        for number, row in enumerate(read_lines(path, rows.kind)):
            if content.add(row):
                near.add(row)
            findings.add(row, None if reference is None else reference.get(row.id))
            ids.append(id_key(row.id))
            if number % _CHECK_EVERY == 0:
                check()
    card = replace(content.describe(rows.counts), near_duplicates=near.card(), identified=findings.identified())
    return Described(card=card, findings=findings, ids=ids)
