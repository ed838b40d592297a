"""What differs between two studies in what was found: the means of their arms, and their contrasts."""

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One number of one study. `model` and `dataset`: None where it is not of one."""

    model: str | None
    dataset: str | None
    name: str
    long: str  # the name with model and data set
    found: Estimate

    def key(self, *, one_model: bool, one_dataset: bool) -> tuple[str | None, str | None, str]:
        """What rows of two studies have in common."""
        return None if one_model else self.model, None if one_dataset else self.dataset, self.name


def means_beside(then: Iterable[ArmScore], now: Iterable[ArmScore], metric: Metric) -> list[Beside]:
    """The cross-lingual means of all arms of either study, in the order of the one of now."""
    return _beside(*([_mean(row, metric) for row in rows if row.language == "all"] for rows in (then, now)))


def contrasts_beside(then: Iterable[ContrastResult], now: Iterable[ContrastResult], metric: Metric) -> list[Beside]:
    """The same of their contrasts."""
    return _beside(*([_contrast(row, metric) for row in rows] for rows in (then, now)))


def _mean(row: ArmScore, metric: Metric) -> _Row:
    key = row.arm_key
    model = None if key.is_baseline else row.model  # beside the mixes of every model
    long = "/".join(part for part in key if part)
    return _Row(model=model, dataset=row.dataset, name=row.arm, long=long, found=metric.of(row))


def _contrast(row: ContrastResult, metric: Metric) -> _Row:
    """Of one across models or data sets the long name says what its sides have in common."""
    long = f"{'/'.join(part or '*' for part in row.trained_on)}: {row.name}"
    return _Row(model=row.model, dataset=row.dataset, name=row.name, long=long, found=metric.of(row))


def _beside(then: Sequence[_Row], now: Sequence[_Row]) -> list[Beside]:
    """Rows of the same model, data set and name beside each other.

    Where both studies have one model, that of the one stands beside that of the other, whatever they are called; data
    sets likewise. Names are long on both sides where either study needs them.
    """
    sides = then, now
    one_model = all(len({row.model for row in rows} - {None}) <= 1 for rows in sides)
    one_dataset = all(len({row.dataset for row in rows} - {None}) <= 1 for rows in sides)
    before, after = ({row.key(one_model=one_model, one_dataset=one_dataset): row for row in rows} for rows in sides)
    long = not (one_model and one_dataset)
    found = []
    for key in dict.fromkeys((*after, *before)):
        one, other = before.get(key), after.get(key)
        row = other or one
        if row is not None:
            then_found, now_found = (None if side is None else side.found for side in (one, other))
            found.append(Beside(name=row.long if long else row.name, then=then_found, now=now_found))
    return found
