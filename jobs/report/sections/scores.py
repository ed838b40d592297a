"""Every mix in every language, and the unweighted mean of the languages."""

from collections.abc import Iterator
from typing import NamedTuple

from jobs.report.answer_links import AnswerLinks
from jobs.report.folds import folded, leading
from jobs.report.groups import arm_scores, arms_of, group_title, groups, languages_of
from jobs.report.heat import HeatRow, HeatTable, score_cell, score_row
from jobs.report.numbers import View, share
from polyglot.core.records import UNSET
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.metrics import SCORE, Metric
from polyglot.kinds.report import Report


class Bounds(NamedTuple):
    """An arm some of whose verdicts failed: their share, its mean score, and the mean with these as 1 and as 10."""

    name: str
    share: str
    mean: str
    lowest: str
    highest: str


class Scores(NamedTuple):
    """The tables of both metrics; `weak`: some arm has too few seeds; arms with failed verdicts."""

    tables: tuple[HeatTable, ...]
    other_tables: tuple[HeatTable, ...]
    weak: bool
    bounds: tuple[Bounds, ...]


def show(report: Report, view: View) -> Scores:
    """Return what the section shows."""
    tables = tuple(_tables(report, view.metric))
    return Scores(
        tables=tables,
        other_tables=tuple(_tables(report, view.other)),
        weak=any(row.weak for table in tables for row in table.rows),
        bounds=tuple(_bounds(report)),
    )


def _bounds(report: Report) -> Iterator[Bounds]:
    """Over all languages, most failures first."""
    for row in sorted(report.arms, key=lambda row: -(row.failed_share or 0.0)):
        if row.language == "all" and row.failed_share and row.lowest is not UNSET and row.highest is not UNSET:
            title = group_title(report, row.trained_on) if row.dataset else ""
            yield Bounds(
                name=row.arm + (f", {title}" if title else ""),
                share=share(row.failed_share, 1),
                mean=SCORE.show(row.mean),
                lowest=SCORE.show(row.lowest),
                highest=SCORE.show(row.highest),
            )


def _tables(report: Report, metric: Metric) -> Iterator[HeatTable]:
    rows, languages, members = arm_scores(report), report.method.languages, languages_of(report)
    links, first = AnswerLinks.of(report), leading(report)
    columns = (*((language, language) for language in languages), ("all", ""))

    def row(key: ArmKey) -> HeatRow:
        cells = tuple(
            score_cell(rows[key, column], metric, own=column in members[key], href=links.to(key, language=language))
            for column, language in columns
        )
        return score_row(rows[key, "all"], cells, report.method.min_seeds, members[key])

    for group in groups(report):
        shown, rest = folded(arms_of(report, group), is_open=first.__contains__)
        yield HeatTable(
            title=group_title(report, group),
            columns=(*languages, "All"),
            rows=tuple(map(row, shown)),
            folded=tuple(map(row, rest)),
        )
