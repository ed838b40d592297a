"""Distributions of small whole numbers (text lengths), kept as counts so that memory is bounded."""

from collections import Counter
from dataclasses import dataclass, field

from polyglot.kinds.data_card import Spread


@dataclass(slots=True)
class Lengths:
    """Counts of lengths; lengths above 4,096 are kept to 1 part in 64, which is exact enough for a card."""

    counts: Counter[int] = field(default_factory=Counter)
    total: int = 0
    number: int = 0
    highest: int = 0

    def add(self, length: int) -> None:
        """Count one length."""
        self.total += length
        self.number += 1
        self.highest = max(self.highest, length)
        step = 1 << max(0, length.bit_length() - 12)
        self.counts[length - length % step] += 1

    def spread(self) -> Spread:
        """Return mean, median, 95th percentile and maximum; the percentiles by nearest rank."""
        if not self.number:
            return Spread(mean=0.0, median=0, p95=0, max=0)
        mean = round(self.total / self.number, 2)
        return Spread(mean=mean, median=self._at(0.5), p95=self._at(0.95), max=self.highest)

    def _at(self, share: float) -> int:
        rank, seen = share * self.number, 0
        for length in sorted(self.counts):
            seen += self.counts[length]
            if seen >= rank:
                return length
        return self.highest
