"""Numbers and axes as a reader sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.report.numbers import share, whole
from jobs.report.plots.lines import thin_out
from jobs.report.plots.scale import linear
from polyglot.kinds.metrics import EXACT, MINUS, SCORE

values = st.floats(-1000, 1000, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0"), (-0.0, "0.0"), (0.0001, "0.0"), (0.573, "+57.3"), (-0.021, MINUS + "2.1"), (None, "n/a")],
)
def test_differences_have_a_sign_unless_they_show_as_zero(value: float | None, text: str) -> None:
    assert EXACT.signed(value) == text


def test_scores_have_two_places_and_shares_none() -> None:
    assert (SCORE.show(7.416), EXACT.show(0.742), SCORE.show(None)) == ("7.42", "74%", "n/a")


@pytest.mark.parametrize(
    ("part", "of", "text"), [(0, 100, "0%"), (1, 5000, "under 0.1%"), (3, 100, "3.0%"), (42, 100, "42%"), (1, 0, "n/a")]
)
def test_small_shares_are_not_rounded_to_nothing(part: float, of: float, text: str) -> None:
    assert share(part, of) == text


def test_thousands_are_set_apart_by_thin_spaces() -> None:
    assert whole(1234567) == "1\u202f234\u202f567"


@given(st.lists(values, min_size=1), st.booleans())
def test_an_axis_holds_its_values_between_round_ticks(numbers: list[float], zero: bool) -> None:
    scale = linear(numbers, zero=zero)
    assert scale.low <= min(numbers) + 1e-6
    assert scale.high >= max(numbers) - 1e-6
    assert 2 <= len(scale.ticks) <= 12
    assert all(0 <= scale.at(number) <= 100 for number in numbers)
    assert not zero or (scale.low <= 0 <= scale.high and 0 in scale.ticks)
    assert len({scale.label(tick) for tick in scale.ticks}) == len(scale.ticks)


@given(st.lists(values, min_size=1, max_size=500), st.integers(2, 50))
def test_a_thinned_curve_keeps_its_ends_on_the_axis_and_its_mean(losses: list[float], corners: int) -> None:
    thin = thin_out(losses, corners)
    assert len(thin) == min(len(losses), corners)
    assert thin[0][0] == 0
    assert len(losses) == 1 or thin[-1][0] == 100
    assert min(losses) - 1e-9 <= min(value for _, value in thin)
    assert max(losses) + 1e-9 >= max(value for _, value in thin)
