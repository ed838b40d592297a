"""What of very many arms stands open on a page, and what is folded away.

Up to `MOST` arms of a model and data set all stand open. Of more it is those that are not tuned, and of each mix its
largest size: what is shown is chosen by what was tried, never by how it came out.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from jobs.report.groups import largest_sizes
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.report import Report

MOST = 40
T = TypeVar("T")


def leading(report: Report) -> Collection[ArmKey]:
    """The arms that stand open."""
    keys = dict.fromkeys(cell.arm_key for cell in report.roster)
    many = Counter(key.trained_on for key in keys)
    largest = largest_sizes(report)
    return frozenset(key for key in keys if many[key.trained_on] <= MOST or key in largest)


def folded(
    rows: Sequence[T], *, is_open: Callable[[T], bool], most: int | None = None
) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """Rows that stand open, and the others: none of few, and never more than `most` (else `MOST`) open ones."""
    most = MOST if most is None else most
    if len(rows) <= most:
        return tuple(rows), ()
    first = [place for place, row in enumerate(rows) if is_open(row)][:most] or range(most)
    shown = set(first)
    return tuple(rows[place] for place in first), tuple(row for place, row in enumerate(rows) if place not in shown)
