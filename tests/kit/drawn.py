"""Draws that are given, as the sums that draws are made of."""

import numpy as np

from jobs.lib.stats.grid import Floats
from jobs.lib.stats.resampling import Sums


def sums_of(draws: Floats) -> Sums:
    """What draws (R, n, L) are the quotients of: themselves, over one."""
    pattern = np.zeros(draws.shape[1:], np.intp)
    return Sums(over=np.moveaxis(draws, 0, -1), under=np.ones((1, len(draws))), pattern=pattern, whole=False)
