"""What the report says of a study in words, with its limits."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from jobs.report.caveats import caveats
from jobs.report.numbers import View
from jobs.report.page import render_page
from jobs.report.sections import judge as judge_section
from jobs.report.sections.answer import findings, lead
from polyglot.kinds.metrics import EXACT
from tests.kit.reports import USUAL, Made, make, usual_contrasts


class TestAnswer:
    def test_the_main_contrast_is_said_with_its_limits(self, usual: Made) -> None:
        document = usual.document
        (text,) = lead(document, EXACT)
        assert text.startswith("Over five languages, ENDEFRITES beats the mean of the monolingual mixes by ")
        found = document.contrasts[0].exact
        for value in (found.value, found.low, found.high):
            assert value is not None
            assert f"{abs(value) * 100:.1f}" in text
        assert f"the best of them ({document.contrasts[1].exact_selected})" in text

    def test_no_mix_is_dropped_beside_the_main_contrast_or_without_any(self, usual: Made, tmp_path: Path) -> None:
        (text,) = lead(usual.document, EXACT)
        arms = {(row.arm, row.language): row for row in usual.document.arms}
        for name in ("DEFRITES", "ENDEFRITES-sampled"):
            share = arms[name, "all"].exact_share
            assert share is not None
            assert f"{name} reaches {share * 100:.0f}% exact answers" in text
        many = ("EN", "DE", "FR", "IT", "ES", "ENDEFRITES")
        (text,) = lead(make(tmp_path, many, (0, 1, 2)).document, EXACT)
        assert text.startswith("ENDEFRITES reaches ")
        assert "Three other mixes reach " in text

    @pytest.mark.parametrize(("share", "why"), [(0.0, "hard"), (1.0, "easy"), (0.02, "")])
    def test_a_benchmark_that_tells_nothing_apart_is_named_and_equal_levels_are_said_once(
        self, usual: Made, share: float, why: str
    ) -> None:
        arms = tuple(replace(row, exact_share=share) for row in usual.document.arms)
        document = replace(usual.document, arms=arms)
        level = f"{share * 100:.0f}%"
        assert f"ENDEFRITES-sampled and DEFRITES reach {level} exact answers each" in lead(document, EXACT)[0]
        (said,) = [text for text in caveats(document) if "at one end of the scale" in text] or [""]
        assert said.startswith(f"Every mix, and what is not tuned, is at one end of the scale ({level})" if why else "")
        assert f"too {why} to tell" in said or not why and not said

    @pytest.mark.parametrize(
        ("low", "high", "verb"),
        [(0.1, 0.3, "beats"), (-0.3, -0.1, "falls short of"), (-0.1, 0.3, "cannot be told from")],
    )
    def test_a_difference_is_one_only_if_it_is_shown(self, usual: Made, low: float, high: float, verb: str) -> None:
        sign = 1 if low > 0 else -1 if high < 0 else 0
        found = {"exact_low": low, "exact_high": high, "exact_difference": (low + high) / 2, "exact_shown": sign}
        row = replace(usual.document.contrasts[0], **found)
        (text,) = lead(replace(usual.document, contrasts=(row,)), EXACT)
        assert f"ENDEFRITES {verb} the mean of the monolingual mixes" in text
        among_many = replace(row, exact_shown=0, exact_p_holm=0.2)
        (text,) = lead(replace(usual.document, contrasts=(among_many,)), EXACT)
        assert "ENDEFRITES cannot be told from the mean of the monolingual mixes" in text
        assert ("p 0.20 when adjusted" in text) == (sign != 0)

    def test_too_few_seeds_make_it_this_model(self, tmp_path: Path) -> None:
        document = make(tmp_path, USUAL, (0,), usual_contrasts()).document
        assert lead(document, EXACT)[0].startswith("In this model, with one training seed: over five languages")
        assert any("Every mix has one training seed, fewer than the 3" in text for text in caveats(document))
        assert dict(findings(document, EXACT))["Noise floor"].startswith("There is one training seed a mix")

    def test_failed_verdicts_and_cut_answers_are_caveats(self, usual: Made) -> None:
        failed, cut = caveats(usual.document)
        cells = [row for row in usual.document.cells if row.is_whole]
        assert failed.startswith(f"{sum(row.failed for row in cells)} of ")
        assert "cut at the length limit" in cut

    def test_stopped_answers_are_told_apart_from_those_that_were_cut(self, usual: Made) -> None:
        rows = [replace(row, stopped=row.answer_turns // 4) if row.is_whole else row for row in usual.document.cells]
        for document, said in ((usual.document, "–"), (replace(usual.document, cells=tuple(rows)), "25%")):
            shown = judge_section.show(document, View.of(document))
            assert shown
            assert {row.stopped_share for row in shown.rows} == {said}

    def test_turns_without_an_answer_are_a_caveat_when_they_are_more_than_a_few(self, usual: Made) -> None:
        (judge, *others) = usual.document.judges
        every = sum(found.verdicts for row in usual.document.judges for found in row.languages.values())
        for missing, said in ((every // 50, False), (every // 8, True)):
            document = replace(usual.document, judges=(replace(judge, reasons={"no-answer": missing}), *others))
            found = [text for text in caveats(document) if "have no answer to judge" in text]
            assert len(found) == said
            assert all("not restricted to questions" in text for text in found)

    def test_samples_that_lost_their_end_are_a_caveat_when_they_are_more_than_a_few(self, usual: Made) -> None:
        entry = next(entry for entry in usual.document.mixes if entry.arm == "ENDEFRITES")
        for cut, said in ((4, False), (220, True)):
            card = replace(entry.card, truncated=entry.card.truncated | {"FR": cut})
            document = replace(usual.document, mixes=(replace(entry, card=card),))
            found = [text for text in caveats(document) if "cut at max-tokens" in text]
            assert [text.endswith("is 55% of the FR samples of ENDEFRITES.") for text in found] == [True] * said
            assert f'<td class="num">{"11%" if said else "0.2%"}</td>' in render_page(document)

    def test_the_mixes_say_shares_fertility_matches_and_what_they_share(self, tmp_path: Path) -> None:
        made = make(tmp_path, ("EN", "ENDE", "ENDE-sampled", "EN@16"), (0,))
        (group,) = made.document.overlaps
        assert sorted(group.mixes) == ["EN", "EN@16", "ENDE", "ENDE-sampled"]
        at = {name: index for index, name in enumerate(group.mixes)}
        names = ("EN", "ENDE", "ENDE-sampled", "EN@16")
        assert [group.rows[at["ENDE"]][at[name]] for name in names] == [400, 800, 400, 16]
        few, sampled = at["EN@16"], at["ENDE-sampled"]
        assert group.rows[few][sampled] == group.rows[sampled][few] == 8
        assert group.ids[few][sampled] == 16
        assert "1 row (overlap 1); 1 more by their id in another language" in made.page
        assert "50.0%" in made.page
        assert "2.50 a word" in made.page

    def test_without_failures_nothing_is_said_of_them(self, tmp_path: Path) -> None:
        document = make(tmp_path, ("EN", "DE"), (0, 1, 2), failed_share=0.0).document
        assert not any("verdicts failed" in text for text in caveats(document))

    def test_noise_is_the_spread_of_the_pairs(self, usual: Made) -> None:
        text = dict(findings(usual.document, EXACT))["Noise floor"]
        pairs = {
            (pair.arm, *pair.pair): abs(pair.exact_difference or 0.0)
            for row in usual.document.contrasts
            for pair in row.same_arm_pairs
        }
        assert f"({len(pairs)} A/A pairs)" in text
        assert f"{max(pairs.values()) * 100:.1f} at most" in text
