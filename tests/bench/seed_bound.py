"""What no test of a difference can do that borrows how much seeds vary from other arms: docs/statistics.md quotes it.

    python -m tests.bench.seed_bound

Three seeds; the variance of seeds that all arms are expected to have is known, and is 1 for the difference of two. Its
own may be any multiple: what is seen of it is a spread with two degrees of freedom. Of all tests that look at the
difference and at that spread, and that show no difference of less than 1.96, linear programming finds the one that
shows most where nothing differs and the multiple is 1, among those that show at most so much at any multiple.
"""

import numpy as np
from scipy import optimize, stats

from jobs.lib.stats.grid import Floats

MULTIPLES = (1, 1.25, 1.6, 2, 2.5, 3, 4, 5, 7, 10, 14, 20, 36, 60, 100)
SPREADS = np.concatenate([[0], np.geomspace(1e-3, 400, 101)])  # edges of cells
DIFFERENCES = np.concatenate([np.arange(0, 1.96, 0.05), np.linspace(1.96, 8, 120), np.geomspace(8.2, 200, 50)])


def chances(multiple: float) -> Floats:
    """Of every cell of spread and difference (flat), where nothing differs."""
    spread = np.diff(stats.chi2.cdf(SPREADS * 2 / multiple, 2))
    difference = 2 * np.diff(stats.norm.cdf(DIFFERENCES / multiple**0.5))
    found: Floats = np.outer(spread, difference).ravel()
    return found


def most(limit: float) -> float:
    """The largest chance of showing something at multiple 1, of tests that have at most `limit` at every multiple."""
    allowed = np.tile(DIFFERENCES[:-1] >= 1.96, len(SPREADS) - 1).astype(float)
    found = optimize.linprog(
        -chances(1),
        A_ub=np.array([chances(one) for one in MULTIPLES]),
        b_ub=[limit] * len(MULTIPLES),
        bounds=np.column_stack([np.zeros(len(allowed)), allowed]),
        method="highs",
    )
    return float(-found.fun)


if __name__ == "__main__":
    for limit in (0.05, 0.06, 0.07, 0.08, 0.1):
        print(f"at most {100 * limit:g} % at any multiple: at most {100 * most(limit):.1f} % where seeds vary alike")
