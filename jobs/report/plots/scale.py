"""Axes: from values to per cent of a width, with ticks at round numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A linear axis from `low` to `high` with `ticks` on it."""

    low: float
    high: float
    ticks: tuple[float, ...]
    digits: int  # that the ticks need

    def at(self, value: float) -> float:
        """Position in per cent, kept inside the box."""
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)

    def label(self, tick: float, *, signed: bool = False) -> str:
        """A tick's text."""
        text = f"{abs(tick):.{self.digits}f}"
        if tick < 0:
            return "\u2212" + text
        return "+" + text if signed and tick > 0 else text


def linear(values: Iterable[float | None], *, ticks: int = 5, zero: bool = False) -> Scale:
    """Return an axis that holds the values (and zero, if asked) and begins and ends at a round number."""
    real = [value for value in values if value is not None] + ([0.0] if zero else [])
    low, high = (min(real), max(real)) if real else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / ticks
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    digits = max(0, -floor(log10(step) + 1e-9)) + (1 if abs(step / power - 2.5) < 1e-9 and power < 10 else 0)
    marks = tuple(round(number * step, 10) for number in range(first, last + 1))
    return Scale(low=marks[0], high=marks[-1], ticks=marks, digits=digits)
