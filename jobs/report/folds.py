"""What of very many arms stands open on a page, and what is folded away.

Up to `MOST` arms of a model and data set all stand open. Of more it is those that are not tuned, and of each mix its
largest size: what is shown is chosen by what was tried, never by how it came out.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from polyglot.kinds.cells import ArmKey
from polyglot.kinds.report import Report

MOST = 40
T = TypeVar("T")


def leading(report: Report) -> Collection[ArmKey]:
    """The arms that stand open."""
    sizes = {cell.arm_key: float("inf") if cell.size is None else cell.size for cell in report.roster}
    groups: dict[tuple[str, str | None], dict[str, list[ArmKey]]] = {}
    for cell in report.roster:
        forms = groups.setdefault(cell.arm_key.trained_on, {})
        own = forms.setdefault(cell.form, [])
        own += [cell.arm_key] if cell.arm_key not in own else []
    found: list[ArmKey] = []
    for forms in groups.values():
        arms = [key for own in forms.values() for key in own]
        largest = [max(own, key=lambda key: sizes[key]) for own in forms.values()]
        found += arms if len(arms) <= MOST else largest[:MOST]
    return frozenset(found)


def folded(rows: Sequence[T], *, is_open: Callable[[T], bool], most: int = MOST) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """Rows that stand open, and the others: none of few, and never more than `most` open ones."""
    if len(rows) <= most:
        return tuple(rows), ()
    first = [place for place, row in enumerate(rows) if is_open(row)][:most] or range(most)
    shown = set(first)
    return tuple(rows[place] for place in first), tuple(row for place, row in enumerate(rows) if place not in shown)
