"""Which shares of languages are best: mixes of one size on a curve or in a triangle, and the set of the best ones."""

from collections.abc import Iterable
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.folds import folded
from jobs.report.numbers import View
from jobs.report.plots.lines import Line, draw_lines
from jobs.report.plots.scale import linear
from jobs.report.plots.triangle import Point, draw_triangle
from jobs.report.ratio_words import MOST_SETS, is_largest, limits_label, ratio_sentence, shares_label, told_together
from polyglot.kinds.metrics import MINUS
from polyglot.kinds.mixtures import BlendRow, MixtureSet
from polyglot.kinds.report import Report

LEFT, WIDTH = 14, 82  # of a curve's panel, in per cent


class Row(NamedTuple):
    """One mix: `what` it is, `mean`, `behind` the best and `over` equal shares, each with its limits."""

    name: str
    shares: str
    seeds: int
    mean: tuple[str, str]
    fitted: str
    behind: tuple[str, str]
    over: tuple[str, str]
    what: str


class Figure(NamedTuple):
    """One set; `x` are the labels of a curve."""

    title: str
    sentence: str
    plot: Markup | None
    x: tuple[tuple[float, str], ...]
    caption: str
    rows: tuple[Row, ...]
    reach: str
    model: str


class Ratios(NamedTuple):
    """All of them."""

    margin: float | None
    figures: tuple[Figure, ...]
    folded: tuple[Figure, ...]  # of very many, those of smaller sizes


def show(report: Report, view: View) -> Ratios | None:
    """Return what the section shows; None where no mixes were compared by their shares."""
    if report.mixtures is None or not report.mixtures.found:
        return None
    margin = report.mixtures.margin
    told = told_together(report)
    shown, rest = folded(told, is_open=lambda one: is_largest(report, one[1]), most=MOST_SETS)

    def figures(sets: Iterable[tuple[str, list[MixtureSet]]]) -> tuple[Figure, ...]:
        return tuple(_figure(report, title, rows[0], margin) for title, rows in sets)

    return Ratios(margin=margin, figures=figures(shown), folded=figures(rest))


def _figure(report: Report, title: str, row: MixtureSet, margin: float | None) -> Figure:
    """`row` stands for all sets of this title."""
    rows = [*row.tried, *(one for one in (row.equal, row.best) if one is not None and one.arm is None)]
    plot, x, caption = _plot(row)
    between = [f"{name} {100 * low:.3g} to {100 * high:.3g}%" for name, (low, high) in row.reach.items()]
    return Figure(
        title=title,
        sentence=ratio_sentence(row, margin, report.method.min_seeds),
        plot=plot,
        x=x,
        caption=caption,
        rows=tuple(_row(row, one, margin) for one in {_key(one): one for one in reversed(rows)}.values())[::-1],
        reach=", ".join(between) if row.blending != "none" else "",
        model=_model(row),
    )


def _key(one: BlendRow) -> str:
    return shares_label(one.shares)


def _row(found: MixtureSet, one: BlendRow, margin: float | None) -> Row:
    is_bar = found.equal is not None and _key(found.equal) == _key(one)
    is_best = found.best is not None and _key(found.best) == _key(one)
    what = ["the bar" if is_bar else ""]
    what += ["estimated best" if is_best else "may be the best" if one.may_be_best else "shown to be worse"]
    what += [f"within {margin:g} points of the best" if one.enough else ""]
    return Row(
        name=one.arm or "not tried",
        shares=shares_label(one.shares),
        seeds=one.seeds,
        mean=limits_label(one.mean),
        fitted="" if one.fitted is None else f"{one.fitted:.2f}",
        behind=limits_label(one.behind),
        over=limits_label(one.over_equal, signed=True),
        what=", ".join(part for part in what if part),
    )


def _plot(row: MixtureSet) -> tuple[Markup | None, tuple[tuple[float, str], ...], str]:
    """The figure of two components (a curve) or three (a triangle), the labels below it, and what it shows."""
    if not row.surface or row.best is None:
        return None, (), ""
    if len(row.components) == 2:
        first, rest = row.components
        caption = (
            f"Mean score over all languages by the share of {first}, the rest being {rest}. Dots: mixes as measured; "
            "line: the blending model; thick parts of the line: in the set."
        )
        return _curve(row), tuple((LEFT + WIDTH * x / 100, f"{x}%") for x in (0, 25, 50, 75, 100)), caption
    values = [point.fitted for point in row.surface]
    low, high = min(values), max(values)
    tried = [tuple(one.shares.get(name, 0.0) for name in row.components) for one in row.tried]
    points = [
        Point(
            at=point.at,
            strength=(point.fitted - low) / (high - low) if high > low else 0.5,
            held=point.in_set,
            tried=any(max(abs(a - b) for a, b in zip(point.at, at, strict=True)) < 1e-4 for at in tried),
        )
        for point in row.surface
    ]
    said = f"Fitted mean score from {low:.2f} (pale) to {high:.2f} (dark) over mixes of {', '.join(row.components)}"
    return draw_triangle(row.components, points, said), (), f"{said}. Rings: in the set; dots: tried."


def _curve(row: MixtureSet) -> Markup:
    means = [
        (one.shares.get(row.components[0], 0.0), one.mean.value, one.mean.low, one.mean.high)
        for one in row.tried
        if one.mean.value is not None and one.mean.low is not None and one.mean.high is not None
    ]
    fitted = sorted((point.at[0], point.fitted, point.in_set) for point in row.surface)
    scale = linear([*(value for mean in means for value in mean[1:]), *(value for _, value, _ in fitted)])
    lines = [Line(corners=[(_x(share), value) for share, value, _ in fitted])]
    held: list[tuple[float, float]] = []
    for share, value, inside in [*fitted, (0.0, 0.0, False)]:
        if inside:
            held.append((_x(share), value))
        elif held:
            lines.append(Line(corners=held, thick=True))
            held = []
    lines.append(
        Line(
            corners=[(_x(share), value) for share, value, _, _ in means],
            limits=[(low, high) for _, _, low, high in means],
            dots=True,
            joined=False,
        )
    )
    said = ", ".join(f"{100 * share:.3g}%: {value:.2f}" for share, value, _, _ in means)
    return draw_lines(scale, lines, f"Mean score by share of {row.components[0]}: {said}", height=220, labels=True)


def _x(share: float) -> float:
    return round(LEFT + WIDTH * share, 2)


def _model(row: MixtureSet) -> str:
    """What the fitted model is, in words."""
    if row.blending == "none" or not row.coefficients:
        return ""
    told = ", ".join(f"{name} {value:.2f}".replace("-", MINUS) for name, value in row.coefficients.items())
    left = (
        "as many mixes as coefficients, so departures from the model cannot be seen"
        if row.departure_sd is None
        else f"mixes depart from it by {row.departure_sd:.2f} points (SD) beyond what questions and seeds explain"
    )
    return f"Blending model: {told}; {left}."
