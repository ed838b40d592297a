"""Marks from other tools' exports, told by the id of our items that they carry ("<sheet>.<item>").

Label Studio's JSON export: a list of tasks, `data` with our id in `item` or `id`, `annotations` by `completed_by`
whose `result` has a `pairwise` (`selected` left or right), `choices` or `rating`, and perhaps a `textarea`.
Argilla's: records with our id as `id`, in `metadata` or in `fields`; `responses` by question, each {value, user_id}, or
by user with `values` and a status. Potato's annotated_instances.jsonl: `user_id`, `id` or `instance_id`, and
`label_annotations`, whose labels are keys and whose pairwise schema has a `selection`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from polyglot.core.errors import BadInput
from polyglot.kinds.compare import Slot
from polyglot.sheets.ratings import BadSheets
from polyglot.sheets.votes import Mark, Marked, repeats

ITEM = re.compile(r"([0-9a-f]{12})\.([1-9][0-9]{0,5})")
_LABELS: Mapping[Slot, tuple[str, ...]] = {
    "A": ("a", "left", "answer a", "a better", "a is better", "model a"),
    "B": ("b", "right", "answer b", "b better", "b is better", "model b"),
    "tie": ("tie", "equal", "both good", "no preference", "neither better"),
    "both-bad": ("both bad", "bad", "neither", "tie (bothbad)", "bothbad"),
}
_SAID: Mapping[str, Slot] = {label: slot for slot, labels in _LABELS.items() for label in labels}
_FALSE = ("", "false", "0", "no", "none")
_Row = tuple[str, str, object, object, str, float | None]  # where, rater, item, said, comment, seconds


def form_of(found: object) -> str:
    """Which tool's record this is; "" of none."""
    if isinstance(found, dict):
        for key, form in (("annotations", "label studio"), ("label_annotations", "potato"), ("responses", "argilla")):
            if key in found:
                return form
    return ""


def read_others(path: Path, rows: Sequence[tuple[str, object]]) -> list[Marked]:
    """One `Marked` a sheet and person. Raises BadSheets, a line a fault."""
    problems, found = list[str](), dict[tuple[str, str], list[Mark]]()
    for where, record in rows:
        try:
            for row in _READERS[form_of(record)](where, record):  # type: ignore[arg-type]
                sheet, mark = _mark(row)
                found.setdefault((sheet, row[1]), []).append(mark)
        except BadInput as error:
            problems += str(error).splitlines()
        except (AttributeError, KeyError, TypeError, ValueError):
            expected = "records of one tool: Label Studio, Argilla or Potato"
            problems.append(str(BadInput("cannot be read", where=where, expected=expected)))
    for marks in found.values():
        problems += repeats(marks)
    if not found and not problems:
        problems.append(str(BadInput("nothing was rated", where=str(path))))
    if problems:
        raise BadSheets(problems)
    return [Marked(path=path, sheet=sheet, rater=rater, marks=tuple(marks)) for (sheet, rater), marks in found.items()]


def _mark(row: _Row) -> tuple[str, Mark]:
    where, rater, name, value, comment, seconds = row
    if not rater:
        raise BadInput("no name of the rater", where=where)
    match = ITEM.fullmatch(name) if isinstance(name, str) else None
    if match is None:
        raise BadInput("no item of ours", where=where, got=repr(name)[:60], expected="an id such as 0123456789ab.1")
    return match[1], Mark(
        where=where, item=int(match[2]), said=_said(where, value), comment=comment[:2000], seconds=seconds
    )


def _said(where: str, value: object) -> Slot | int:
    if isinstance(value, str):
        word = re.sub(r"[_\s-]+", " ", value.strip().lower())
        if word in _SAID:
            return _SAID[word]
        value = int(word) if word.isascii() and word.isdigit() and len(word) < 3 else value
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10:
        return value
    expected = f"one of {', '.join(names[0] for names in _LABELS.values())}, or a score from 1 to 10"
    raise BadInput("not a vote", where=where, got=repr(value)[:60], expected=expected)


def _label_studio(where: str, task: dict[str, object]) -> Iterator[_Row]:
    data: dict[str, object] = task["data"]  # type: ignore[assignment]
    for number, one in enumerate(task["annotations"], 1):  # type: ignore[arg-type, var-annotated]
        if one.get("was_cancelled"):
            continue
        by = one.get("completed_by")
        rater = str((by.get("email") or by.get("id") or "") if isinstance(by, dict) else by if by is not None else "")
        said, comment = list[object](), ""
        for result in one["result"]:
            value = result["value"]
            if result["type"] == "pairwise":
                said.append(value["selected"])
            elif result["type"] == "choices":
                said += value["choices"]
            elif result["type"] in ("rating", "number"):
                said.append(value[result["type"]])
            elif result["type"] == "textarea":
                comment = " ".join(value["text"]) if isinstance(value["text"], list) else str(value["text"])
        at = f"{where}: annotation {number}"
        taken = one.get("lead_time")
        seconds = float(taken) if isinstance(taken, int | float) else None
        yield at, rater, data.get("item", data.get("id")), _single(at, said), comment, seconds


def _argilla(where: str, record: dict[str, object]) -> Iterator[_Row]:
    places = (record, record.get("metadata") or {}, record.get("fields") or {})
    names = [place.get(key) for place in places for key in ("item", "id", "external_id")]  # type: ignore[attr-defined]
    item = next((name for name in names if isinstance(name, str) and ITEM.fullmatch(name)), record.get("id"))
    given = record["responses"]
    by_rater: dict[str, dict[str, object]] = {}
    if isinstance(given, dict):
        for question, answers in given.items():
            for answer in answers:
                if answer.get("status", "submitted") == "submitted":
                    by_rater.setdefault(str(answer["user_id"]), {})[question] = answer["value"]
    else:
        for answer in given:  # type: ignore[attr-defined]
            if answer.get("status", "submitted") == "submitted":
                by_rater[str(answer["user_id"])] = {name: one["value"] for name, one in answer["values"].items()}
    for rater, values in by_rater.items():
        comment = " ".join(str(value) for name, value in values.items() if name == "comment")
        said = [value for name, value in values.items() if name != "comment"]
        yield where, rater, item, _single(f"{where}: {rater}", said), comment, None


def _potato(where: str, row: dict[str, object]) -> Iterator[_Row]:
    said, comment = list[object](), ""
    for schema, labels in row["label_annotations"].items():  # type: ignore[attr-defined]
        if schema == "comment":
            comment = " ".join(map(str, labels.values()))
        elif "selection" in labels:
            said.append(labels["selection"])
        else:
            said += [label for label, chosen in labels.items() if str(chosen).lower() not in _FALSE]
    item = row.get("instance_id", row.get("id"))
    yield where, str(row.get("user_id") or ""), item, _single(where, said), comment, None


def _single(where: str, said: Sequence[object]) -> object:
    if len(said) != 1:
        raise BadInput("not one vote", where=where, got=f"{len(said)} marks", expected="one, and perhaps a comment")
    return said[0]


_READERS = {"label studio": _label_studio, "argilla": _argilla, "potato": _potato}
