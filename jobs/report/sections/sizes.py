"""How many instructions: means inside the mix against the number of ids, for mixes measured at several sizes.

A mix without a language of the benchmark has no such mean, and no curve. Behind the means lies the curve that does not
fall, with limits for all sizes at once; below them stands what the declared margin makes of the gaps, if one was.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.groups import Group, arm_scores, arms_of, group_title, groups
from jobs.report.numbers import View
from jobs.report.plots.lines import Line, draw_lines
from jobs.report.plots.scale import Scale, linear
from jobs.report.size_words import MOST_MIXES, gap_rows, size_sentence
from polyglot.kinds.aggregate import Estimate
from polyglot.kinds.metrics import Metric
from polyglot.kinds.report import Report
from polyglot.kinds.thresholds import BandPoint, Threshold

MOST_LABELS = 7  # below a panel, as wide as they are on a phone
Curve = Sequence[tuple[int | None, Estimate]]  # size (None: every id) and mean


class Panel(NamedTuple):
    """One mix at all its sizes; `x` are places in per cent with their labels."""

    name: str
    plot: Markup
    x: tuple[tuple[float, str], ...]


class Enough(NamedTuple):
    """What is said of a mix at its sizes, and the gaps behind it: size, seeds, gap, what it is."""

    mix: str
    sentence: str
    rows: tuple[tuple[str, str, str, str], ...]


class Figure(NamedTuple):
    """The mixes of one model and data set."""

    group: str
    panels: tuple[Panel, ...]
    enough: tuple[Enough, ...]
    many: bool  # of so many mixes that what is said of each is folded


class Sizes(NamedTuple):
    """All figures."""

    figures: tuple[Figure, ...]
    has_bands: bool
    no_band: str  # mixes whose means no curve that does not fall can have


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
            found = _thresholds(report, group)
            panels = tuple(
                _panel(name, curve, place, metric, scale, found.get(name)) for name, curve in several.items()
            )
            enough = _enough(report, found.values())
            many = len(enough) > MOST_MIXES
            figures.append(Figure(group=group_title(report, group), panels=panels, enough=enough, many=many))
    return _all(report, figures, metric) if figures else None


def _all(report: Report, figures: Sequence[Figure], metric: Metric) -> Sizes:
    """The figures, and what is said of their bands."""
    bands = {row.mix: _band_of(row, metric) for row in (report.thresholds.found if report.thresholds else ())}
    without = [name for name, band in bands.items() if any(point.low is None for point in band)]
    has_bands = any(point.low is not None for band in bands.values() for point in band)
    return Sizes(figures=tuple(figures), has_bands=has_bands, no_band=", ".join(without))


def _thresholds(report: Report, group: Group) -> Mapping[str, Threshold]:
    """By mix, those of one model and data set."""
    found = report.thresholds.found if report.thresholds else ()
    return {row.mix: row for row in found if row.trained_on == group}


def _enough(report: Report, found: Iterable[Threshold]) -> tuple[Enough, ...]:
    margin = report.thresholds.margin if report.thresholds else None
    return tuple(
        Enough(
            mix=row.mix,
            sentence=size_sentence(row, margin, report.method.min_seeds),
            rows=tuple(gap_rows(row, margin)),
        )
        for row in found
    )


def _band_of(row: Threshold, metric: Metric) -> Sequence[BandPoint]:
    return row.exact_band if metric.name == "exact" else row.score_band


def _places(sizes: set[int | None]) -> Mapping[int | None, float]:
    """Equal distances in per cent, the largest size at the right."""
    ordered = sorted(sizes, key=lambda size: (size is None, size or 0))
    return {size: round(14 + 82 * index / max(len(ordered) - 1, 1), 2) for index, size in enumerate(ordered)}


def _panel(
    name: str,
    curve: Curve,
    place: Mapping[int | None, float],
    metric: Metric,
    scale: Scale,
    found: Threshold | None,
) -> Panel:
    known = [
        (size, value, low, high)
        for size, mean in curve
        if (value := metric.scaled(mean.value)) is not None
        and (low := metric.scaled(mean.low)) is not None
        and (high := metric.scaled(mean.high)) is not None
    ]
    rising = _rising(found, place, metric)
    line = Line(
        corners=[(place[size], value) for size, value, _, _ in known],
        limits=[(low, high) for _, _, low, high in known],
        dots=True,
        joined=rising is None,
    )
    said = ", ".join(f"{size or 'all'}: {metric.show(mean.value)}" for size, mean in curve if mean.value is not None)
    text = f"{name} by number of instructions: {said}"
    return Panel(
        name=name,
        plot=draw_lines(scale, [line] if rising is None else [rising, line], text, height=130, labels=True),
        x=tuple((at, "all" if size is None else str(size)) for size, at in _labelled(place)),
    )


def _labelled(place: Mapping[int | None, float]) -> Sequence[tuple[int | None, float]]:
    """The sizes whose numbers fit below a panel, counted from the largest."""
    every = list(place.items())
    step = -(-len(every) // MOST_LABELS)
    return every[::-1][::step][::-1]


def _rising(found: Threshold | None, place: Mapping[int | None, float], metric: Metric) -> Line | None:
    """The curve that does not fall, with its band where there is one."""
    points = () if found is None else _band_of(found, metric)
    corners = [(place[point.size], value) for point in points if (value := metric.scaled(point.value)) is not None]
    band = [
        (place[point.size], low, high)
        for point in points
        if (low := metric.scaled(point.low)) is not None and (high := metric.scaled(point.high)) is not None
    ]
    return Line(corners=corners, band=band) if corners else None
