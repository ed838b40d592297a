"""The same items judged again."""

from math import isnan, nan

import numpy as np
import pytest

from jobs.lib.stats.clusters import Clusters
from jobs.lib.stats.retest import flips, scatter

ITEMS = Clusters.by([str(row // 10) for row in range(800)])
RESAMPLES = 1000


def test_flips_are_pairs_of_repeats_that_differ() -> None:
    clusters = Clusters.by(["1", "1", "2", "2"])
    found = flips(clusters, [[0, 0, 2, 1], [0, 1, -1, -1], [1, 1, -1, nan]])
    assert (found.hits, found.of) == (pytest.approx(4 / 3), 2)  # 2 of 3 pairs, twice; no pair on the second question


def test_a_known_chance_of_flipping_is_found() -> None:
    random = np.random.Generator(np.random.Philox(1))
    found = flips(ITEMS, random.random((5, 800)) < 0.07)
    assert found.interval.low < 2 * 0.07 * 0.93 < found.interval.high


def test_repeats_that_never_flip_may_still_do_so() -> None:
    found = flips(ITEMS, np.zeros((3, 800))).interval
    assert (found.mean, round(found.high, 3)) == (0.0, 0.047)


def test_the_scatter_is_the_pooled_standard_deviation() -> None:
    clusters = Clusters.by(["1", "1", "2"])
    found = scatter(clusters, [[7, 4, 9], [8, 4, nan], [9, nan, nan]], resamples=RESAMPLES)
    assert found.mean == pytest.approx(np.sqrt((2 + 0) / (2 + 1)))


def test_a_known_scatter_is_found() -> None:
    random = np.random.Generator(np.random.Philox(2))
    found = scatter(ITEMS, random.normal(7, 1, 800) + random.normal(0, 0.8, (3, 800)), resamples=RESAMPLES)
    assert found.mean == pytest.approx(0.8, abs=0.05)
    assert found.low < found.mean < found.high
    assert found.high - found.low < 0.1


def test_scores_that_never_move_may_have_hidden_a_step() -> None:
    found = scatter(ITEMS, np.full((3, 800), 8.0))
    assert (found.mean, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(np.sqrt(0.0451 / 2), abs=1e-3)


def test_one_question_has_limits() -> None:
    found = scatter(Clusters.by(["1", "1"]), [[7.0, 8.0], [9.0, 8.0]])
    assert found.low <= found.mean <= found.high


def test_single_verdicts_have_no_scatter() -> None:
    assert isnan(scatter(ITEMS, np.full((1, 800), 8.0)).mean)
    assert flips(ITEMS, np.zeros((1, 800))).of == 0
