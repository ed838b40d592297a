"""Mixes by categories and turns, over all languages: a radar for each mix, and the table with its limits."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.answer_links import AnswerLinks
from jobs.report.folds import folded, leading
from jobs.report.groups import Group, arms_of, group_title, groups, languages_of, largest_sizes
from jobs.report.heat import HeatRow, HeatTable, score_cell, score_row
from jobs.report.numbers import View
from jobs.report.plots.radar import LEAST, draw_radar
from jobs.report.plots.scale import Scale, linear
from polyglot.kinds.aggregate import PartScore
from polyglot.kinds.cells import AGAIN, ArmKey
from polyglot.kinds.metrics import Metric
from polyglot.kinds.report import Report

MOST_RADARS = 9  # that stand open
Part = tuple[str | None, int | None]  # a category, or a turn
Parts = Mapping[tuple[ArmKey, str | None, int | None], PartScore]


class Radar(NamedTuple):
    """One mix."""

    name: str
    href: str
    plot: Markup


class Radars(NamedTuple):
    """Those of one model and data set; `rim` is what the outer ring stands for."""

    title: str
    rim: str
    shown: tuple[Radar, ...]
    folded: tuple[Radar, ...]


class Categories(NamedTuple):
    """Radars, and a table for each model and data set."""

    radars: tuple[Radars, ...]
    tables: tuple[HeatTable, ...]


def show(report: Report, view: View) -> Categories:
    """Return what the section shows."""
    rows = {(row.arm_key, row.category, row.turn): row for row in report.breakdown}
    columns: list[Part] = [(category, None) for category in report.method.categories]
    columns += [(None, turn) for turn in sorted({row.turn for row in report.breakdown if row.turn})]
    names = list(report.method.categories)
    return Categories(
        radars=tuple(_radars(report, group, names, rows, view.metric) for group in groups(report))
        if len(names) >= LEAST
        else (),
        tables=tuple(_table(report, group, columns, rows, view.metric) for group in groups(report)),
    )


def _radars(report: Report, group: Group, names: Sequence[str], rows: Parts, metric: Metric) -> Radars:
    """Largest sizes and mixes of most languages first; behind each the mean of all that the group has, tuned."""
    members, links, largest = languages_of(report), AnswerLinks.of(report), largest_sizes(report)
    keys = [key for key in arms_of(report, group) if AGAIN not in key.arm]
    keys.sort(key=lambda key: (key not in largest, -len(members[key])))
    means = {key: [metric.scaled(metric.of(rows[key, name, None]).value) for name in names] for key in keys}
    tuned = [key for key in keys if key.dataset is not None] or keys
    behind = [_mean([means[key][place] for key in tuned]) for place in range(len(names))]
    scale = _scale(metric)

    def radar(key: ArmKey) -> Radar:
        values = means[key]
        said = ", ".join(f"{name} {_bare(value, metric)}" for name, value in zip(names, values, strict=True))
        plot = draw_radar(scale, names, values, behind, f"{metric.title} of {key.arm} by category: {said}")
        return Radar(name=key.arm, href=links.to(key), plot=plot)

    shown, rest = keys[:MOST_RADARS], keys[MOST_RADARS:]
    return Radars(
        title=group_title(report, group),
        rim=scale.label(scale.high),
        shown=tuple(map(radar, shown)),
        folded=tuple(map(radar, rest)),
    )


def _scale(metric: Metric) -> Scale:
    """From nothing, or the lowest score, in the middle to the highest at the rim."""
    return linear([0.0, metric.highest * metric.factor], ticks=5)


def _bare(value: float | None, metric: Metric) -> str:
    return "n/a" if value is None else f"{value:.{metric.digits}f}"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _table(report: Report, group: Group, columns: Sequence[Part], rows: Parts, metric: Metric) -> HeatTable:
    members, links, first = languages_of(report), AnswerLinks.of(report), leading(report)

    def row(key: ArmKey) -> HeatRow:
        found = [rows[key, category, turn] for category, turn in columns]
        cells = tuple(score_cell(row, metric, href=links.to(key, category=row.category or "")) for row in found)
        return score_row(found[0], cells, report.method.min_seeds, members[key])

    shown, rest = folded(arms_of(report, group), is_open=first.__contains__)
    return HeatTable(
        title=group_title(report, group),
        columns=tuple(category or f"turn {turn}" for category, turn in columns),
        rows=tuple(map(row, shown)),
        folded=tuple(map(row, rest)),
    )
