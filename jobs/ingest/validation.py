"""The part of a data set that nothing is trained on: drawn from its ids, or published as a part of its own.

Drawn: the first N ids by `rank("validation", id)` among those that every language of the data set has, so that no id's
translations are separated; they are in no `rows/`. What both parts share is listed in the card and never removed.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from jobs.lib.rows import order
from jobs.lib.rows.by_id import id_key
from jobs.lib.rows.content import digest, listed
from polyglot.core.errors import Permanent
from polyglot.core.records import line, read_lines
from polyglot.kinds.data_card import HeldOut, Validation
from polyglot.kinds.rows import VALIDATION_FOLDER, Row


def split(out: Path, languages: Sequence[str], count: int) -> None:
    """Move the rows of `count` ids from rows/ to validation/, in the order that they have.

    Raises Permanent when fewer ids than that, or no more, are in all languages: nothing would be left to train on.
    """
    common = set.intersection(*({id_key(row.id) for row in read_lines(_rows(out, name), Row)} for name in languages))
    if count >= len(common):
        raise Permanent(
            f"validation: got {count} ids of {len(common)} that each of {' '.join(languages)} has; "
            f"expected fewer. Choose at most {max(len(common) - 1, 0)}"
        )
    chosen = set(order.ordered(order.VALIDATION, common)[:count])
    (out / VALIDATION_FOLDER).mkdir()
    for name in languages:
        rows = _rows(out, name)
        rest = rows.with_suffix(".rest")
        with rest.open("wb") as train, (out / VALIDATION_FOLDER / rows.name).open("wb") as held:
            for row in read_lines(rows, Row):
                (held if id_key(row.id) in chosen else train).write(line(row))
        os.replace(rest, rows)


def describe(out: Path, languages: Iterable[str], drawn: int) -> Validation:
    """Return the card's entry: rows per language, and ids and texts that are in both parts.

    A text is shared when a row of validation/ has all turns of a row of rows/ in the same language.
    """
    entries = {}
    for name in languages:
        trained = {id_key(row.id): digest(row.texts) for row in read_lines(_rows(out, name), Row)}
        texts = set(trained.values())
        held = list(read_lines(out / VALIDATION_FOLDER / f"{name}.jsonl", Row))
        entries[name] = HeldOut(
            rows=len(held),
            shared_ids=listed(row.id for row in held if id_key(row.id) in trained),
            shared_texts=listed(row.id for row in held if digest(row.texts) in texts),
        )
    return Validation(drawn_ids=drawn or None, languages=entries)


def _rows(out: Path, language: str) -> Path:
    return out / "rows" / f"{language}.jsonl"
