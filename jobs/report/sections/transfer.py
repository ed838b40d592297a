"""Inside and outside the mix: the mean over its languages, and over those that it never saw."""

from typing import NamedTuple

from markupsafe import Markup

from jobs.report.answer_links import AnswerLinks
from jobs.report.folds import folded, leading
from jobs.report.groups import arm_scores, arms_of, group_title, groups
from jobs.report.numbers import View
from jobs.report.plots.dots import Dot, draw_axis, draw_dots
from jobs.report.plots.scale import linear
from polyglot.kinds.aggregate import Estimate
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.metrics import Metric
from polyglot.kinds.report import Report


class Row(NamedTuple):
    """One arm."""

    name: str
    inside: str
    outside: str
    out_languages: str
    plot: Markup
    href: str


class Figure(NamedTuple):
    """The arms of one model and data set."""

    group: str
    axis: Markup
    rows: tuple[Row, ...]
    folded: tuple[Row, ...]


class Transfer(NamedTuple):
    """All figures."""

    figures: tuple[Figure, ...]


def show(report: Report, view: View) -> Transfer | None:
    """Return what the section shows of arms that have both means; None where none has."""
    metric = view.metric
    rows = arm_scores(report)
    scale = linear([metric.lowest * metric.factor, metric.highest * metric.factor])
    links, first = AnswerLinks.of(report), leading(report)
    figures = []
    for group in groups(report):
        body: list[tuple[ArmKey, Row]] = []
        for key in arms_of(report, group):
            inside, outside = rows.get((key, "in-mix")), rows.get((key, "out-of-mix"))
            if inside is None or outside is None:
                continue
            near, far = metric.of(inside), metric.of(outside)
            shown = metric.show(near.value), metric.show(far.value)
            said = f"{key.arm}: {shown[0]} in {' '.join(inside.languages)}, {shown[1]} in {' '.join(outside.languages)}"
            row = Row(
                name=key.arm,
                inside=shown[0],
                outside=shown[1],
                out_languages=" ".join(outside.languages),
                plot=draw_dots(scale, [_dot(near, metric, "in"), _dot(far, metric, "out")], said),
                href=links.to(key),
            )
            body.append((key, row))
        if body:
            axis = draw_axis(scale, f"Axis: {metric.title}")
            shown_rows, rest = folded(body, is_open=lambda one: one[0] in first)
            figures.append(
                Figure(
                    group=group_title(report, group),
                    axis=axis,
                    rows=tuple(row for _, row in shown_rows),
                    folded=tuple(row for _, row in rest),
                )
            )
    return Transfer(figures=tuple(figures)) if figures else None


def _dot(mean: Estimate, metric: Metric, tone: str) -> Dot:
    return Dot(point=metric.scaled(mean.value), low=metric.scaled(mean.low), high=metric.scaled(mean.high), tone=tone)
