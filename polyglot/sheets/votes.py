"""What people sent back of sheets of answers: files read strictly, every fault of them in one line, and unblinded.

Ours is what the page saves. `others` reads exports of other tools, `fastchat` votes that name models themselves.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard, get_args

from polyglot.core.errors import BadInput, Permanent
from polyglot.core.json_lines import BYTE_ORDER_MARK, parse, refuse_foreign
from polyglot.kinds.compare import AS_SHOWN, Slot
from polyglot.kinds.people import HIGHEST, LOWEST, WHOLE, HumanVote, Speaks
from polyglot.sheets.answers import AnswerKey
from polyglot.sheets.answers_page import FORMAT
from polyglot.sheets.ratings import BadSheets

SLOTS: tuple[Slot, ...] = get_args(Slot)
_MOST_BYTES = 64 * 2**20
_MOST_SECONDS = 7 * 86_400
_MOST_COMMENT = 2000
_FIELDS = ("format", "sheet", "language", "rater", "speaks", "votes")
_OF_VOTE = ("item", "vote", "seconds", "comment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One item as it was marked: a slot of a pair, or a score. `where` is for messages."""

    where: str
    item: int
    said: Slot | int
    seconds: float | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """One person's marks of one sheet, still under their numbers."""

    path: Path
    sheet: str
    rater: str
    marks: tuple[Mark, ...]
    speaks: Speaks = ""


def read_ours(path: Path, found: object) -> Marked:
    """The marks of a file that the page saved. Raises BadSheets, a line a fault."""
    where = str(path)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BadSheets([str(BadInput("not a sheet of answers", where=where, expected=f"`format` {FORMAT}"))])
    problems = list(_strange(where, found, _FIELDS))
    for name in ("sheet", "language", "rater"):
        value = found.get(name)
        if not isinstance(value, str) or not 1 <= len(value.strip()) <= 80:
            problems.append(str(BadInput(f"no {name}", where=where, got=_short(value), expected="1 to 80 characters")))
    if found.get("speaks") not in get_args(Speaks):
        expected = "one of native, fluent, other"
        problems.append(str(BadInput("speaks", where=where, got=_short(found.get("speaks")), expected=expected)))
    rows = found.get("votes")
    if not isinstance(rows, list) or not rows:
        problems.append(str(BadInput("nothing was rated", where=where, expected="`votes`, one or more")))
        rows = []
    marks = []
    for number, row in enumerate(rows, 1):
        try:
            marks.append(_mark(f"{where}: vote {number}", row))
        except BadSheets as error:
            problems += error.lines
    problems += repeats(marks)
    if problems:
        raise BadSheets(problems)
    rater = found["rater"].strip()
    return Marked(path=path, sheet=found["sheet"], rater=rater, speaks=found["speaks"], marks=tuple(marks))


def repeats(marks: Sequence[Mark]) -> Iterator[str]:
    """A line for each item that is there twice."""
    seen: dict[int, str] = {}
    for mark in marks:
        if mark.item in seen:
            expected = f"once; it is in {seen[mark.item].rpartition(': ')[2]} too"
            yield str(BadInput(f"item {mark.item} is there twice", where=mark.where, expected=expected))
        seen.setdefault(mark.item, mark.where)


def unblind(marked: Marked, key: AnswerKey) -> list[HumanVote]:
    """The votes under the names of the models, in the sheet's order. Raises BadSheets, a line a fault."""
    items = {int(item["item"]): item for item in key["items"]}
    pairs = key["what"] == "pairs"
    votes, problems = [], list[str]()
    for mark in sorted(marked.marks, key=lambda mark: mark.item):
        item = items.get(mark.item)
        if item is None:
            what, expected = f"sheet {marked.sheet} has no such item", f"1 to {len(items)}"
            problems.append(str(BadInput(what, where=mark.where, got=str(mark.item), expected=expected)))
            continue
        if isinstance(mark.said, int) == pairs:
            expected = f"one of {', '.join(SLOTS)}" if pairs else f"a score from {LOWEST} to {HIGHEST}"
            problems.append(
                str(BadInput("not what was asked", where=mark.where, got=repr(mark.said), expected=expected))
            )
            continue
        votes.append(
            HumanVote(
                rater=marked.rater,
                language=key["language"],
                id=item["id"],
                turn=WHOLE,
                first=item["cells"][0],
                second=item["cells"][1] if pairs else None,
                outcome=None if isinstance(mark.said, int) else AS_SHOWN[mark.said],
                score=mark.said if isinstance(mark.said, int) else None,
                category=item["category"],
                speaks=marked.speaks,
                seconds=mark.seconds,
                comment=mark.comment,
                sheet=marked.sheet,
            )
        )
    if problems:
        raise BadSheets(problems)
    return votes


def load_json(path: Path) -> tuple[str, list[tuple[str, object]]]:
    """("document", [one]) or ("lines", one a line), each with its place. Raises BadSheets."""
    where = str(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadSheets([str(BadInput("too large for a sheet", where=where, got=f"{path.stat().st_size} bytes"))])
        data = path.read_bytes()
        refuse_foreign(data[:4], where)
        text = data.removeprefix(BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        raise BadSheets([str(BadInput("not UTF-8", where=where, got=f"byte {error.start}"))]) from None
    except OSError as error:
        raise BadSheets([str(BadInput(error.strerror or "cannot be read", where=where))]) from None
    except Permanent as error:
        raise BadSheets([str(error)]) from None
    try:
        return "document", [(where, parse(text))]
    except (ValueError, RecursionError) as error:
        whole = error
    rows, problems = [], list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                rows.append((f"{where}:{number}", parse(line)))
            except (ValueError, RecursionError) as error:
                problems.append(str(BadInput(f"not JSON: {_reason(error)}", where=f"{where}:{number}")))
    if not rows or len(rows) == len(problems) == 0:
        raise BadSheets([str(BadInput(f"not JSON: {_reason(whole)}", where=where))])
    if problems:
        raise BadSheets(problems)
    return "lines", rows


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def _mark(where: str, row: object) -> Mark:
    if not isinstance(row, dict):
        raise BadSheets([str(BadInput("not a vote", where=where, got=_short(row)))])
    problems = list(_strange(where, row, _OF_VOTE))
    item, said, seconds, comment = (row.get(name) for name in _OF_VOTE)
    if not _whole(item) or item < 1:
        problems.append(str(BadInput("item", where=where, got=_short(item), expected="the number of the item")))
    if not (said in SLOTS if isinstance(said, str) else _whole(said) and LOWEST <= said <= HIGHEST):
        expected = f"one of {', '.join(SLOTS)}, or a score from {LOWEST} to {HIGHEST}"
        problems.append(str(BadInput("vote", where=where, got=_short(said), expected=expected)))
    if not _is_time(seconds):
        problems.append(str(BadInput("seconds", where=where, got=_short(seconds), expected="seconds, 0 or more")))
    if not isinstance(comment, str) or len(comment) > _MOST_COMMENT:
        expected = f"{_MOST_COMMENT} characters or less"
        problems.append(str(BadInput("comment", where=where, got=_short(comment), expected=expected)))
    if problems:
        raise BadSheets(problems)
    return Mark(where=where, item=row["item"], said=row["vote"], seconds=float(row["seconds"]), comment=row["comment"])


def _is_time(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= _MOST_SECONDS


def _strange(where: str, found: Mapping[str, object], fields: Sequence[str]) -> Iterator[str]:
    for name in fields:
        if name not in found:
            yield str(BadInput(f"{name} is missing", where=where))
    for name in found:
        if name not in fields:
            yield str(BadInput("unknown field", where=where, got=_short(name), expected=", ".join(fields)))


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _short(value: object) -> str:
    return repr(value)[:60]
