"""How far the main thread of a training is: what it does, and how many things it has begun."""

from typing import NamedTuple


class Beat(NamedTuple):
    """The thing that was begun as number so many. `files`: it may take as long as bytes move (hang.py)."""

    number: int
    place: str
    step: int
    files: bool

    def __str__(self) -> str:
        return f"{self.place} of step {self.step}" if self.step else self.place


class Pulse:
    """Raised before each phase, by every rank in the same order: the one with the smallest number is behind.

    Costs less than a microsecond. Threads may read `now` at any time.
    """

    def __init__(self) -> None:
        self.now = Beat(0, "the start", 0, False)

    def at(self, place: str, *, step: int | None = None, files: bool = False) -> None:
        """Begin something, in a step counted from 1 (0: outside of steps; None: as before)."""
        before = self.now
        self.now = Beat(before.number + 1, place, before.step if step is None else step, files)
