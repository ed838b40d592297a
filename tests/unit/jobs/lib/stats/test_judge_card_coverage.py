"""The intervals of a judge's card hold the truth of simulated judges about as often as they say."""

import pytest

from tests.bench.judge_card_coverage import JUDGES, coverage

STUDIES = 250  # a share of 0.95 is then known to 0.014


@pytest.mark.parametrize("judge", ["usual", "nearly always the first"])
def test_every_figure_covers_about_95_percent(judge: str) -> None:
    held = {figure: found[1] for figure, found in coverage(JUDGES[judge], STUDIES, seed=3).items()}
    assert {figure: share for figure, share in held.items() if not 0.9 < share < 0.995} == {}
