"""Pairs that were judged in both orders, whoever judged them: their outcome, and counts of outcomes."""

from collections import Counter
from collections.abc import Mapping, Sequence

from jobs.lib.judging.counting import failures
from polyglot.kinds.compare import AS_SHOWN, OrderVerdict, Outcome, PairCounts, PairVerdict, Slot

_SWAPPED: Mapping[Slot, Outcome] = {**AS_SHOWN, "A": "second", "B": "first"}


def settle(orders: Sequence[OrderVerdict]) -> tuple[Outcome | None, bool | None, str | None]:
    """The outcome of both orders, whether they agree, and the reason where there is no outcome.

    A tie in one order and "both are bad" in the other agree that neither is better.
    """
    one, other = orders
    if one.said is None or other.said is None:
        return None, None, one.reason or other.reason
    first, second = AS_SHOWN[one.said], _SWAPPED[other.said]
    if first == second:
        return first, True, None
    return "tie", {first, second} == {"tie", "both-bad"}, None


def counted(pairs: Sequence[PairVerdict]) -> PairCounts:
    """Count the pairs in one language."""
    outcomes = Counter(pair.outcome for pair in pairs)
    return PairCounts(
        **failures(pairs),
        first=outcomes["first"],
        second=outcomes["second"],
        tie=outcomes["tie"],
        both_bad=outcomes["both-bad"],
        inconsistent=sum(pair.consistent is False for pair in pairs),
        conflicting=sum(order.conflicting for pair in pairs for order in pair.orders),
    )
