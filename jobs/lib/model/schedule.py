"""Learning-rate schedules: a linear warm-up to 1, then the named shape down to a floor (or staying at 1)."""

import math
from typing import Literal

Schedule = Literal["cosine", "linear", "constant", "trapezoid"]

# the share of the steps after warm-up in which "trapezoid" goes down; the miniature study was tried with this
COOLDOWN = 0.4


def factor(schedule: Schedule, step: int, *, steps: int, warmup_steps: int, floor: float = 0.0) -> float:
    """What the learning rate of step `step` (from 0) is multiplied with. Never 0: no step is wasted."""
    shape = _shape(schedule, step, steps=steps, warmup_steps=warmup_steps)
    return shape if step < warmup_steps else floor + (1 - floor) * shape


def _shape(schedule: Schedule, step: int, *, steps: int, warmup_steps: int) -> float:
    """From 1 to 0."""
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    left, length = steps - step, max(1, steps - warmup_steps)  # left is 1 in the last step
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (1 - left / length)))
    if schedule == "linear":
        return left / length
    if schedule == "trapezoid":
        return min(1.0, left / max(1.0, COOLDOWN * length))
    return 1.0
