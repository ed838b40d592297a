"""p-values by inversion: they agree with intervals, and with what is known in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.lib.stats.interval import Interval, over_seeds, student_inner, student_quantile
from jobs.lib.stats.inversion import Spread, holm, p_value, smallest_p
from jobs.lib.stats.resampling import draw_weights
from polyglot.core.detectable import SeedError


def drawn(seeds: int, shift: float, number: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Points (S,) and draws (R, S) of 40 questions in four categories."""
    random = np.random.Generator(np.random.Philox(number))
    scores = shift + random.normal(0, 1, (seeds, 40)) + random.normal(0, 0.2, (seeds, 1))
    weights = draw_weights([str(place // 10) for place in range(40)], 2000)
    return scores.mean(axis=1), (weights / weights.sum(axis=1, keepdims=True)) @ scores.T


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("freedom", [None, 36])
@pytest.mark.parametrize("level", [0.05, 0.5, 0.95, 0.999])
def test_the_interval_of_a_level_is_that_of_over_seeds(seeds: int, freedom: int | None, level: float) -> None:
    points, draws = drawn(seeds, 0.3)
    draws[3] = np.nan
    selected = draws.mean(axis=1) - 0.1
    expected = over_seeds(points, draws, level, selected, freedom=freedom)
    assert Spread.of(points, draws, selected, freedom=freedom).interval(level) == expected


@pytest.mark.parametrize("borrowed", [None, (SeedError(0.05, 16),), (SeedError(0.05, 16), SeedError(0.1, 2))])
def test_what_is_borrowed_gives_the_interval_of_over_seeds_too(borrowed: tuple[SeedError, ...] | None) -> None:
    points, draws = drawn(3, 0.3)
    expected = over_seeds(points, draws, 0.95, freedom=36, seeds=borrowed, narrowest=0.5)
    assert Spread.of(points, draws, freedom=36, seeds=borrowed, narrowest=0.5).interval(0.95) == expected


@given(
    st.sampled_from([1, 2, 3]),
    st.floats(-0.8, 0.8),
    st.integers(0, 30),
    st.sampled_from([None, (SeedError(0.05, 16),), (SeedError(0.05, 16), SeedError(0.1, 2))]),
)
def test_a_p_value_is_below_5_percent_exactly_when_the_interval_leaves_zero_out(
    seeds: int, shift: float, number: int, borrowed: tuple[SeedError, ...] | None
) -> None:
    borrowed = borrowed if seeds > 1 else None
    spread = Spread.of(*drawn(seeds, shift, number), freedom=36, seeds=borrowed, narrowest=0.5)
    found = spread.interval(0.95)
    apart = found.low > 0 or found.high < 0
    p = p_value(spread.interval, 0.95, smallest_p(2000, 36), apart=apart)
    assert (p < 0.05) == apart
    assert smallest_p(2000, 36) <= p <= 1
    if smallest_p(2000, 36) < p < 0.05:  # the smallest level that leaves zero out
        at, before = spread.interval(1 - p), spread.interval(1 - p + 1e-4)
        assert at.low > 0 or at.high < 0 or p == 0.0499
        assert before.low <= 0 <= before.high


def test_without_draws_it_is_students_test() -> None:
    """Seeds alone: 1, 2, 3 against zero, t = 2 / (1 / sqrt 3) with two degrees of freedom, p = 0.0742."""
    spread = Spread.of(np.array([1.0, 2.0, 3.0]), np.tile([1.0, 2.0, 3.0], (50, 1)), freedom=None)
    p = p_value(spread.interval, 0.95, smallest_p(50, None), apart=False)
    assert p == pytest.approx(1 - student_inner(2 * 3**0.5, 2), abs=1e-4)
    assert p == pytest.approx(0.0742, abs=1e-4)


def test_over_questions_it_is_nearly_students_test() -> None:
    """One model, questions of one category: the bootstrap's p against t of the mean of 40."""
    random = np.random.Generator(np.random.Philox(3))
    scores = random.normal(0.35, 1, 40)
    weights = draw_weights(["one"] * 40, 10_000)
    draws = (weights / weights.sum(axis=1, keepdims=True)) @ scores
    spread = Spread.of(np.array([scores.mean()]), draws[:, None], freedom=39)
    found = spread.interval(0.95)
    p = p_value(spread.interval, 0.95, 0.0004, apart=found.low > 0 or found.high < 0)
    t = scores.mean() / (scores.std(ddof=1) / 40**0.5)
    assert p == pytest.approx(1 - student_inner(abs(t), 39), rel=0.25)


def test_p_values_have_a_floor_and_a_ceiling() -> None:
    def far(level: float) -> Interval:
        return Interval(mean=9, low=8, high=10)

    def none(level: float) -> Interval:
        return Interval(mean=0, low=0, high=0)

    assert p_value(far, 0.95, 0.0007, apart=True) == 0.0007
    assert p_value(none, 0.95, 0.0007, apart=False) == 1.0
    assert p_value(far, 0.95, 0.2, apart=True) == 0.0499  # few draws: no more than that it is below


def test_the_floor_is_where_an_interval_needs_more_than_the_outermost_draws() -> None:
    floor = smallest_p(10_000, 72)
    assert 0.0002 < floor < 0.0006
    draws = np.arange(10_000.0)
    spread = Spread.of(np.array([5000.0]), draws[:, None], freedom=72)
    assert spread.interval(1 - floor + 2e-4).low > spread.interval(1 - floor + 1e-5).low - 3
    assert spread.interval(1 - floor / 2).low == 0.0
    assert smallest_p(10_000, None) == 0.0002


def test_holm_is_that_of_the_books() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # R: p.adjust(p, "holm")
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_makes_nothing_smaller(values: list[float]) -> None:
    found = holm(values)
    assert all(new >= old for new, old in zip(found, values, strict=True))
    ordered = [found[index] for index in sorted(range(len(values)), key=lambda index: values[index])]
    assert ordered == sorted(ordered)


def test_quantiles_are_those_of_two_hundred_halvings() -> None:
    def slow(probability: float, freedom: int) -> float:
        low, high = 0.0, 1.0
        while student_inner(high, freedom) < 2 * probability - 1:
            high *= 2
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if student_inner(middle, freedom) < 2 * probability - 1 else (low, middle)
        return (low + high) / 2

    for probability in (0.51, 0.75, 0.975, 0.9999):
        for freedom in (1, 2, 5, 72):
            assert student_quantile(probability, freedom) == slow(probability, freedom)
