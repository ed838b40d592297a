"""What raters sent back: CSV files read strictly, every fault of them in one line, and unblinded by the sheet's key.

A cell of a category holds severities apart by blanks ("minor major"), as often as there are faults. `done` says that a
turn was rated: without faults it is then faultless, whereas rows that are not done are left out.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from polyglot.core.errors import BadInput
from polyglot.kinds.agree import Rating
from polyglot.sheets.rubric import CATEGORIES, FIELDS, SEVERITIES, penalty
from polyglot.sheets.sample import SheetKey

_NEEDED = tuple(name for name in FIELDS if name not in ("comment", "languages", "source", "translation"))
_DONE = {"": False, "no": False, "0": False, "false": False, "yes": True, "1": True, "true": True, "x": True}
_MOST_BYTES = 64 * 2**20


class BadSheets(BadInput):
    """Everything that is wrong with the files: a line each."""

    def __init__(self, lines: list[str]) -> None:
        Exception.__init__(self, "\n".join(lines))
        self.lines = tuple(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """One file's content: a rater's ratings of one sheet, still under their numbers."""

    path: Path
    sheet: str
    rater: str
    rows: tuple["RatedItem", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedItem:
    """One item of a sheet as it was filled in; `score` is 0 to 100, `faults` are severities by category."""

    sheet: str
    rater: str
    item: int
    score: int | None
    faults: dict[str, tuple[str, ...]]
    comment: str


def read(path: Path) -> Rated:
    """Read one CSV file. Raises BadSheets, a line a fault."""
    rows, problems = list(_records(path)), list[str]()
    done, seen = [], dict[int, int]()
    for line, record in rows:
        where = f"{path}:{line}"
        try:
            row = _row(record)
        except BadInput as error:
            problems.append(str(BadInput(error.what, where=where, got=error.got, expected=error.expected)))
            continue
        if row is None:
            continue
        if row.item in seen:
            what = f"item {row.item} is there twice"
            problems.append(str(BadInput(what, where=where, expected=f"once; it is in line {seen[row.item]}")))
        seen[row.item] = line
        done.append(row)
    for name, one in (("sheet", "the sheet's name"), ("rater", "one pseudonym for the whole file")):
        values = sorted({getattr(row, name) for row in done})
        if done and (len(values) != 1 or not values[0]):
            got = ", ".join(values[:4]) or "nothing"
            problems.append(str(BadInput(f"no single {name}", where=str(path), got=got, expected=one)))
    if not done and not problems:
        remedy = "Write yes into `done` of every item that was rated"
        problems.append(str(BadInput("nothing was rated", where=str(path), got=f"{len(rows)} rows", remedy=remedy)))
    if problems:
        raise BadSheets(problems)
    return Rated(path=path, sheet=done[0].sheet, rater=done[0].rater, rows=tuple(done))


def unblind(rated: Rated, key: SheetKey) -> list[Rating]:
    """The ratings under the names of what was rated, in the sheet's order. Raises BadSheets for unknown items."""
    items = {int(item["item"]): item for item in key["items"]}
    strange = [row.item for row in rated.rows if row.item not in items]
    if strange:
        error = BadInput(
            f"sheet {rated.sheet} has no such item",
            where=str(rated.path),
            got=", ".join(map(str, strange[:6])),
            expected=f"1 to {len(items)}",
        )
        raise BadSheets([str(error)])
    return [
        Rating(
            sheet=rated.sheet,
            rater=rated.rater,
            check=items[row.item]["check"],
            id=items[row.item]["id"],
            turn=items[row.item]["turn"],
            category=items[row.item]["category"],
            score=row.score,
            faults=row.faults,
            penalty=penalty(row.faults),
            comment=row.comment,
        )
        for row in sorted(rated.rows, key=lambda row: row.item)
    ]


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(line, record) of a CSV file with commas, semicolons or tabs, as spreadsheets of any country write it."""
    where = str(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadSheets([str(BadInput("too large for a sheet", where=where, got=f"{path.stat().st_size} bytes"))])
        text = path.read_text(encoding="utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        fault = BadInput("not UTF-8", where=where, got=f"byte {error.start}", remedy="Save it as CSV UTF-8")
        raise BadSheets([str(fault)]) from None
    except OSError as error:
        raise BadSheets([str(BadInput(error.strerror or "cannot be read", where=where))]) from None
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        got = ", ".join((reader.fieldnames or ())[:6]) or "an empty file"
        expected = f"the columns of the sheet; {', '.join(missing)} lacking"
        fault = BadInput("not a sheet", where=where, got=got[:120], expected=expected)
        raise BadSheets([str(fault)])
    try:
        for record in reader:
            yield reader.line_num, {name: (record.get(name) or "").strip() for name in FIELDS}
    except csv.Error as error:
        raise BadSheets([str(BadInput(f"not CSV: {error}", where=f"{where}:{reader.line_num}"))]) from None


def _row(record: Mapping[str, str]) -> RatedItem | None:
    """One rated row, None where it is not done. Raises BadInput without a place."""
    faults = {}
    for name in CATEGORIES:
        given = tuple(word.lower() for word in record[name].replace(",", " ").split())
        for word in given:
            if word not in SEVERITIES:
                expected = "severities: " + ", ".join(SEVERITIES)
                raise BadInput(f"{name}: no such severity", got=repr(word[:40]), expected=expected)
        if given:
            faults[name] = given
    if record["done"].lower() not in _DONE:
        raise BadInput("done: neither yes nor no", got=repr(record["done"][:40]), expected="yes, or nothing")
    if not _DONE[record["done"].lower()]:
        if faults or record["score"]:
            raise BadInput("rated, but not done", got=f"item {record['item'][:20]}", expected="yes in `done`")
        return None
    if not _is_number(record["item"], 9):
        raise BadInput("item: no number", got=repr(record["item"][:40]), expected="the number of the item")
    score = record["score"]
    if score and not (_is_number(score, 3) and int(score) <= 100):
        raise BadInput("score: no whole number from 0 to 100", got=repr(score[:40]), expected="0 to 100, or nothing")
    return RatedItem(
        sheet=record["sheet"],
        rater=record["rater"][:80],
        item=int(record["item"]),
        score=int(score) if score else None,
        faults=faults,
        comment=record["comment"][:2000],
    )


def _is_number(text: str, digits: int) -> bool:
    """Whether a cell is a whole number of so many digits at most; Python refuses to read one of thousands."""
    return text.isascii() and text.isdigit() and len(text) <= digits
