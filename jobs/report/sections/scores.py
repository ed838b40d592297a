"""Every mix in every language, and the unweighted mean of the languages."""

from collections.abc import Iterator
from typing import NamedTuple

from jobs.report.groups import arm_scores, arms_of, group_title, groups, languages_of
from jobs.report.heat import HeatTable, score_cell, score_row
from jobs.report.numbers import Metric, View
from polyglot.kinds.report import Report


class Scores(NamedTuple):
    """The tables of both metrics; `weak`: some arm has too few seeds."""

    tables: tuple[HeatTable, ...]
    other_tables: tuple[HeatTable, ...]
    weak: bool


def show(report: Report, view: View) -> Scores:
    """Return what the section shows."""
    tables = tuple(_tables(report, view.metric))
    return Scores(
        tables=tables,
        other_tables=tuple(_tables(report, view.other)),
        weak=any(row.weak for table in tables for row in table.rows),
    )


def _tables(report: Report, metric: Metric) -> Iterator[HeatTable]:
    rows, languages, members = arm_scores(report), report.method.languages, languages_of(report)
    for group in groups(report):
        body = tuple(
            score_row(
                rows[key, "all"],
                tuple(
                    score_cell(rows[key, language], metric, own=language in members[key])
                    for language in (*languages, "all")
                ),
                report.method.min_seeds,
                members[key],
            )
            for key in arms_of(report, group)
        )
        yield HeatTable(title=group_title(report, group), columns=(*languages, "All"), rows=body)
