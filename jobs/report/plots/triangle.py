"""Triangles: a value at every mix of three parts, those of a set ringed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from markupsafe import Markup

_HEIGHT = 50 * sqrt(3)  # of a triangle whose sides are 100
_MARGIN = 9  # around it, for the names of the corners


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A mix by its three shares; `strength` (0 to 1) is its colour, `held` that it is in the set, `tried` a cross."""

    at: tuple[float, ...]
    strength: float
    held: bool
    tried: bool = False


def draw_triangle(corners: Sequence[str], points: Sequence[Point], title: str) -> Markup:
    """Draw the points in a triangle whose corners are mixes of one part alone: left, right and top."""
    radius = _radius(points)
    parts = [
        Markup('<polygon class="outline" points="0,{0:.2f} 100,{0:.2f} 50,0"/>').format(_HEIGHT),
        *(
            Markup('<circle class="point" cx="{:.2f}" cy="{:.2f}" r="{:.2f}" style="--v:{:.3f}"/>').format(
                *_place(point.at), radius, point.strength
            )
            for point in points
        ),
        *(
            Markup('<circle class="held in" cx="{:.2f}" cy="{:.2f}" r="{:.2f}"/>').format(
                *_place(point.at), radius * 0.8
            )
            for point in points
            if point.held
        ),
        *(
            Markup('<circle class="dot in" cx="{:.2f}" cy="{:.2f}" r="1.5"/>').format(*_place(point.at))
            for point in points
            if point.tried
        ),
        *(
            Markup('<text class="tick" x="{}" y="{:.2f}" text-anchor="{}" style="font-size:5px">{}</text>').format(
                x, y, anchor, name
            )
            for name, x, y, anchor in zip(
                corners, (0, 100, 50), (_HEIGHT + 7, _HEIGHT + 7, -3), ("start", "end", "middle"), strict=True
            )
        ),
    ]
    box = f"{-_MARGIN} {-_MARGIN} {100 + 2 * _MARGIN} {_HEIGHT + 2 * _MARGIN:.2f}"
    return Markup('<svg class="plot triangle" role="img" width="100%" viewBox="{}"><title>{}</title>{}</svg>').format(
        box, title, Markup("").join(parts)
    )


def _place(at: Sequence[float]) -> tuple[float, float]:
    """Where a mix lies: the first corner left, the second right, the third on top."""
    return 100 * at[1] + 50 * at[2], _HEIGHT * (1 - at[2])


def _radius(points: Sequence[Point]) -> float:
    """As large as points on a lattice can be without lying on each other."""
    steps = max(2, round(sqrt(2 * len(points))))
    return 100 / steps / 2.2
