"""Dot-and-whisker rows on a shared axis: one estimate a row, its limits, its seeds, and the noise floor under it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jobs.report.plots.scale import Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One mark: `tone` is a class of the style sheet ("up", "down", "even", "in", "out")."""

    point: float | None
    low: float | None
    high: float | None
    tone: str
    seeds: Sequence[float] = ()


LANE = 12  # where the marks lie, in pixels from the top


def draw_dots(scale: Scale, dots: Sequence[Dot], title: str, *, noise: Sequence[float] | None = None) -> Markup:
    """Draw the marks of one row, joined if there are two.

    `noise` (A/A differences) becomes hollow marks on a lane of their own and a band behind everything.
    """
    height = LANE + 12 + (14 if noise else 0)
    parts = [_floor(scale, noise, height)] if noise else []
    parts.append(_grid(scale, height))
    known = [scale.at(dot.point) for dot in dots if dot.point is not None]
    if len(known) > 1:
        parts.append(
            Markup('<line class="bridge" x1="{}%" x2="{}%" y1="{}" y2="{}"/>').format(
                min(known), max(known), LANE, LANE
            )
        )
    for dot in dots:
        if dot.point is None:
            continue
        if dot.low is not None and dot.high is not None:
            parts.append(
                Markup('<line class="whisker {}" x1="{}%" x2="{}%" y1="{}" y2="{}"/>').format(
                    dot.tone, scale.at(dot.low), scale.at(dot.high), LANE, LANE
                )
            )
        parts += [
            Markup('<line class="seed {}" x1="{}%" x2="{}%" y1="{}" y2="{}"/>').format(
                dot.tone, scale.at(seed), scale.at(seed), LANE - 7, LANE - 3
            )
            for seed in dot.seeds
        ]
        parts.append(
            Markup('<circle class="dot {}" cx="{}%" cy="{}" r="4.5"/>').format(dot.tone, scale.at(dot.point), LANE)
        )
    for value in noise or ():
        parts.append(Markup('<circle class="aa" cx="{}%" cy="{}" r="2.2"/>').format(scale.at(value), height - 8))
    return Markup('<svg class="plot" role="img" width="100%" height="{}"><title>{}</title>{}</svg>').format(
        height, title, Markup("").join(parts)
    )


def draw_axis(scale: Scale, title: str, *, signed: bool = False) -> Markup:
    """Draw the ticks' labels under (or above) a column of rows."""
    labels = [
        Markup('<text class="tick" x="{}%" y="12" text-anchor="{}">{}</text>').format(
            scale.at(tick),
            "start" if tick == scale.low else "end" if tick == scale.high else "middle",
            scale.label(tick, signed=signed),
        )
        for tick in scale.ticks
    ]
    return Markup('<svg class="axis" role="img" width="100%" height="16"><title>{}</title>{}</svg>').format(
        title, Markup("").join(labels)
    )


def _floor(scale: Scale, noise: Sequence[float], height: int) -> Markup:
    """The band that no A/A pair leaves, drawn to both sides as a pair's sign is arbitrary."""
    most = max(abs(value) for value in noise)
    left, right = scale.at(-most), scale.at(most)
    return Markup('<rect class="floor" x="{}%" width="{}%" y="0" height="{}"/>').format(
        left, round(right - left, 2), height
    )


def _grid(scale: Scale, height: int) -> Markup:
    return Markup("").join(
        Markup('<line class="{}" x1="{}%" x2="{}%" y1="0" y2="{}"/>').format(
            "zero" if tick == 0 and scale.low < 0 else "rule", scale.at(tick), scale.at(tick), height
        )
        for tick in scale.ticks
    )
