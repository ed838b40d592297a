"""How many are enough: sizes tested against the largest one in a fixed order, each at the full level.

A size *suffices* if the largest one is better by less than the margin: the upper limit of the gap lies below it. The
next to largest is tested first, then the next, until one fails. Every test is at the full level, since a size is only
called sufficient after all larger ones were: the chance that any size is wrongly called so is the level of one test,
whatever their number (Maurer, Hothorn and Lehmacher 1995; Wiens 2003, A fixed sequence Bonferroni procedure, Pharm.
Stat. 2:211). In the other direction a size *falls short* if the lower limit lies above the margin, tested from the
smallest one up.

Limits are those of the report's intervals, so a test is one-sided at half of what lies outside: 2.5 % at 95 %.
"""

from collections.abc import Sequence
from typing import NamedTuple

from jobs.lib.stats.interval import Interval


class Verdict(NamedTuple):
    """Positions among the tested sizes, smallest first; None where nothing was shown."""

    sufficient: int | None  # the smallest that suffices, as do all larger ones
    short: int | None  # the largest that falls short, as do all smaller ones


def decide(gaps: Sequence[Interval], margin: float) -> Verdict:
    """Decide on `gaps`: of each size but the largest, smallest first, by how much the largest one is better."""
    sufficient, short = None, None
    for place in reversed(range(len(gaps))):
        if not gaps[place].high < margin:  # NaN shows nothing
            break
        sufficient = place
    for place, gap in enumerate(gaps):
        if not gap.low > margin:
            break
        short = place
    return Verdict(sufficient, short)


def resolved_margin(gaps: Sequence[Interval]) -> float:
    """The smallest margin that is resolved: within which a size as good as the largest one would lie, at every size."""
    return max((gap.high - gap.mean for gap in gaps), default=float("nan"))
