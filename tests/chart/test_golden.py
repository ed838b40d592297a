"""What the charts render to, byte for byte; `python -m tests.chart.test_golden` writes it anew: read the diff."""

import pytest

from tests.kit.chart_scenarios import GOLDEN, SCENARIOS, golden


def test_manifests_are_the_golden_ones() -> None:
    differ = [path.name for path, text in golden() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    assert not differ, f"{differ} differ; python -m tests.chart.test_golden writes them anew"


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {path.name for path, _ in golden()}


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_has_a_name_of_its_own(name: str) -> None:
    others = [each.attempt.name for other, each in SCENARIOS.items() if other != name]
    assert SCENARIOS[name].attempt.name not in others


if __name__ == "__main__":
    for path, text in golden():
        path.write_text(text, encoding="utf-8")
