"""Line drawings: lines in a box that stretches with the page, letters beside it that do not."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jobs.report.plots.scale import Scale

POINTS = 120  # at most this many corners a line: a report is read, not zoomed into
FEWER_POINTS = 40  # where there are very many drawings
MANY_DRAWINGS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: (x in per cent, value) corners, a class for its colour, limits for each corner or none.

    `name` stands at the right, at a height in per cent from the top; `band` are (x, low, high) of an area.
    """

    corners: Sequence[tuple[float, float]]
    tone: str = "tone0"
    limits: Sequence[tuple[float, float]] = ()
    dots: bool = False
    thick: bool = False
    joined: bool = True  # else the corners are dots alone
    band: Sequence[tuple[float, float, float]] = ()
    name: str = ""
    name_at: float = 0.0


def draw_lines(scale: Scale, lines: Sequence[Line], title: str, *, height: int, labels: bool = False) -> Markup:
    """Draw lines over one vertical axis; the horizontal positions are the caller's per cent."""
    parts = []
    for tick in scale.ticks:
        y = _y(scale, tick)
        parts.append(Markup('<line class="rule" x1="0" x2="100%" y1="{}%" y2="{}%"/>').format(y, y))
        if labels:
            parts.append(Markup('<text class="tick" x="0" y="{}%" dy="-3">{}</text>').format(y, scale.label(tick)))
    for line in lines:
        if line.band:
            parts.append(_band(scale, line))
        if line.joined:
            path = " ".join(f"{x:g},{_y(scale, value):g}" for x, value in line.corners)
            parts.append(
                Markup(
                    '<svg viewBox="0 0 100 100" preserveAspectRatio="none"><polyline class="line {}" points="{}"/>'
                    "</svg>"
                ).format(f"{line.tone} thick" if line.thick else line.tone, path)
            )
        for (x, _), (low, high) in zip(line.corners, line.limits, strict=False):
            parts.append(
                Markup('<line class="whisker {}" x1="{}%" x2="{}%" y1="{}%" y2="{}%"/>').format(
                    line.tone, x, x, _y(scale, low), _y(scale, high)
                )
            )
        if line.name:
            parts.append(
                Markup('<text class="line-name {}" x="100%" y="{}%" dy="4">{}</text>').format(
                    line.tone, line.name_at, line.name
                )
            )
        if line.dots:
            parts += [
                Markup('<circle class="dot {}" cx="{}%" cy="{}%" r="4"/>').format(line.tone, x, _y(scale, value))
                for x, value in line.corners
            ]
    kind = "plot lines labelled" if labels else "plot lines"
    return Markup('<svg class="{}" role="img" width="100%" height="{}"><title>{}</title>{}</svg>').format(
        kind, height, title, Markup("").join(parts)
    )


def thin_out(values: Sequence[float], corners: int = POINTS) -> list[tuple[float, float]]:
    """Return at most `corners` (x in per cent, mean of a bin) pairs over the whole run."""
    number = len(values)
    if number <= corners:
        return [(round(100 * index / max(number - 1, 1), 2), value) for index, value in enumerate(values)]
    edges = [number * index // corners for index in range(corners + 1)]
    return [
        (round(100 * index / (corners - 1), 2), sum(values[start:stop]) / (stop - start))
        for index, (start, stop) in enumerate(zip(edges, edges[1:], strict=False))
    ]


def points_of(drawings: int) -> int:
    """How many corners a line has at most, of so many drawings of lines."""
    return POINTS if drawings <= MANY_DRAWINGS else FEWER_POINTS


def _band(scale: Scale, line: Line) -> Markup:
    """The area between the limits of a line."""
    over = [f"{x:g},{_y(scale, high):g}" for x, _, high in line.band]
    under = [f"{x:g},{_y(scale, low):g}" for x, low, _ in reversed(line.band)]
    return Markup(
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none"><polygon class="band {}" points="{}"/></svg>'
    ).format(line.tone, " ".join([*over, *under]))


def _y(scale: Scale, value: float) -> float:
    return round(100 - scale.at(value), 2)
