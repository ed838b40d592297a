"""What a start leaves beside its log: its steps, and what TensorBoard reads of them. Never an input of anything.

    attempts/<n>/steps/<start>-<group>.parquet      some steps in a row, a row of `kinds.steps.StepRow` each
    attempts/<n>/tensorboard/<start>-<sequence>     this start's event file, in chunks

A group's name has its first and last step and the milliseconds that they took, so that a listing is enough to say what
a start did, and how much of it was kept: groups end where checkpoints are made.
"""

import re
from dataclasses import dataclass
from typing import Literal, Self

Trace = Literal["steps", "tensorboard"]
_GROUP = re.compile(r"(\d+)-(\d+)-(\d+)-(\d+)-(\d+)-(\d+)\.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepGroup:
    """Steps `first` to `last`. `data_seconds` are among `seconds`; stalls for checkpoints and validations are not."""

    first: int
    last: int
    seconds: float
    data_seconds: float = 0.0
    checkpoint_seconds: float = 0.0
    validation_seconds: float = 0.0

    @property
    def name(self) -> str:
        """What its object is called, behind the start."""
        times = (self.seconds, self.data_seconds, self.checkpoint_seconds, self.validation_seconds)
        return f"{self.first:09d}-{self.last:09d}-" + "-".join(f"{1000 * time:.0f}" for time in times) + ".parquet"

    @classmethod
    def of_name(cls, name: str) -> Self | None:
        """`name` read back; None for something else."""
        found = _GROUP.fullmatch(name)
        if found is None:
            return None
        first, last, *times = map(int, found.groups())
        seconds, data, checkpoint, validation = (time / 1000 for time in times)
        return cls(
            first=first,
            last=last,
            seconds=seconds,
            data_seconds=data,
            checkpoint_seconds=checkpoint,
            validation_seconds=validation,
        )

    @property
    def all_seconds(self) -> float:
        """From the first step's beginning to what followed the last one's end."""
        return self.seconds + self.checkpoint_seconds + self.validation_seconds

    def share(self, *, above: int, upto: int) -> float:
        """The share of its steps above one and up to another."""
        inside = min(self.last, upto) - max(self.first, above + 1) + 1
        return max(0, inside) / (self.last - self.first + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An object that a start left; `name` is what is behind the start."""

    attempt: int
    start: int
    name: str
    path: str
