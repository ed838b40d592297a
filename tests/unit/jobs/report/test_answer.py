"""What the report says of a study in words, with its limits."""

from pathlib import Path
from typing import Any

import pytest

from jobs.report.answer import caveats, findings, lead
from jobs.report.numbers import EXACT
from jobs.report.page import render_page
from tests.kit.reports import USUAL, make, usual_contrasts


class TestAnswer:
    def test_the_main_contrast_is_said_with_its_limits(self, usual: tuple[Any, str, Any]) -> None:
        document = usual[0]
        (text,) = lead(document, EXACT)
        assert text.startswith("Over five languages, ENDEFRITES beats the mean of the monolingual mixes by ")
        row = document["contrasts"][0]
        for name in ("exact_difference", "exact_low", "exact_high"):
            assert f"{abs(row[name]) * 100:.1f}" in text
        assert f"the best of them ({document['contrasts'][1]['exact_selected']})" in text

    @pytest.mark.parametrize(
        ("low", "high", "verb"),
        [(0.1, 0.3, "beats"), (-0.3, -0.1, "falls short of"), (-0.1, 0.3, "cannot be told from")],
    )
    def test_a_difference_is_one_only_if_its_interval_leaves_zero_out(
        self, usual: tuple[Any, str, Any], low: float, high: float, verb: str
    ) -> None:
        row = usual[0]["contrasts"][0] | {"exact_low": low, "exact_high": high, "exact_difference": (low + high) / 2}
        (text,) = lead(usual[0] | {"contrasts": [row]}, EXACT)
        assert f"ENDEFRITES {verb} the mean of the monolingual mixes" in text

    def test_too_few_seeds_make_it_this_model(self, tmp_path: Path) -> None:
        document, _, _ = make(tmp_path, USUAL, (0,), usual_contrasts())
        assert lead(document, EXACT)[0].startswith("In this model, with one training seed: over five languages")
        assert any("Every mix has one training seed, fewer than the 3" in text for text in caveats(document))
        assert dict(findings(document, EXACT))["Noise floor"].startswith("There is one training seed a mix")

    def test_failed_verdicts_and_cut_answers_are_caveats(self, usual: tuple[Any, str, Any]) -> None:
        failed, cut = caveats(usual[0])
        cells = [row for row in usual[0]["cells"] if row["category"] is None and row["turn"] is None]
        assert failed.startswith(f"{sum(row['failed'] for row in cells)} of ")
        assert "cut at the length limit" in cut

    def test_turns_without_an_answer_are_a_caveat_when_they_are_more_than_a_few(
        self, usual: tuple[Any, str, Any]
    ) -> None:
        (judge, *others) = usual[0]["judges"]
        every = sum(found["verdicts"] for row in usual[0]["judges"] for found in row["languages"].values())
        for missing, said in ((every // 50, False), (every // 8, True)):
            document = usual[0] | {"judges": [judge | {"reasons": {"no-answer": missing}}, *others]}
            found = [text for text in caveats(document) if "have no answer to judge" in text]
            assert len(found) == said
            assert all("not restricted to questions" in text for text in found)

    def test_samples_that_lost_their_end_are_a_caveat_when_they_are_more_than_a_few(
        self, usual: tuple[Any, str, Any]
    ) -> None:
        entry = next(entry for entry in usual[0]["mixes"] if entry["arm"] == "ENDEFRITES")
        for cut, said in ((4, False), (220, True)):
            card = entry["card"] | {"truncated": entry["card"]["truncated"] | {"FR": cut}}
            document = usual[0] | {"mixes": [entry | {"card": card}]}
            found = [text for text in caveats(document) if "cut at max-tokens" in text]
            assert [text.endswith("is 55% of the FR samples of ENDEFRITES.") for text in found] == [True] * said
            assert f'<td class="num">{"11%" if said else "0.2%"}</td>' in render_page(document)

    def test_the_mixes_say_shares_fertility_matches_and_what_they_share(self, tmp_path: Path) -> None:
        document, page, _ = make(tmp_path, ("EN", "ENDE", "ENDE-sampled", "EN@16"), (0,))
        (group,) = document["overlaps"]
        assert sorted(group["mixes"]) == ["EN", "EN@16", "ENDE", "ENDE-sampled"]

        def shared(what: str, one: str, other: str) -> int:
            found: int = group[what][group["mixes"].index(one)][group["mixes"].index(other)]
            return found

        assert [shared("rows", "ENDE", name) for name in ("EN", "ENDE", "ENDE-sampled", "EN@16")] == [400, 800, 400, 16]
        assert shared("rows", "EN@16", "ENDE-sampled") == shared("rows", "ENDE-sampled", "EN@16") == 8
        assert shared("ids", "EN@16", "ENDE-sampled") == 16
        assert "1 rows (overlap 1); 1 more by their id in another language" in page
        assert "50.0%" in page
        assert "2.50 a word" in page

    def test_without_failures_nothing_is_said_of_them(self, tmp_path: Path) -> None:
        document, _, _ = make(tmp_path, ("EN", "DE"), (0, 1, 2), failed_share=0.0)
        assert not any("verdicts failed" in text for text in caveats(document))

    def test_noise_is_the_spread_of_the_pairs(self, usual: tuple[Any, str, Any]) -> None:
        text = dict(findings(usual[0], EXACT))["Noise floor"]
        pairs = {
            (pair["arm"], *pair["pair"]): abs(pair["exact_difference"])
            for row in usual[0]["contrasts"]
            for pair in row["aa"]
        }
        assert f"({len(pairs)} A/A pairs)" in text
        assert f"{max(pairs.values()) * 100:.1f} at most" in text
