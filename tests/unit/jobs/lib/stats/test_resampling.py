"""The shared resampling of questions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lib.stats.grid import TURNS, UNIT, Grid, Questions
from jobs.lib.stats.interval import limits
from jobs.lib.stats.resampling import draw_weights, estimate, strata

MT_BENCH = tuple(f"c{number // 10}" for number in range(80))

category_lists = st.lists(st.sampled_from("abcd"), min_size=2, max_size=24)


class TestWeights:
    @settings(max_examples=60, deadline=None)
    @given(category_lists)
    def test_every_resample_gives_each_category_its_own_size(self, categories: list[str]) -> None:
        weights = draw_weights(categories, 50)
        unit = weights.sum(axis=1) / len(categories)
        for group in strata(categories):
            np.testing.assert_allclose(weights[:, group].sum(axis=1), len(group) * unit)

    @settings(max_examples=60, deadline=None)
    @given(category_lists)
    def test_weights_are_whole_numbers_so_that_sums_are_exact(self, categories: list[str]) -> None:
        weights = draw_weights(categories, 50)
        assert (weights == np.rint(weights)).all()

    @settings(max_examples=60, deadline=None)
    @given(category_lists)
    def test_strata_are_a_partition_without_lone_questions(self, categories: list[str]) -> None:
        groups = strata(categories)
        assert sorted(np.concatenate(groups)) == list(range(len(categories)))
        assert all(len(group) > 1 for group in groups)

    def test_two_calls_draw_the_same(self) -> None:
        assert (draw_weights(MT_BENCH, 20) == draw_weights(MT_BENCH, 20)).all()

    def test_variance_is_that_of_a_stratified_mean_without_bias(self) -> None:
        # with as many draws as questions it would be 10 % smaller at ten questions a category
        scores = np.random.Generator(np.random.Philox(1)).normal(0, 1, len(MT_BENCH))
        weights = draw_weights(MT_BENCH, 20_000)
        spread = ((weights @ scores) / weights.sum(axis=1)).var()
        expected = np.mean([scores[group].var(ddof=1) for group in strata(MT_BENCH)]) / len(MT_BENCH)
        assert spread == pytest.approx(expected, rel=0.03)

    def test_one_question_has_nothing_to_resample(self) -> None:
        assert (draw_weights(["a"], 5) == draw_weights(["a"], 5)[0]).all()


def grid_of(score: np.ndarray, valid: np.ndarray, categories: tuple[str, ...]) -> Grid:
    """A grid of scores (Q, C, L, T) of which only the valid ones count."""
    return Grid(
        questions=Questions(ids=tuple(map(str, range(len(score)))), categories=categories, turns=(TURNS,) * len(score)),
        cells=tuple(f"m{number}" for number in range(score.shape[1])),
        languages=tuple(f"L{number}" for number in range(score.shape[2])),
        total=score * valid * UNIT,
        exact=(score == 10) * valid,
        valid=valid,
        failed=1 - valid,
    )


class TestEstimates:
    def test_the_product_equals_a_plain_loop_with_unequally_many_failed_verdicts(self) -> None:
        random = np.random.Generator(np.random.Philox(2))
        categories = ("a",) * 3 + ("b",) * 5
        score = random.integers(1, 11, (8, 2, 3, TURNS)).astype(float)
        valid = (random.random(score.shape) > 0.3).astype(float)
        weights = draw_weights(categories, 40)
        found = estimate(grid_of(score, valid, categories), weights, "score")
        for r in range(40):
            for c in range(2):
                for k in range(3):
                    above = sum(weights[r, q] * (score[q, c, k] * valid[q, c, k]).sum() for q in range(8))
                    below = sum(weights[r, q] * valid[q, c, k].sum() for q in range(8))
                    assert found.draws[r, c, k] == pytest.approx(above / below, rel=1e-12)
        assert found.point[1, 2] == pytest.approx((score * valid)[:, 1, 2].sum() / valid[:, 1, 2].sum())

    @pytest.mark.parametrize("failed", [0.0, 0.3])
    @pytest.mark.parametrize("unit", [1, 0.37])  # of scores: whole numbers are counted, others are not
    def test_limits_are_those_of_the_draws_to_the_bit(self, failed: float, unit: float) -> None:
        random = np.random.Generator(np.random.Philox(4))
        categories = ("a",) * 4 + ("b",) * 6
        score = random.integers(1, 11, (10, 3, 2, TURNS)) * unit
        valid = (random.random(score.shape) >= failed).astype(float)
        weights = draw_weights(categories, 500)
        found = estimate(grid_of(score, valid, categories), weights, "score")
        above, below = ((weights @ part.sum(axis=3).reshape(10, -1)) for part in (np.rint(score * UNIT) * valid, valid))
        if unit == 1:
            assert (found.draws.reshape(500, -1) == above / (below * UNIT)).all()
        low, high = found.sums_of(range(3)).limits(0.9)
        expected = limits(found.draws, 0.9)
        assert (low == expected[0]).all()
        assert (high == expected[1]).all()

    def test_a_category_and_a_turn_can_be_looked_at_alone(self) -> None:
        score = np.arange(1.0, 1 + 4 * TURNS).reshape(4, 1, 1, TURNS)
        grid = grid_of(score, np.ones_like(score), ("a", "a", "b", "b"))
        weights = draw_weights(grid.questions.categories, 10)
        assert estimate(grid, weights, "score", category="b").point[0, 0] == 6.5
        assert estimate(grid, weights, "score", turn=2).point[0, 0] == 5.0

    def test_nothing_valid_is_nan_and_not_zero(self) -> None:
        score = np.full((4, 1, 1, TURNS), 5.0)
        grid = grid_of(score, np.zeros_like(score), ("a",) * 4)
        found = estimate(grid, draw_weights(grid.questions.categories, 10), "score")
        assert np.isnan(found.point).all()
        assert np.isnan(found.draws).all()

    def test_languages_share_their_resamples(self) -> None:
        # the same scores in two languages: a resample moves both alike, so their mean is as uncertain as one of them
        score = np.random.Generator(np.random.Philox(3)).integers(1, 11, (80, 1, 1, TURNS)).astype(float)
        score = np.repeat(score, 2, axis=2)
        grid = grid_of(score, np.ones_like(score), MT_BENCH)
        draws = estimate(grid, draw_weights(MT_BENCH, 100), "score").draws
        assert (draws[:, 0, 0] == draws[:, 0, 1]).all()
