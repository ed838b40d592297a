"""Intervals over questions and seeds, and what they cover."""

import numpy as np
import pytest

from jobs.lib.stats.interval import (
    Interval,
    difference_widened,
    level_of_draws,
    limits,
    over_questions,
    over_seeds,
    side_widened,
    student_quantile,
    widened,
)
from jobs.lib.stats.resampling import draw_weights
from tests.bench.aggregate_coverage import best_coverage, language_coverage, seed_coverage

STUDIES = 800  # a share of 0.95 is then known to 0.008


class TestLimits:
    def test_order_statistics_leave_the_same_number_out_on_both_sides(self) -> None:
        low, high = limits(np.arange(1000.0)[::-1, None], 0.95)
        assert (low[0], high[0]) == (25.0, 974.0)

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("level", [0.5, 0.95, 0.9999])
    @pytest.mark.parametrize("kind", ["normal", "skewed", "ties", "equal", "infinite", "two ends"])
    def test_limits_are_those_of_all_draws_in_order_whatever_they_look_like(self, kind: str, level: float) -> None:
        rng = np.random.default_rng(5)
        draws = {
            "normal": rng.normal(size=(2000, 3)),
            "skewed": rng.exponential(size=(2000, 3)) ** 3,
            "ties": rng.integers(0, 4, size=(2000, 3)).astype(float),
            "equal": np.full((2000, 3), 7.0),
            "infinite": np.where(rng.random((2000, 3)) < 0.1, np.inf, rng.normal(size=(2000, 3))),
            "two ends": np.where(rng.random((2000, 3)) < 0.5, -1.0, 1.0),
        }[kind]
        skip = int(2000 * (1 - level) / 2 + 1e-9)
        ordered = np.sort(draws, axis=0)
        low, high = limits(draws, level)
        assert low.tolist() == ordered[skip].tolist()
        assert high.tolist() == ordered[1999 - skip].tolist()

    def test_draws_without_a_valid_verdict_are_left_out(self) -> None:
        draws = np.arange(1000.0)[:, None].repeat(2, axis=1)
        draws[::2, 0] = np.nan
        draws[:, 1] = np.nan
        low, high = limits(draws, 0.95)
        assert (low[0], high[0]) == (25.0, 975.0)
        assert np.isnan(low[1])

    @pytest.mark.parametrize(
        ("freedom", "expected"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (30, 2.0423)]
    )
    def test_student_quantiles_are_those_of_the_tables(self, freedom: int, expected: float) -> None:
        assert student_quantile(0.975, freedom) == pytest.approx(expected, abs=5e-5)

    def test_a_share_of_none_gets_an_upper_limit(self) -> None:
        none = widened(Interval(mean=0.0, low=0.0, high=0.0), 80, 0.95, 0.0, 1.0)
        assert (none.low, round(none.high, 4)) == (0.0, 0.0451)  # Clopper and Pearson for 0 of 80
        every = widened(Interval(mean=1.0, low=1.0, high=1.0), 80, 0.95, 0.0, 1.0)
        assert (round(every.low, 4), every.high) == (0.9549, 1.0)

    def test_a_share_between_is_left_alone(self) -> None:
        some = Interval(mean=0.5, low=0.4, high=0.6)
        assert widened(some, 80, 0.95, 0.0, 1.0) == some

    def test_a_small_share_is_never_surer_than_none(self) -> None:
        some = widened(Interval(mean=0.003, low=0.0, high=0.008), 80, 0.95, 0.0, 1.0)
        assert (some.low, round(some.high, 4)) == (0.0, 0.0479)
        most = widened(Interval(mean=0.997, low=0.992, high=1.0), 80, 0.95, 0.0, 1.0)
        assert (round(most.low, 4), most.high) == (0.9521, 1.0)

    @pytest.mark.parametrize("usual", [1.0, 5.0, 9.0, 10.0])
    @pytest.mark.parametrize("odd", [1.0, 4.0, 6.0, 10.0])
    def test_one_odd_question_among_ten_makes_no_interval_narrower(self, usual: float, odd: float) -> None:
        weights = draw_weights(("c",) * 10, 2000)

        def interval(values: list[float]) -> Interval:
            scores = np.array(values)
            draws = (weights @ scores / weights.sum(axis=1))[:, None]
            found = over_seeds(scores[:1] * 0 + scores.mean(), draws, 0.95, freedom=9)
            return widened(found, 10, 0.95, 1.0, 10.0)

        equal, other = interval([usual] * 10), interval([*[usual] * 9, odd])
        # the hidden share may lie at either end of the scale, and the mean has moved towards the odd one
        assert other.high - other.low >= equal.high - equal.low - 1e-9
        assert other.low <= equal.low or odd > usual
        assert other.high >= equal.high or odd < usual

    def test_intervals_of_few_questions_cover_what_they_say(self) -> None:
        """Ten normal questions: percentiles alone cover 92 %."""
        random = np.random.Generator(np.random.Philox(5))
        weights = draw_weights(("c",) * 10, 1000)
        weights = weights / weights.sum(axis=1, keepdims=True)
        draws = weights @ random.normal(0, 1, (10, 2000))  # (R, studies)
        covered = {}
        for name, level in (("percentiles", 0.95), ("expanded", level_of_draws(0.95, 9))):
            low, high = limits(draws, level)
            covered[name] = float(((low <= 0) & (high >= 0)).mean())
        assert covered["percentiles"] == pytest.approx(0.92, abs=0.01)
        assert covered["expanded"] == pytest.approx(0.95, abs=0.01)

    @pytest.mark.parametrize(("mean", "low", "high"), [(10.0, 9.5944, 10.0), (1.0, 1.0, 1.4056), (7.0, 6.7296, 7.1352)])
    def test_a_mean_score_that_every_question_has_gets_limits(self, mean: float, low: float, high: float) -> None:
        found = widened(Interval(mean=mean, low=mean, high=mean), 80, 0.95, 1.0, 10.0)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)

    def test_nothing_to_average_has_no_limits_to_widen(self) -> None:
        none = Interval(mean=np.nan, low=np.nan, high=np.nan)
        assert np.isnan(widened(none, 80, 0.95, 0.0, 1.0).high)

    def test_a_difference_of_two_sides_that_do_not_vary_has_their_limits_joined(self) -> None:
        sides = [(side, side_widened(side, 10, 0.95, 0.0, 1.0)) for side in (sure(1.0), sure(0.0))]
        found = difference_widened(sure(1.0), sides)
        miss = 1 - 0.025**0.1
        assert (found.low, found.high) == (pytest.approx(1 - miss * 2**0.5), 1.0)

    def test_a_difference_of_sides_that_vary_is_left_alone(self) -> None:
        difference = Interval(mean=0.1, low=-0.1, high=0.3)
        side = Interval(mean=0.5, low=0.4, high=0.6)
        assert difference_widened(difference, [(side, side), (side, side)]) == difference


def sure(mean: float) -> Interval:
    return Interval(mean=mean, low=mean, high=mean)


class TestSeeds:
    def test_one_seed_is_the_interval_over_questions(self) -> None:
        draws = np.linspace(-1, 1, 1001)
        assert over_seeds(np.array([0.0]), draws[:, None], 0.95) == over_questions(0.0, draws, 0.95)

    def test_seeds_that_agree_do_not_narrow_the_interval(self) -> None:
        random = np.random.Generator(np.random.Philox(4))
        draws = random.normal(0, 1, (1000, 3))  # nothing but noise that seeds do not share
        found = over_seeds(np.zeros(3), draws, 0.95)
        alone = over_questions(0.0, draws.mean(axis=1), 0.95)
        assert (found.low, found.high) == (alone.low, alone.high)

    def test_seeds_that_differ_widen_it_by_students_t(self) -> None:
        draws = np.zeros((1000, 3)) + np.array([-1.0, 0.0, 1.0])  # questions play no part
        found = over_seeds(np.array([-1.0, 0.0, 1.0]), draws, 0.95)
        assert found.high == pytest.approx(4.3027 / 3**0.5, abs=1e-3)

    def test_nothing_to_average_gives_no_limits(self) -> None:
        found = over_seeds(np.array([np.nan, 1.0]), np.full((10, 2), np.nan), 0.95)
        assert np.isnan([found.mean, found.low, found.high]).all()


class TestCoverage:
    """Simulated with the resampling and the intervals of the product; the figures of 6,000 studies are in the docs."""

    @pytest.mark.parametrize(
        ("seed_sd", "question_sd", "crossed_sd"),
        [(0.0, 1.0, 0.0), (0.0, 0.3, 1.0), (0.1, 0.3, 1.0), (0.2, 1.0, 1.0), (0.5, 1.0, 1.0), (1.0, 0.3, 1.0)],
    )
    def test_three_seeds_cover_about_95_percent(self, seed_sd: float, question_sd: float, crossed_sd: float) -> None:
        cover, _ = seed_coverage(STUDIES, 3, seed_sd, question_sd, crossed_sd)["both"]
        assert 0.925 <= cover <= 0.99

    def test_questions_alone_or_a_bootstrap_over_three_seeds_would_be_far_too_narrow(self) -> None:
        found = seed_coverage(STUDIES, 3, 0.5, 1.0, 1.0)
        assert found["questions"][0] < 0.65
        assert found["bootstrap"][0] < 0.88
        assert found["both"][0] > 0.93

    def test_resampling_each_language_apart_would_cover_far_less(self) -> None:
        shared, apart = language_coverage(STUDIES)
        assert shared > 0.925
        assert apart < 0.8

    @pytest.mark.parametrize("gaps", [(0.0,) * 5, (0.0, -1.0, -1.0, -1.0, -1.0)])
    def test_minus_the_best_covers_with_the_choice_inside_the_resample(self, gaps: tuple[float, ...]) -> None:
        inside, _ = best_coverage(STUDIES, gaps, 0.2)
        assert inside > 0.915
