"""The judge's share of the variance of means, where there is none."""

import numpy as np

from jobs.lib.stats.components import spread
from jobs.reliability.noise import _told
from polyglot.kinds.measured import Measured


def test_a_judge_that_may_add_nothing_to_scores_that_do_not_vary() -> None:
    """Every arm at one end of the scale: at the retest's lower limit there is nothing of which it had a share."""
    over = spread([np.ones((1, 8)), np.ones((1, 8))], tuple("abcd" * 2))
    assert over is not None
    found = _told("DE", over, 2.0, Measured(value=0.3, low=0.0, high=0.6, of=8), paired=True)
    assert found is not None
    assert (found.share.low, found.share.value) == (None, 1.0)
