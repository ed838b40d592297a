"""What a whole study comes to: sums over its stages, and how they are said in one line."""

from collections.abc import Sequence
from dataclasses import dataclass

from polyglot.core.units import show_bytes, show_seconds
from polyglot.estimates.estimate import Estimated
from polyglot.study.profile import AskAbove, Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Of what is still to run. `unknown` are stages of which something is not known; figures leave them out."""

    stages: int
    seconds: float  # one after the other
    gpu_hours: float
    calls: float
    tokens: float  # of these calls
    call_usd: float
    gpu_usd: float | None  # None: no price
    disk_bytes: int
    unknown: tuple[str, ...]
    prices: Prices | None

    @property
    def usd(self) -> float:
        """Calls and GPUs together."""
        return self.call_usd + (self.gpu_usd or 0.0)

    def exceeds(self, limit: AskAbove) -> bool:
        """Whether it is more than `submit` may start without a question."""
        return (limit.usd is not None and self.usd > limit.usd) or (
            limit.gpu_hours is not None and self.gpu_hours > limit.gpu_hours
        )

    def __str__(self) -> str:
        parts = [f"about {show_seconds(self.seconds)} of work in {self.stages} stages"]
        if self.gpu_hours:
            cost = "" if self.gpu_usd is None or self.prices is None else _gpu_cost(self.gpu_usd, self.prices)
            parts.append(f"{_short(self.gpu_hours)} GPU hours{cost}")
        if self.calls:
            parts.append(
                f"{self.calls:,.0f} calls of {self.tokens / 1e6:.2f} million tokens for {self.call_usd:.2f} USD"
            )
        parts.append(f"{show_bytes(self.disk_bytes)} of disk")
        if self.unknown:
            parts.append(f"not known of {len(self.unknown)} stages")
        return ", ".join(parts)


def total(estimated: Sequence[Estimated], prices: Prices | None) -> Total:
    """Sum up the stages that are not done."""
    rows = [row for row in estimated if row.used is None]
    hours = sum(row.gpu_hours for row in rows)
    asked = [row for row in rows if row.forecast.usd]
    return Total(
        stages=len(rows),
        seconds=sum(row.forecast.seconds or 0.0 for row in rows),
        gpu_hours=hours,
        calls=sum(row.forecast.calls or 0.0 for row in asked),
        tokens=sum((row.forecast.prompt_tokens or 0) + (row.forecast.completion_tokens or 0) for row in asked),
        call_usd=sum(row.forecast.usd or 0.0 for row in rows),
        gpu_usd=None if prices is None else hours * prices.gpu_hour_usd,
        disk_bytes=sum(row.forecast.disk_bytes or 0 for row in rows),
        unknown=tuple(row.planned.label for row in rows if row.forecast.lacking),
        prices=prices,
    )


def _gpu_cost(usd: float, prices: Prices) -> str:
    return f" for {usd:.2f} USD (at {prices.gpu_hour_usd:g} an hour, {prices.as_of})"


def _short(number: float) -> str:
    return f"{number:.1f}" if number < 100 else f"{number:,.0f}"
