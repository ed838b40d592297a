"""Answers that something is the matter with: mixes by languages, a table for each defect."""

from collections.abc import Collection
from typing import NamedTuple, get_args
from urllib.parse import urlencode

from jobs.report.answers.index import DEFECTS
from jobs.report.folds import folded, leading
from jobs.report.groups import arms_of, group_title, groups
from jobs.report.numbers import View, share, whole
from polyglot.core.records import UNSET
from polyglot.kinds.aggregate import CellScore, Defect
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.report import Report

_FIELDS: dict[Defect, str] = {name: name.replace("-", "_") for name in get_args(Defect)}


class Field(NamedTuple):
    """One arm in one language; `href` opens those answers, "" where there is no page or nothing to see."""

    text: str
    detail: str
    strength: float
    href: str


class Row(NamedTuple):
    """One arm."""

    name: str
    fields: tuple[Field, ...]


class Table(NamedTuple):
    """One defect, in one group of arms."""

    title: str
    group: str
    rows: tuple[Row, ...]
    folded: tuple[Row, ...]


class Defects(NamedTuple):
    """What the section shows; `clean` are the defects that no answer has."""

    languages: tuple[str, ...]
    tables: tuple[Table, ...]
    clean: tuple[str, ...]
    unknown: str
    page: bool


def show(report: Report, view: View) -> Defects | None:
    """Return what the section shows; None where answers were not looked at."""
    cells = [row for row in report.cells if row.is_whole and row.unknown_language is not UNSET]
    if not cells:
        return None
    arms = {cell.cell: cell.arm_key for cell in report.roster if not cell.otherwise}
    found: dict[tuple[ArmKey, str], list[CellScore]] = {}
    for row in cells:
        if row.cell in arms:
            found.setdefault((arms[row.cell], row.language), []).append(row)
    present = [name for name in _FIELDS if any(_count(row, name) for row in cells)]
    first = leading(report)
    turns, unknown = sum(row.answer_turns or 0 for row in cells), sum(row.unknown_language or 0 for row in cells)
    return Defects(
        languages=report.method.languages,
        tables=tuple(_table(report, group, name, found, first) for name in present for group in groups(report)),
        clean=tuple(DEFECTS[name] for name in _FIELDS if name not in present),
        unknown=f"{whole(unknown)} of {whole(turns)} turns ({share(unknown, turns)})",
        page=report.answers,
    )


def _table(
    report: Report,
    group: tuple[str, str | None],
    name: Defect,
    found: dict[tuple[ArmKey, str], list[CellScore]],
    first: Collection[ArmKey],
) -> Table:
    """One defect; of very many arms some are folded."""
    languages = report.method.languages
    keys = [key for key in arms_of(report, group) if any((key, language) in found for language in languages)]
    shown, rest = folded(keys, is_open=first.__contains__)

    def row(key: ArmKey) -> Row:
        fields = (_field(report, name, found.get((key, language), []), language) for language in languages)
        return Row(key.arm, tuple(fields))

    return Table(
        title=DEFECTS[name],
        group=group_title(report, group),
        rows=tuple(map(row, shown)),
        folded=tuple(map(row, rest)),
    )


def _field(report: Report, name: Defect, rows: list[CellScore], language: str) -> Field:
    """One arm over its seeds and draws."""
    count, turns = sum(_count(row, name) for row in rows), sum(row.answer_turns or 0 for row in rows)
    href = ""
    if count and report.answers:
        worst = max(rows, key=lambda row: _count(row, name)).cell
        href = "answers.html#" + urlencode({"a": worst, "b": worst, "in": language, "defect": name})
    detail = f"{whole(count)} of {whole(turns)}" if turns else "not asked"
    return Field(share(count, turns), detail, count / turns if turns else 0.0, href)


def _count(row: CellScore, name: Defect) -> int:
    return getattr(row, _FIELDS[name]) or 0
