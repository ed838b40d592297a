"""Tests of contrasts keep their level, on few studies: tests/bench/contrast_tests.py prints the figures of many."""

from tests.bench.contrast_tests import World, families, primary


def test_a_primary_contrast_of_nothing_is_shown_one_time_in_twenty() -> None:
    found = primary(World(seeds=1, seed=0.0), (6.0, 6.0), 600)
    assert 0.025 <= found.shown <= 0.08  # 0.05, known to 0.009
    assert found.covers == 1 - found.shown


def test_three_seeds_show_nothing_too_often() -> None:
    assert primary(World(seeds=3, seed=0.1), (6.0, 6.0), 400).shown <= 0.07


def test_a_family_of_nothing_shows_something_one_time_in_twenty() -> None:
    before, after, _ = families(World(seeds=3, seed=0.3), [6.0] * 6, 120)
    assert after <= 0.12  # 0.05, known to 0.02
    assert before > after
