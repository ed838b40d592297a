"""Calls that brought nothing usable, held against the share of all that may fail."""

from collections import Counter

from jobs.lib.chat.calls import Failure, Reply, Weight


class Failures:
    """Counts what hangs on failed calls, by reason. What another attempt may mend is told from what lasts."""

    def __init__(self, total: int, allowed_share: float) -> None:
        """`total` is what hangs on all calls together."""
        self._reasons, self._passing, self._allowed = Counter[str](), 0, allowed_share * total

    def count(self, reason: str, result: Reply | Failure, number: int) -> None:
        """Take in one call without a usable result, and how much hangs on it."""
        self._reasons[reason] += number
        if isinstance(result, Failure) and result.weight is not Weight.FINAL:
            self._passing += number

    @property
    def failed(self) -> int:
        """How much has failed so far."""
        return self._reasons.total()

    @property
    def too_many(self) -> bool:
        """True when more has failed than may."""
        return self.failed > self._allowed

    @property
    def is_outage(self) -> bool:
        """True when what lasts alone would not be too much: another attempt may well succeed."""
        return self.failed - self._passing <= self._allowed

    def commonest(self) -> str:
        """The three commonest reasons, each with its number."""
        return ", ".join(f"{reason} {count}" for reason, count in self._reasons.most_common(3))
