"""Tests of contrasts keep their level, on few studies: tests/bench/contrast_tests.py prints the figures of many."""

import pytest

from tests.bench.contrast_tests import World, falsely, tallies


@pytest.mark.parametrize(("seeds", "arms"), [(1, 2), (3, 2), (3, 9)])
def test_a_contrast_of_nothing_is_shown_one_time_in_twenty(seeds: int, arms: int) -> None:
    found = tallies(World(seed_sd=0.1 if seeds > 1 else 0.0, seeds=seeds, arms=arms, among=(arms,)), 0.0, 500)[arms]
    assert 0.02 <= found.shown / 500 <= 0.08  # 0.04 to 0.05, known to 0.009
    assert found.covers == 500 - found.shown


def test_a_family_of_nothing_shows_something_one_time_in_twenty() -> None:
    before, after, _ = falsely(World(seed_sd=0.3, arms=6), 0, 120)
    assert after <= 0.12 * 120  # 0.05, known to 0.02
    assert before > after
