"""What differs between two studies in what was found: the means of their arms, and their contrasts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from polyglot.kinds.aggregate import ArmScore, ContrastResult, Estimate
from polyglot.kinds.metrics import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One number of both studies. `then` or `now` is None where a study has it not.

    `apart`: their intervals have nothing in common. That is more than a test of their difference at the same level
    would ask for, which needs both studies' verdicts: equal questions are as hard for both.
    """

    name: str
    then: Estimate | None
    now: Estimate | None

    @property
    def difference(self) -> float | None:
        """Now minus then, in the number's own unit."""
        if self.then is None or self.now is None or self.then.value is None or self.now.value is None:
            return None
        return self.now.value - self.then.value

    @property
    def apart(self) -> bool:
        """Whether the intervals have nothing in common."""
        if self.then is None or self.now is None:
            return False
        low, high = max(self._all("low")), min(self._all("high"))
        return low > high

    @property
    def turned(self) -> bool:
        """Of a difference: whether what it shows (higher, lower, nothing) is not the same."""
        if self.difference is None:
            return False
        then, now = self.told
        return then != now

    @property
    def told(self) -> tuple[int, int]:
        """The signs of a difference that is called one; by the intervals where a side was not tested (`shown`)."""
        both = [one for one in (self.then, self.now) if one is not None]
        tested = all(one.shown is not None for one in both)
        then, now = ((0 if one is None else one.told if tested else one.sign) for one in (self.then, self.now))
        return then, now

    def _all(self, name: str) -> Sequence[float]:
        found = [getattr(one, name) for one in (self.then, self.now)]
        if None in found:  # nothing to average on a side: nothing is apart
            return (float("-inf") if name == "low" else float("inf"),)
        return found


def means_beside(then: Iterable[ArmScore], now: Iterable[ArmScore], metric: Metric) -> list[Beside]:
    """The cross-lingual means of all arms of either study, in the order of the one of now."""
    return _beside(*(_means(one, metric) for one in (then, now)))


def contrasts_beside(then: Iterable[ContrastResult], now: Iterable[ContrastResult], metric: Metric) -> list[Beside]:
    """The same of their contrasts."""
    return _beside(*(_contrasts(one, metric) for one in (then, now)))


def _means(rows: Iterable[ArmScore], metric: Metric) -> Mapping[str, Estimate]:
    every = [row for row in rows if row.language == "all"]
    several = len({row.trained_on for row in every if row.dataset is not None}) > 1
    return {("/".join(filter(None, row.arm_key)) if several else row.arm): metric.of(row) for row in every}


def _contrasts(rows: Iterable[ContrastResult], metric: Metric) -> Mapping[str, Estimate]:
    every = list(rows)
    several = len({row.trained_on for row in every}) > 1
    return {(f"{_of(row)}: {row.name}" if several else row.name): metric.of(row) for row in every}


def _of(row: ContrastResult) -> str:
    """The model and data set of a contrast's mixes; of one across these what its sides have in common."""
    return "/".join(part or "*" for part in row.trained_on)


def _beside(then: Mapping[str, Estimate], now: Mapping[str, Estimate]) -> list[Beside]:
    return [Beside(name=name, then=then.get(name), now=now.get(name)) for name in dict.fromkeys((*now, *then))]
