"""Sizes are tested in a fixed order with one seed variance, and nothing is decided that was not shown."""

from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from jobs.lib.stats.interval import Interval, over_seeds
from jobs.lib.stats.isotonic import isotonic, monotone_band
from jobs.lib.stats.noninferiority import decide, resolved_margin
from jobs.lib.stats.pooling import pool
from tests.bench.size_threshold import SCENARIOS, simulate

VALUES = st.lists(st.floats(-10, 10), min_size=1, max_size=8)


def gap(low: float, high: float) -> Interval:
    return Interval(mean=(low + high) / 2, low=low, high=high)


class TestDecide:
    def test_the_smallest_size_that_suffices_is_found_from_the_largest_down(self) -> None:
        gaps = [gap(0.9, 1.5), gap(-0.1, 0.4), gap(-0.2, 0.3)]
        assert decide(gaps, 0.5) == (1, 0)

    def test_a_size_behind_one_that_failed_is_never_called_sufficient(self) -> None:
        assert decide([gap(-0.1, 0.1), gap(0.3, 0.7)], 0.5) == (None, None)

    def test_a_limit_on_the_margin_shows_nothing(self) -> None:
        assert decide([gap(0.0, 0.5)], 0.5) == (None, None)
        assert decide([gap(0.5, 0.9)], 0.5) == (None, None)

    def test_all_may_fall_short_and_what_has_no_verdicts_shows_nothing(self) -> None:
        assert decide([gap(1.0, 2.0), gap(0.6, 0.9)], 0.5) == (None, 1)
        assert decide([gap(nan, nan)], 0.5) == (None, None)

    def test_the_resolved_margin_is_that_of_the_least_certain_size(self) -> None:
        assert resolved_margin([gap(0.0, 1.0), gap(-0.1, 0.3)]) == pytest.approx(0.5)


class TestPooling:
    def test_three_seeds_of_five_sizes_have_ten_degrees_of_freedom(self) -> None:
        seeds = np.array([7.0, 7.1, 7.2])  # SD 0.1
        arms = [(seeds + shift, np.tile(seeds + shift, (50, 1))) for shift in (0.0, 0.5, 1.0, 1.5, 2.0)]
        pooled = pool(arms)
        assert (pooled.freedom, pooled.seed_sd) == (10, pytest.approx(0.1))
        found = pooled.interval(np.array([-1.0, 0, 0, 0, 1.0]), 0.95, 72)
        assert found.mean == pytest.approx(2.0)
        assert found.high - found.mean == pytest.approx(2.2281 * 0.1 * np.sqrt(2 / 3), abs=1e-5)  # 1.82 SD
        own = over_seeds(arms[4][0] - arms[0][0] + np.array([-0.1, 0, 0.1]), np.full((50, 3), 2.0), 0.95)
        assert own.high - own.mean == pytest.approx(4.3027 * 0.1 / np.sqrt(3), abs=1e-5)  # pairs know their SD by two

    def test_one_seed_leaves_questions_alone(self) -> None:
        random = np.random.Generator(np.random.Philox(1))
        draws = random.normal(5, 1, (2000, 2))
        pooled = pool([(np.array([5.0]), draws[:, :1]), (np.array([5.0]), draws[:, 1:])])
        assert (pooled.freedom, pooled.variance) == (0, 0.0)
        found = pooled.interval(np.array([1.0, -1.0]), 0.95, 1000)
        assert found.high == pytest.approx(1.96 * np.sqrt(2), abs=0.15)

    def test_seeds_that_agree_never_make_it_narrower_than_questions_alone(self) -> None:
        random = np.random.Generator(np.random.Philox(2))
        noisy = random.normal(5, 1, (2000, 3))  # all of it the scatter of seeds on questions
        same = np.array([5.0, 5.0, 5.0])
        pooled = pool([(same, noisy), (same, random.normal(5, 1, (2000, 3)))])
        alone = np.percentile(pooled.draws[:, 0] - pooled.draws[:, 1], 97.5)
        assert pooled.interval(np.array([1.0, -1.0]), 0.95, 1000).high == pytest.approx(alone, rel=0.05)


class TestIsotonic:
    @given(VALUES)
    def test_it_is_the_least_squares_curve_that_does_not_fall(self, values: list[float]) -> None:
        weights = [1.0 + place % 3 for place in range(len(values))]
        assert isotonic(values, weights) == pytest.approx(isotonic_regression(values, weights=weights).x, abs=1e-9)

    def test_a_band_takes_what_other_sizes_tell(self) -> None:
        assert monotone_band([1, 3, 2], [4, 6, 5]) == ((1, 3, 3), (4, 5, 5))
        assert monotone_band([3, 1], [4, 2]) is None

    @given(VALUES, st.data())
    def test_no_rising_curve_inside_the_limits_leaves_the_band(self, values: list[float], data: st.DataObject) -> None:
        curve = sorted(values)
        reach = [data.draw(st.floats(0, 3)) for _ in curve]
        low = [value - one for value, one in zip(curve, reach, strict=True)]
        high = [value + one for value, one in zip(curve, reversed(reach), strict=True)]
        band = monotone_band(low, high)
        assert band is not None
        assert all(a <= value <= b for a, value, b in zip(band[0], curve, band[1], strict=True))


def test_the_bench_finds_the_right_size_and_seldom_a_wrong_one() -> None:
    usual = simulate("usual", SCENARIOS["usual"], 0.05, 60)
    assert usual.right >= 50
    worst = simulate("margin", SCENARIOS["the step is at the margin"], 0.1, 60)
    assert worst.false <= 8  # 2.5 % of 60, and four standard deviations
