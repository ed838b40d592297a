"""A figure with its limits, as the card of the judges and the results of pairs have it."""

from polyglot.core.records import Record


class Measured(Record):
    """A figure with its limits, over so many items. None: there is nothing to measure."""

    value: float | None
    low: float | None
    high: float | None
    of: int
