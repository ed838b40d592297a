"""Mixes by categories and turns, over all languages."""

from typing import NamedTuple

from jobs.report.groups import arms_of, group_title, groups, languages_of
from jobs.report.heat import HeatTable, score_cell, score_row
from jobs.report.numbers import View
from polyglot.kinds.report import Report


class Categories(NamedTuple):
    """A table for each model and data set."""

    tables: tuple[HeatTable, ...]


def show(report: Report, view: View) -> Categories:
    """Return what the section shows."""
    columns: list[tuple[str | None, int | None]] = [(category, None) for category in report.method.categories]
    columns += [(None, turn) for turn in sorted({row.turn for row in report.breakdown if row.turn})]
    rows = {(row.arm_key, row.category, row.turn): row for row in report.breakdown}
    members = languages_of(report)
    tables = []
    for group in groups(report):
        body = []
        for key in arms_of(report, group):
            found = [rows[key, category, turn] for category, turn in columns]
            cells = tuple(score_cell(row, view.metric) for row in found)
            body.append(score_row(found[0], cells, report.method.min_seeds, members[key]))
        titles = tuple(category or f"turn {turn}" for category, turn in columns)
        tables.append(HeatTable(title=group_title(report, group), columns=titles, rows=tuple(body)))
    return Categories(tables=tuple(tables))
