"""How many instructions: means inside the mix against the number of ids, for mixes measured at several sizes.

A mix without a language of the benchmark has no such mean, and no curve.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.groups import arm_scores, arms_of, group_title, groups
from jobs.report.numbers import Metric, View
from jobs.report.plots.lines import Line, draw_lines
from jobs.report.plots.scale import Scale, linear
from polyglot.kinds.aggregate import Estimate
from polyglot.kinds.report import Report

Curve = Sequence[tuple[int | None, Estimate]]  # size (None: every id) and mean


class Panel(NamedTuple):
    """One mix at all its sizes; `x` are places in per cent with their labels."""

    name: str
    plot: Markup
    x: tuple[tuple[float, str], ...]


class Figure(NamedTuple):
    """The mixes of one model and data set."""

    group: str
    panels: tuple[Panel, ...]


class Sizes(NamedTuple):
    """All figures."""

    figures: tuple[Figure, ...]


def show(report: Report, view: View) -> Sizes | None:
    """Return what the section shows; None where every mix has one size."""
    metric = view.metric
    rows = arm_scores(report)
    cells = {cell.arm_key: cell for cell in report.roster}
    scale = linear([metric.lowest * metric.factor, metric.highest * metric.factor])
    figures = []
    for group in groups(report):
        curves: dict[str, list[tuple[int | None, Estimate]]] = {}
        for key in arms_of(report, group):
            if key.dataset is not None and (key, "in-mix") in rows:
                mean = metric.of(rows[key, "in-mix"])
                curves.setdefault(cells[key].form, []).append((cells[key].size, mean))
        several = {name: curve for name, curve in curves.items() if len(curve) > 1}
        if several:
            place = _places({size for curve in several.values() for size, _ in curve})
            panels = tuple(_panel(name, curve, place, metric, scale) for name, curve in several.items())
            figures.append(Figure(group=group_title(report, group), panels=panels))
    return Sizes(figures=tuple(figures)) if figures else None


def _places(sizes: set[int | None]) -> Mapping[int | None, float]:
    """Equal distances in per cent, the largest size at the right."""
    ordered = sorted(sizes, key=lambda size: (size is None, size or 0))
    return {size: round(14 + 82 * index / max(len(ordered) - 1, 1), 2) for index, size in enumerate(ordered)}


def _panel(name: str, curve: Curve, place: Mapping[int | None, float], metric: Metric, scale: Scale) -> Panel:
    known = [
        (size, value, low, high)
        for size, mean in curve
        if (value := metric.scaled(mean.value)) is not None
        and (low := metric.scaled(mean.low)) is not None
        and (high := metric.scaled(mean.high)) is not None
    ]
    line = Line(
        corners=[(place[size], value) for size, value, _, _ in known],
        limits=[(low, high) for _, _, low, high in known],
        dots=True,
    )
    said = ", ".join(f"{size or 'all'}: {metric.show(mean.value)}" for size, mean in curve if mean.value is not None)
    text = f"{name} by number of instructions: {said}"
    return Panel(
        name=name,
        plot=draw_lines(scale, [line], text, height=130, labels=True),
        x=tuple((at, "all" if size is None else str(size)) for size, at in place.items()),
    )
