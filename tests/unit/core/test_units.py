"""Sizes and durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.errors import BadInput
from polyglot.core.units import parse_bytes, parse_seconds, show_bytes, show_seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("1024", 1024),
        ("4GiB", 4 * 2**30),
        ("500 MB", 500 * 10**6),
        ("1.5KiB", 1536),
        ("10Gi", 10 * 2**30),
        (" 2TiB ", 2 * 2**40),
    ],
)
def test_sizes_are_in_powers_of_two_or_ten_as_their_unit_says(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize(
    "text", ["", "GiB", "-1GiB", "4gb", "4 gigs", "1e3", "4iB", "4GiB\n4", "٤GiB", "1.GiB", "9" * 20]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="bad size"):
        parse_bytes(text)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1 d", 86400), ("0s", 0)])
def test_durations_need_their_unit(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "1w", "-1s", "1.5h", "1h30m", "٣s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="bad duration"):
        parse_seconds(text)


@given(st.integers(0, 2**50))
def test_a_size_that_is_shown_can_be_read_back_to_one_part_in_ten(count: int) -> None:
    assert abs(parse_bytes(show_bytes(count)) - count) <= max(count / 10, 0)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(3.2, "3.2 s"), (59.9, "59.9 s"), (245, "4 m 05 s"), (3600, "1 h 00 m"), (7500, "2 h 05 m")]
)
def test_durations_are_shown_in_two_units_at_most(seconds: float, shown: str) -> None:
    assert show_seconds(seconds) == shown
