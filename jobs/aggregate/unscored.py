"""What failed verdicts could hide: their share in an arm, and its mean with all of them at either end of the scale."""

from collections.abc import Sequence
from typing import NamedTuple

from jobs.aggregate.arms import Arm
from jobs.lib.stats.grid import HIGHEST, LOWEST, UNIT, Grid


class Bounds(NamedTuple):
    """An arm over some languages. NaN where it was not asked at all."""

    share: float  # of verdicts that failed
    lowest: float  # the mean with these as 1
    highest: float  # and as 10


class Unscored:
    """Of every cell and language (C, L): all verdicts, failed ones, and means with these as both ends of the scale."""

    def __init__(self, grid: Grid) -> None:
        valid, failed, total = (part.sum(axis=(0, 3)) for part in (grid.valid, grid.failed, grid.total / UNIT))
        self.every, self.failed = valid + failed, failed
        self._total = total

    def bounds(self, arm: Arm, on: Sequence[int]) -> Bounds:
        """An arm's over the languages at positions `on`: averaged over these, draws and seeds, as its mean is."""
        return Bounds(self.share(arm, on), self._mean(arm, on, LOWEST), self._mean(arm, on, HIGHEST))

    def share(self, arm: Arm, on: Sequence[int]) -> float:
        """Of an arm's verdicts, those that failed."""
        cells = [cell for members in arm.units.values() for cell in members]
        every = sum(self.every[cell, k] for cell in cells for k in on)
        failed = sum(self.failed[cell, k] for cell in cells for k in on)
        return failed / every if every else float("nan")

    def _mean(self, arm: Arm, on: Sequence[int], score: float) -> float:
        def cell_mean(cell: int, k: int) -> float:
            every = self.every[cell, k]
            return float((self._total[cell, k] + score * self.failed[cell, k]) / every) if every else float("nan")

        units = [
            sum(cell_mean(cell, k) for cell in members for k in on) / (len(members) * len(on))
            for members in arm.units.values()
        ]
        return sum(units) / len(units)
