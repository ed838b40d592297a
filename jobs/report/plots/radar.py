"""Radars: a value on each of some axes round a centre, joined to a shape, with another shape behind it."""

from collections.abc import Sequence
from math import cos, pi, sin

from markupsafe import Markup

from jobs.report.plots.scale import Scale

RADIUS = 62  # of the box's 250 x 168, whose sides leave room for names of ten letters
_CENTRE = (125.0, 84.0)
_BEYOND = 8  # from the rim to a name
LEAST = 3  # axes that make a shape


def draw_radar(
    scale: Scale, names: Sequence[str], values: Sequence[float | None], behind: Sequence[float | None], title: str
) -> Markup:
    """Draw `values` by `names`, clockwise from the top, over the shape of `behind`; None is no corner."""
    angles = [2 * pi * number / len(names) for number in range(len(names))]
    rings = Markup("").join(
        Markup('<circle class="ring" cx="{:g}" cy="{:g}" r="{:.1f}"/>').format(*_CENTRE, RADIUS * scale.at(tick) / 100)
        for tick in scale.ticks
        if scale.at(tick) > 0
    )
    spokes = Markup("").join(
        Markup('<line class="rule" x1="{:g}" y1="{:g}" x2="{:.1f}" y2="{:.1f}"/>').format(*_CENTRE, *_place(angle, 1))
        for angle in angles
    )
    labels = Markup("").join(
        Markup('<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
            *_label(angle), "middle" if abs(sin(angle)) < 0.2 else "start" if sin(angle) > 0 else "end", name
        )
        for name, angle in zip(names, angles, strict=True)
    )
    shapes = _shape(scale, angles, behind, "behind") + _shape(scale, angles, values, "shape in")
    return Markup('<svg class="plot radar" role="img" viewBox="0 0 250 168"><title>{}</title>{}</svg>').format(
        title, rings + spokes + shapes + labels
    )


def _shape(scale: Scale, angles: Sequence[float], values: Sequence[float | None], tone: str) -> Markup:
    """The corners that there are, joined."""
    corners = [
        _place(angle, scale.at(value) / 100) for angle, value in zip(angles, values, strict=True) if value is not None
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return Markup('<polygon class="{}" points="{}"/>').format(tone, points) if len(corners) >= LEAST else Markup("")


def _place(angle: float, part: float) -> tuple[float, float]:
    """A point at a part of the radius, clockwise from the top."""
    x, y = _CENTRE
    return x + RADIUS * part * sin(angle), y - RADIUS * part * cos(angle)


def _label(angle: float) -> tuple[float, float]:
    """Where a name's line begins, lowered where it lies under the centre."""
    x, y = _place(angle, 1 + _BEYOND / RADIUS)
    return x, y + 4 * (1 - cos(angle))
