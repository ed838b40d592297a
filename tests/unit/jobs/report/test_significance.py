"""What the report says of tests: the primary contrast, the number of comparisons, gains in per cent."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from jobs.report.page import render_page
from jobs.report.sections.answer import findings
from jobs.report.sections.gains import gained
from jobs.report.significance import NO_PRIMARY, few_seeds, how_many, out_of_reach, primary
from polyglot.kinds.cells import Contrast
from polyglot.kinds.metrics import EXACT, SCORE
from tests.kit.reports import USUAL, Made, contrast, make, of_version_6, usual_contrasts


def with_primary() -> tuple[Contrast, ...]:
    return (replace(contrast("ENDEFRITES - EN", "primary", "ENDEFRITES", "EN"), primary=True), *usual_contrasts())


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("tested"), USUAL, (0, 1, 2), with_primary())


class TestPrimary:
    def test_it_is_said_first_with_its_p_value(self, tested: Made) -> None:
        row = tested.document.contrasts[0]
        text = primary(tested.document, EXACT)
        assert text.startswith("Primary contrast: over five languages, ENDEFRITES beats EN by ")
        assert row.exact_p is not None
        assert f"p at most {row.exact_p:.4f}".rstrip("0") in text or f"p {row.exact_p:.4f}".rstrip("0") in text
        assert tested.page.index("Primary contrast: over") < tested.page.index("the mean of the monolingual mixes")

    def test_what_is_not_shown_says_what_would_have_been(self, tested: Made) -> None:
        found = {"difference": 0.1, "low": -0.4, "high": 0.6, "p": 0.61, "shown": 0, "detectable": 0.7}
        row = replace(tested.document.contrasts[0], **found)
        text = primary(replace(tested.document, contrasts=(row,)), SCORE)
        assert text == (
            "Primary contrast: over five languages, ENDEFRITES cannot be told from EN by its +0.10 points "
            "(\u22120.40 to +0.60), p 0.61. A true difference of 0.70 points would have been shown about three times "
            "in four."
        )

    def test_what_failed_too_often_is_not_ranked(self, tested: Made) -> None:
        rows = [replace(row, failed_share=0.12, shown=0, exact_shown=0) for row in tested.document.contrasts]
        document = replace(tested.document, contrasts=tuple(rows))
        text = primary(document, SCORE)
        assert "ENDEFRITES is not ranked against EN at +" in text
        assert "; 12% of verdicts failed), p " in text
        assert dict(findings(document, SCORE))["Several languages against one"] == (
            "Three contrasts are not ranked, as too many verdicts failed."
        )
        some = replace(tested.document, contrasts=(*tested.document.contrasts[1:3], rows[3]))
        said = dict(findings(some, SCORE))["Several languages against one"]
        assert said.startswith("Higher in all 2 contrasts: ")
        assert said.endswith(" One contrast is not ranked, as too many verdicts failed.")

    def test_without_one_the_report_says_so(self, usual: Made) -> None:
        assert primary(usual.document, EXACT) == NO_PRIMARY

    def test_one_seed_is_this_model_alone(self, tmp_path: Path) -> None:
        document = make(tmp_path, USUAL, (0,), with_primary()).document
        assert primary(document, EXACT).startswith(
            "Primary contrast, of this model alone, with one training seed: over"
        )

    def test_nothing_to_average_is_said(self, tested: Made) -> None:
        row = replace(tested.document.contrasts[0], difference=None, low=None, high=None, p=None, shown=None)
        text = primary(replace(tested.document, contrasts=(row,)), SCORE)
        assert text.endswith("ENDEFRITES cannot be compared with EN (nothing to average).")


def test_a_family_that_shows_nothing_says_what_it_would_have_shown(tested: Made) -> None:
    rows = [replace(row, shown=0, detectable=0.5 + at) for at, row in enumerate(tested.document.contrasts[4:])]
    document = replace(tested.document, contrasts=tuple(rows))
    text = dict(findings(document, SCORE))["More rows, same languages"]
    assert text.startswith("No difference shown: ")
    assert text.endswith(" Detectable by one of these alone: about 0.50 points.")


class TestNumber:
    def test_contrasts_and_families_are_counted(self, tested: Made) -> None:
        text = how_many(tested.document)
        assert text.startswith(
            "The primary contrast is tested at 5% by itself. The four other contrasts are in two families"
        )
        assert "0.1 of these 2 would be expected to show one" in text
        assert dict(findings(tested.document, EXACT))["Number of comparisons"] == text

    def test_many_contrasts_of_three_seeds_are_said_not_to_go_together(self, tested: Made) -> None:
        assert few_seeds(tested.document) == ""
        rows = tuple(replace(row, family_size=18) for row in tested.document.contrasts)
        text = few_seeds(replace(tested.document, contrasts=rows))
        assert text.startswith(
            "Three training seeds and 18 contrasts in a family do not go together: limits by seeds are 4.4"
        )
        assert few_seeds(replace(tested.document, contrasts=tuple(replace(row, seeds=5) for row in rows))) == ""

    def test_a_family_too_large_for_the_resamples_is_named(self, tested: Made) -> None:
        assert out_of_reach(tested.document) == ""
        rows = tuple(replace(row, family_size=900) for row in tested.document.contrasts[1:])
        text = out_of_reach(replace(tested.document, contrasts=rows))
        assert "“Several languages against one” (900) and “More rows, same languages” (900) cannot show" in text


class TestGains:
    def test_the_range_of_readings_stands_beside_the_published_figure(self, tested: Made) -> None:
        text = gained(tested.document)
        assert text.startswith("ENDEFRITES gains ")
        assert text.endswith("of 8 readings has the paper's 9.9% in it.")
        assert "In % of the control" in tested.page

    def test_too_many_failed_verdicts_are_no_gain(self, tested: Made) -> None:
        rows = [replace(row, failed_share=0.4 * (row.against == "best")) for row in tested.document.gains]
        text = gained(replace(tested.document, gains=tuple(rows)))
        assert text.startswith("Two readings of ENDEFRITES are called no gain: too many verdicts failed. ENDEFRITES ")
        assert text.endswith("of 6 readings has the paper's 9.9% in it.")
        rows = [replace(row, failed_share=0.4) for row in tested.document.gains]
        document = replace(tested.document, gains=tuple(rows))
        assert gained(document) == "Eight readings of ENDEFRITES are called no gain: too many verdicts failed."
        assert "40% of verdicts failed: no gain is told" in render_page(document)

    def test_no_monolingual_mixes_is_said(self, tmp_path: Path) -> None:
        made = make(tmp_path, ("EN", "ENDE"), (0,), (contrast("c", "custom", "ENDE", "EN"),))
        assert gained(made.document).startswith("The paper's “up to 9.9%” cannot be set beside anything here")
        assert "By how many per cent" not in made.page


def test_a_page_of_results_that_were_not_tested_says_nothing_of_tests(tested: Made, tmp_path: Path) -> None:
    earlier = of_version_6(tested.document, tmp_path)
    page = render_page(earlier)
    assert "Holm" not in page
    assert "not ranked" not in page
    assert primary(earlier, EXACT) == ""
    assert "ENDEFRITES beats the mean of the monolingual mixes by " in page
