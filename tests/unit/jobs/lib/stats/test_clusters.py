"""Shares and other figures of observations that come in questions."""

from math import isnan

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.lib.stats.clusters import Clusters, Statistic, estimate, minus, share, share_of_sums


def of(questions: int, items: int) -> Clusters:
    return Clusters.by([str(question) for question in range(questions) for _ in range(items)])


class TestShare:
    def test_independent_items_have_about_wilsons_interval(self) -> None:
        random = np.random.Generator(np.random.Philox(1))
        found = share(of(400, 1), random.random(400) < 0.3).interval
        trials, z = 400, 1.96
        middle = (found.mean + z**2 / 800) / (1 + z**2 / 400)
        half = z / (1 + z**2 / 400) * np.sqrt(found.mean * (1 - found.mean) / trials + z**2 / (4 * trials**2))
        assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=5e-4)

    def test_copies_of_an_item_say_nothing_more(self) -> None:
        random = np.random.Generator(np.random.Philox(2))
        once = random.random(80) < 0.4
        assert share(of(80, 10), np.repeat(once, 10)).interval == share(of(80, 1), once).interval

    @pytest.mark.parametrize(("hit", "limits"), [(0.0, (0.0, 0.0472)), (1.0, (0.9528, 1.0))])
    def test_where_all_agree_a_question_is_one_trial(self, hit: float, limits: tuple[float, float]) -> None:
        found = share(of(80, 10), np.full(800, hit)).interval
        assert (found.low, found.high) == pytest.approx(limits, abs=5e-5)

    def test_one_odd_item_is_no_surer_than_none(self) -> None:
        hits = np.zeros(800)
        none = share(of(80, 10), hits).interval
        hits[17] = 1
        assert share(of(80, 10), hits).interval.high >= none.high

    @pytest.mark.parametrize("hits", [[0, 0, 0], [1, 1, 1], [0, 1, 1]])
    def test_one_question_tells_next_to_nothing(self, hits: list[int]) -> None:
        found = share(of(1, 3), hits).interval
        assert found.high - found.low > 0.97

    def test_halves_on_every_question_hide_what_may_be_elsewhere(self) -> None:
        found = share(of(80, 10), np.full(800, 0.5)).interval
        assert (round(found.low, 4), found.mean, round(found.high, 4)) == (0.4775, 0.5, 0.5225)

    def test_nothing_counted_is_no_share(self) -> None:
        found = share(of(3, 2), np.full(6, np.nan))
        assert found.of == 0
        assert isnan(found.interval.mean)
        assert isnan(found.interval.low)

    def test_questions_without_trials_say_nothing(self) -> None:
        hits, trials = np.array([1.0, 3, 0, 2]), np.array([4.0, 4, 0, 4])
        kept = trials > 0
        assert share_of_sums(hits, trials, "aaaa") == share_of_sums(hits[kept], trials[kept], "aaa")

    @given(
        st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=30),
        st.integers(1, 4),
    )
    def test_limits_hold_the_estimate_and_stay_on_the_scale(self, rows: list[tuple[int, int]], kinds: int) -> None:
        hits = np.array([min(hit, number) for hit, number in rows], dtype=float)
        trials = np.array([number for _, number in rows], dtype=float)
        categories = [str(row % kinds) for row in range(len(rows))]
        found = share_of_sums(hits, trials, categories).interval
        assert 0 <= found.low <= found.mean <= found.high <= 1
        assert found.low < found.high
        mirrored = share_of_sums(trials - hits, trials, categories).interval
        assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-9)


class TestEstimate:
    def test_a_mean_has_the_limits_of_students_t(self) -> None:
        random = np.random.Generator(np.random.Philox(3))
        values = random.normal(5, 1, 80)
        mean = Statistic(np.stack([values, np.ones(80)], axis=1), lambda total: total[..., 0] / total[..., 1], _nothing)
        found = estimate(mean, ["x"] * 80)
        half = 1.99 * values.std(ddof=1) / np.sqrt(80)
        assert (found.mean - found.low, found.high - found.mean) == pytest.approx((half, half), rel=0.06)

    def test_a_difference_is_paired_by_question(self) -> None:
        random = np.random.Generator(np.random.Philox(4))
        hits, trials = random.integers(0, 11, 80).astype(float), np.full(80, 10.0)
        less = np.maximum(hits - 1, 0)
        paired = estimate(minus(hits, trials, less, trials), ["x"] * 80)
        alone = share_of_sums(hits, trials, ["x"] * 80).interval
        assert paired.mean == pytest.approx((hits.sum() - less.sum()) / 800)
        assert paired.high - paired.low < 0.2 * (alone.high - alone.low)

    def test_a_difference_of_two_that_never_vary_has_a_width(self) -> None:
        every, none = np.full(80, 10.0), np.zeros(80)
        same = estimate(minus(every, every, every, every), ["x"] * 80)
        assert (same.mean, round(same.low, 3), round(same.high, 3)) == (0.0, -0.045, 0.045)
        most = estimate(minus(every, every, none, every), ["x"] * 80)
        assert (most.mean, most.high) == (1.0, 1.0)
        assert round(most.low, 2) == 0.94

    def test_the_order_of_observations_changes_nothing(self) -> None:
        random = np.random.Generator(np.random.Philox(5))
        names = [f"q{number}" for number in random.integers(0, 20, 300)]
        hits = random.random(300) < 0.5
        shuffled = random.permutation(300)
        again = Clusters.by([names[row] for row in shuffled])
        assert share(again, hits[shuffled]) == share(Clusters.by(names), hits)


def _nothing(total: npt.NDArray[np.float64], missed: float) -> tuple[float, float]:
    raise AssertionError("draws vary")
