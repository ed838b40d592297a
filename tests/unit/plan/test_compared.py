"""Contrasts across data sets, models and engines; declared ones; the primary one."""

import json
from pathlib import Path

import pytest

from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import BadInput
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.cells import ArmKey, Contrast, Family
from polyglot.plan.build import build_plan
from polyglot.study.profile import load_profile
from tests.kit.small_studies import locked

MIXES = "[EN, DE, FR, ENDEFR, DEFR, DEFR-sampled]"
MODELS = "{tiny: {built-in: {}}, big: {built-in: {seed: 1}}}"
TRANSLATED = (
    "{house: {built-in: instructions}, "
    "deepl: {translate: {of: house, from: EN, to: [DE, FR], engine: deepl}}, "
    "llm: {translate: {of: house, from: EN, to: [DE, FR], engine: openai, model: some-model}}}"
)


def contrasts(folder: Path, mix: str | None = None, **changes: str | None) -> list[Contrast]:
    plan = build_plan(locked(folder, **changes), load_profile("local"), mix=mix)
    (aggregate,) = [planned.stage for planned in plan if planned.stage.kind == "aggregate"]
    return list(AggregateParams.of(aggregate).contrasts)


def of(found: list[Contrast], family: Family) -> list[Contrast]:
    return [row for row in found if row.family is family]


class TestAcross:
    def test_every_mix_against_what_it_was_tuned_from(self, tmp_path: Path) -> None:
        rows = of(contrasts(tmp_path, mixes="[EN, DEFR]", models=MODELS), Family.UNTUNED)
        assert [(row.name, row.model, row.control) for row in rows] == [
            (f"{mix} - untuned", model, (ArmKey.untuned(model),)) for model in ("tiny", "big") for mix in ("EN", "DEFR")
        ]
        assert not of(contrasts(tmp_path, untuned="false"), Family.UNTUNED)

    def test_two_models_are_compared_by_equal_mixes(self, tmp_path: Path) -> None:
        rows = of(contrasts(tmp_path, models=MODELS), Family.MODELS)
        assert [row.name for row in rows] == ["EN: tiny - big", "DEFR: tiny - big"]
        assert (rows[0].model, rows[0].dataset) == (None, "house")
        assert (rows[0].treatment, rows[0].control) == (
            (ArmKey("tiny", "house", "EN"),),
            (ArmKey("big", "house", "EN"),),
        )

    def test_translations_of_one_data_set_are_engines_and_mixes_without_them_are_left_out(self, tmp_path: Path) -> None:
        found = contrasts(tmp_path, datasets=TRANSLATED, mixes="[EN, DE, DE@20]")
        assert not of(found, Family.DATASETS)
        assert not of(found, Family.WHOLE_DATASETS)
        assert [row.name for row in of(found, Family.ENGINES)] == [
            f"{mix}: {pair}"
            for pair in (
                "deepl (deepl) - house (as it came)",
                "llm (some-model) - house (as it came)",
                "deepl (deepl) - llm (some-model)",
            )
            for mix in ("DE", "DE@20")
        ]

    def test_other_data_sets_are_compared_at_one_size_and_whole_in_families_of_their_own(self, tmp_path: Path) -> None:
        rows = [{"id": str(at), "instruction": f"Say {at}.", "input": "", "output": str(at)} for at in range(8)]
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (tmp_path / "x.jsonl").write_bytes(content)
        path = f"{{path: x.jsonl, sha256: {sha256_bytes(content)}}}"
        other = f"{{format: bactrian-x, files: {{EN: {path}}}}}"
        found = contrasts(
            tmp_path, datasets=f"{{house: {{built-in: instructions}}, other: {other}}}", mixes="[EN, EN@4]"
        )
        (same,), (whole,) = of(found, Family.DATASETS), of(found, Family.WHOLE_DATASETS)
        assert (same.name, whole.name) == ("EN@4: house - other", "EN: house - other")
        assert (same.model, same.dataset) == ("tiny", None)


class TestDeclared:
    def test_an_arm_of_another_data_set_or_model_is_named(self, tmp_path: Path) -> None:
        asked = (
            "[{name: size of model, treatment: {arm: EN, model: big}, control: {arm: EN, model: tiny}}, "
            "{name: english, treatment: {arm: EN, model: big}, control: DEFR}]"
        )
        rows = of(contrasts(tmp_path, models=MODELS, contrasts=asked), Family.CUSTOM)
        assert [(row.name, row.model, row.treatment, row.control) for row in rows] == [
            ("size of model", None, (ArmKey("big", "house", "EN"),), (ArmKey("tiny", "house", "EN"),)),
            ("english", None, (ArmKey("big", "house", "EN"),), (ArmKey("tiny", "house", "DEFR"),)),
            ("english", "big", (ArmKey("big", "house", "EN"),), (ArmKey("big", "house", "DEFR"),)),
        ]

    def test_beside_itself_an_arm_is_left_out(self, tmp_path: Path) -> None:
        asked = "[{name: big or not, treatment: {arm: EN, model: big}, control: EN}]"
        (row,) = of(contrasts(tmp_path, models=MODELS, contrasts=asked), Family.CUSTOM)
        assert row.control == (ArmKey("tiny", "house", "EN"),)


def primary(found: list[Contrast]) -> Contrast | None:
    rows = [row for row in found if row.primary]
    assert len(rows) <= 1
    return rows[0] if rows else None


class TestPrimary:
    @pytest.mark.parametrize(
        ("mixes", "name"),
        [
            (MIXES, "ENDEFR - EN"),
            ("[EN@10, ENDE@10, ENDE@20, EN@20, ENDE]", "ENDE@20 - EN@20"),  # the largest that has EN beside it
            ("[DE, FR, DEFR]", "DEFR - mean of 2 monolingual mixes"),
            ("[EN, DEFR-sampled, ENDEFR-sampled, 'EN:0.8,DE:0.1,FR:0.1']", "ENDEFR-sampled - EN"),
            ("[EN, DE]", None),
        ],
    )
    def test_without_a_word_of_the_file_it_is_the_parallel_mix_of_most_languages_minus_english(
        self, tmp_path: Path, mixes: str, name: str | None
    ) -> None:
        row = primary(contrasts(tmp_path, mixes=mixes))
        assert (row and row.name) == name
        if row:
            assert row.on == ("EN", "DE", "FR", "IT", "ES")

    def test_it_stands_first_and_is_of_the_first_model_and_data_set(self, tmp_path: Path) -> None:
        found = contrasts(tmp_path, mixes=MIXES, models=MODELS)
        assert found[0].primary
        assert found[0].trained_on == ("tiny", "house")

    def test_its_sides_may_be_named(self, tmp_path: Path) -> None:
        row = primary(contrasts(tmp_path, mixes=MIXES, primary="{treatment: DEFR, control: untuned, on: [DE]}"))
        assert row
        assert (row.name, row.on, row.control) == ("DEFR - untuned", ("DE",), (ArmKey.untuned("tiny"),))

    def test_a_contrast_that_is_there_is_marked_and_not_repeated(self, tmp_path: Path) -> None:
        found = contrasts(tmp_path, mixes=MIXES, primary="{treatment: ENDEFR, control: untuned}")
        assert [row.family for row in found if row.primary] == [Family.UNTUNED]
        asked = "[{name: a, treatment: EN, control: DE}, {name: b, treatment: DEFR, control: EN}]"
        found = contrasts(tmp_path, mixes=MIXES, contrasts=asked, primary="b")
        assert [(row.name, row.primary) for row in found] == [("a", False), ("b", True)]

    def test_a_file_that_lists_its_contrasts_gets_no_other(self, tmp_path: Path) -> None:
        asked = "[{name: a, treatment: EN, control: DE}]"
        assert [row.name for row in contrasts(tmp_path, mixes=MIXES, contrasts=asked)] == ["a"]
        asked = "[{name: a, treatment: EN, control: DE}, {name: b, treatment: ENDEFR, control: EN}]"
        assert [row.primary for row in contrasts(tmp_path, mixes=MIXES, contrasts=asked)] == [False, True]

    def test_a_name_that_nothing_has_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="the study has no such contrast; got 'c'"):
            contrasts(tmp_path, mixes=MIXES, primary="c")

    def test_one_mix_of_the_study_has_it_only_if_both_sides_are_there(self, tmp_path: Path) -> None:
        assert primary(contrasts(tmp_path, "ENDEFR", mixes=MIXES)) is None
        assert primary(contrasts(tmp_path, "DEFR", mixes=MIXES, primary="no such name")) is None

    def test_by_all_judges_it_is_one_of_many(self, tmp_path: Path) -> None:
        judge = "{endpoint: built-in, panel: {other: {endpoint: openai, model: m}}}"
        found = contrasts(tmp_path, mixes=MIXES, judge=judge)
        assert primary(found)
        assert "ENDEFR - EN, mean of the panel" in [row.name for row in of(found, Family.PANEL)]
