"""Preference that goes with length, and the regressions below it."""

import numpy as np
import pytest
from scipy.optimize import minimize

from jobs.lib.stats.clusters import Clusters
from jobs.lib.stats.length import length_preference, score_per_doubling
from jobs.lib.stats.pairwise import Orders
from jobs.lib.stats.regression import linear, logistic

QUESTIONS = [str(row // 10) for row in range(800)]


def judged(
    random: np.random.Generator, slope: float, slot: float, better: float = 0.0
) -> tuple[Orders, np.ndarray, np.ndarray]:
    lengths = np.exp2(8 + random.normal(0, 1, (2, 800)))
    lean = better + slope * np.log2(lengths[0] / lengths[1])
    sides = [np.where(lean + way * slot + random.logistic(size=800) > 0, 1, 0) for way in (1, -1)]
    ab, ba = ["A" if one else "B" for one in sides[0]], ["B" if one else "A" for one in sides[1]]
    return Orders.of_slots(QUESTIONS, ab, ba), *lengths


class TestVerdicts:
    def test_a_known_preference_is_found_beside_a_known_slot(self) -> None:
        orders, a, b = judged(np.random.Generator(np.random.Philox(1)), 0.6, 0.4)
        found = length_preference(orders, a, b)
        assert found.log_odds_per_doubling.low < 0.6 < found.log_odds_per_doubling.high
        assert found.log_odds_first.low < 0.4 < found.log_odds_first.high
        assert found.longer_won.interval.mean > 0.55
        assert not found.separated

    def test_a_better_model_that_writes_more_is_not_taken_for_length(self) -> None:
        random = np.random.Generator(np.random.Philox(2))
        orders, a, b = judged(random, 0.0, 0.0, better=1.0)
        longer = a * 4  # A always writes about four times as much
        alone = length_preference(orders, longer, b)
        beside = length_preference(orders, longer, b, pairs=["A B"] * 800)
        assert alone.log_odds_per_doubling.low > 0.1
        assert beside.log_odds_per_doubling.low < 0 < beside.log_odds_per_doubling.high

    def test_where_the_longer_always_wins_the_limits_stay_finite_and_wide(self) -> None:
        random = np.random.Generator(np.random.Philox(3))
        a, b = np.exp2(8 + random.normal(0, 1, (2, 800)))
        ab, ba = ["A" if one else "B" for one in a > b], ["B" if one else "A" for one in a > b]
        found = length_preference(Orders.of_slots(QUESTIONS, ab, ba), a, b)
        assert found.separated
        assert 1 < found.log_odds_per_doubling.low < found.log_odds_per_doubling.high < 1e6
        assert found.longer_won.interval.mean == 1.0

    def test_equal_lengths_are_in_no_share_and_give_no_slope(self) -> None:
        orders = Orders.of_slots(QUESTIONS, ["A"] * 800, ["A"] * 800)
        with pytest.raises(ValueError, match="got 2 columns of rank 1"):
            length_preference(orders, [9] * 800, [9] * 800)

    def test_an_empty_answer(self) -> None:
        orders = Orders.of_slots(["1"], ["A"], ["A"])
        with pytest.raises(ValueError, match="lengths: got 0, expected 1 or more"):
            length_preference(orders, [0], [9])


class TestScores:
    def test_points_per_doubling_within_a_block(self) -> None:
        random = np.random.Generator(np.random.Philox(4))
        questions = [str(row // 10) for row in range(800)]
        lengths = np.exp2(8 + random.normal(0, 1, 800))
        hard = random.normal(0, 2, 80).repeat(10)
        scores = hard + 0.3 * np.log2(lengths) + random.normal(0, 0.5, 800)
        scores[5] = np.nan
        found = score_per_doubling(Clusters.by(questions), lengths, scores, questions)
        assert found.low < 0.3 < found.high
        assert found.high - found.low < 0.12


class TestRegression:
    def test_firths_estimate_of_a_table_is_that_of_half_a_case_more_in_each_cell(self) -> None:
        cells = {(0, 0): 9, (0, 1): 3, (1, 0): 2, (1, 1): 12}
        rows = np.array([cell for cell, number in cells.items() for _ in range(number)], dtype=float)
        design = np.stack([np.ones(len(rows)), rows[:, 0]], axis=1)
        clusters = Clusters.by([str(row) for row in range(len(rows))])
        found = logistic(clusters, design, rows[:, 1]).coefficients
        assert found[0] == pytest.approx(np.log(3.5 / 9.5))
        assert found[1] == pytest.approx(np.log(12.5 / 2.5) - np.log(3.5 / 9.5))

    def test_firths_estimate_is_the_mode_of_jeffreys_posterior(self) -> None:
        random = np.random.Generator(np.random.Philox(5))
        design = np.stack([np.ones(60), *random.normal(size=(2, 60))], axis=1)
        won = (random.random(60) < 1 / (1 + np.exp(-design @ [0.3, 1.0, -0.5]))).astype(float)

        def minus_posterior(at: np.ndarray) -> float:
            told = design @ at
            chance = 1 / (1 + np.exp(-told))
            information = design.T @ (design * (chance * (1 - chance))[:, None])
            return -float(won @ told - np.logaddexp(0, told).sum() + np.linalg.slogdet(information)[1] / 2)

        mode = minimize(minus_posterior, np.zeros(3), tol=1e-10).x
        clusters = Clusters.by([str(row) for row in range(60)])
        assert logistic(clusters, design, won).coefficients == pytest.approx(mode, abs=1e-4)

    def test_errors_of_a_mean_are_the_jackknifes(self) -> None:
        random = np.random.Generator(np.random.Philox(6))
        values = random.normal(size=40)
        clusters = Clusters.by([str(row) for row in range(40)])
        found = linear(clusters, np.ones((40, 1)), values)
        assert found.coefficients[0] == pytest.approx(values.mean())
        assert found.covariance[0, 0] == pytest.approx(values.var(ddof=1) / 40)
