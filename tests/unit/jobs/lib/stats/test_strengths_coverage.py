"""The intervals of strengths hold the truth of simulated judges about as often as they say, and rows would not."""

from tests.bench.strengths_coverage import SCENARIOS, coverage

STUDIES = 200  # a share of 0.95 is then known to 0.015


def test_gaps_strengths_and_the_slot_are_covered() -> None:
    held = {
        name: found[1] for name, found in coverage(SCENARIOS["16 questions"], STUDIES, seed=3, resamples=300).items()
    }
    by_row = held.pop("gap of two close ones, by row")
    assert held.pop("any told apart wrongly") < 0.05
    assert {name: share for name, share in held.items() if not 0.9 < share < 0.995} == {}
    assert by_row < 0.88
