"""Learning-rate schedules: a linear warm-up to 1, then the named shape down to 0 (or staying at 1)."""

import math
from typing import Literal

Schedule = Literal["cosine", "linear", "constant", "trapezoid"]

# the share of the steps after warm-up in which "trapezoid" goes down; the miniature study was tried with this
COOLDOWN = 0.4


def factor(schedule: Schedule, step: int, *, steps: int, warmup_steps: int) -> float:
    """What the learning rate of step `step` (from 0) is multiplied with. Never 0: no step is wasted."""
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
