"""Pairs in the plan: which cells meet, in which order, by which prompts; prompts in one language; a retest."""

from pathlib import Path
from typing import Any

import pytest

from polyglot.core.canonical import sha256_file
from polyglot.core.stage import PlannedStage
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.compare import CompareParams
from polyglot.kinds.judge import JudgeParams
from polyglot.kinds.reliability import ReliabilityParams
from polyglot.plan.build import build_plan
from polyglot.plan.plan import Plan
from polyglot.study.load import load_study
from polyglot.study.lock import built_in_prompts, lock_study
from polyglot.study.problems import BadFile
from polyglot.study.profile import load_profile

STUDY = """
study: small
models: {tiny: {built-in: {}}}
datasets: {house: {built-in: instructions}}
mixes: [EN, DE, ENDE-sampled]
seeds: [0, 1]
draws: DRAWS
training: {steps: 10}
benchmark: {built-in: verifiable}
baselines: {solver: {endpoint: built-in}}
judge: {endpoint: built-in, JUDGE}
"""


def plan_of(folder: Path, judge: str, *, draws: str = "[0]", profile: str = "local", text: str = STUDY) -> Plan:
    path = folder / "study.yaml"
    path.write_text(text.replace("JUDGE", judge).replace("DRAWS", draws), encoding="utf-8")
    return build_plan(lock_study(load_study(path)), load_profile(profile))


def compared(plan: Plan) -> dict[str, PlannedStage]:
    return {one.label.removeprefix("compare "): one for one in plan if one.stage.kind == "compare"}


def lines_of(folder: Path, judge: str, text: str = STUDY) -> list[str]:
    with pytest.raises(BadFile) as caught:
        plan_of(folder, judge, text=text)
    return [line.partition(": ")[2] for line in caught.value.lines]


class TestWhoMeets:
    def test_every_cell_meets_the_untuned_model_once(self, tmp_path: Path) -> None:
        found = compared(plan_of(tmp_path, "pairs: {against: untuned}"))
        cells = [f"tiny/house/{mix}/s{seed}" for mix in ("EN", "DE", "ENDE-sampled") for seed in (0, 1)]
        assert set(found) == {f"{cell} | tiny/untuned" for cell in (*cells, "baseline:solver")}

    def test_a_mix_is_met_by_the_cells_of_its_own_seed_and_by_what_is_not_tuned(self, tmp_path: Path) -> None:
        found = compared(plan_of(tmp_path, "pairs: {against: [EN]}"))
        own = {f"tiny/house/{mix}/s{seed} | tiny/house/EN/s{seed}" for mix in ("DE", "ENDE-sampled") for seed in (0, 1)}
        others = {f"{name} | tiny/house/EN/s{seed}" for name in ("tiny/untuned", "baseline:solver") for seed in (0, 1)}
        assert set(found) == own | others

    def test_draws_of_a_sampled_mix_meet_the_one_model_of_a_whole_mix(self, tmp_path: Path) -> None:
        found = compared(plan_of(tmp_path, "pairs: {against: [DE]}", draws="[0, 1]"))
        sampled = {name for name in found if name.startswith("tiny/house/ENDE-sampled")}
        assert sampled == {
            f"tiny/house/ENDE-sampled/s{seed}{draw} | tiny/house/DE/s{seed}" for seed in (0, 1) for draw in ("", "/d1")
        }

    def test_all_meet_all_and_seeds_of_one_arm_never(self, tmp_path: Path) -> None:
        found = compared(plan_of(tmp_path, "pairs: {against: all}"))
        assert len(found) == 2 * 3 + 6 + 6 + 1  # mixes by seed, with the untuned, with the baseline, these two
        assert not any("EN/s0" in name.split(" | ")[0] and "EN/s1" in name for name in found)

    def test_two_opponents_meet_once(self, tmp_path: Path) -> None:
        names = list(compared(plan_of(tmp_path, "pairs: {against: [untuned, 'baseline:solver']}")))
        assert sum({"tiny/untuned", "baseline:solver"} == set(name.split(" | ")) for name in names) == 1


class TestKeys:
    def test_a_pair_has_one_key_whoever_is_named_as_the_opponent(self, tmp_path: Path) -> None:
        one = compared(plan_of(tmp_path, "pairs: {against: [EN]}"))
        other = compared(plan_of(tmp_path, "pairs: {against: [DE]}"))
        names = ("tiny/house/DE/s0 | tiny/house/EN/s0", "tiny/house/EN/s0 | tiny/house/DE/s0")
        assert one[names[0]].key == other[names[1]].key

    def test_the_card_knows_which_cell_is_which(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, "pairs: {against: all}")
        answers = {one.key: one.label.split(maxsplit=1)[1] for one in plan if one.stage.kind in ("answer", "ask")}
        card = next(one for one in plan if one.stage.kind == "reliability")
        stages = compared(plan)
        for pair in ReliabilityParams.of(card.stage).pairs:
            stage = stages[pair.name].stage
            assert (pair.first, pair.second) == (answers[stage.inputs["first"]], answers[stage.inputs["second"]])
            assert card.stage.inputs[f"comparisons:{pair.name}"] == stages[pair.name].key

    def test_pairs_change_no_key_but_those_of_the_last_tables(self, tmp_path: Path) -> None:
        without = {one.label: one.key for one in plan_of(tmp_path, "temperature: 0.0")}
        beside = {one.label: one.key for one in plan_of(tmp_path, "pairs: {against: untuned}")}
        assert {label for label in without if without[label] != beside[label]} == {"reliability", "report"}

    def test_pairs_take_the_settings_of_the_judge_and_may_have_their_own(self, tmp_path: Path) -> None:
        profile = tmp_path / "p.yaml"
        profile.write_text("settings: {judge: {concurrency: 7, attempts: 2}, compare: {concurrency: 9}}")
        stage = next(iter(compared(plan_of(tmp_path, "pairs: {against: untuned}", profile=str(profile))).values()))
        assert (stage.settings["concurrency"], stage.settings["attempts"]) == (9, 2)

    def test_built_in_prompts_of_pairs(self, tmp_path: Path) -> None:
        stage = next(iter(compared(plan_of(tmp_path, "pairs: {against: untuned}")).values()))
        params: CompareParams = CompareParams.of(stage.stage)
        assert params.prompts_sha256["DE"] == sha256_file(built_in_prompts("DE", "pair"))
        assert params.reference_categories == "all"


class TestPromptLanguage:
    def judges(self, plan: Plan) -> dict[str, JudgeParams]:
        return {one.label: JudgeParams.of(one.stage) for one in plan if one.stage.kind == "judge"}

    def test_one_language_for_all(self, tmp_path: Path) -> None:
        english = sha256_file(built_in_prompts("EN"))
        for params in self.judges(plan_of(tmp_path, "prompt-language: EN")).values():
            assert set(params.prompts_sha256.values()) == {english}

    def test_both_judge_the_answers_of_mixes_twice_and_contrast_them(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, "prompt-language: both")
        params = self.judges(plan)
        own, twin = params["judge tiny/house/DE/s0"], params["judge tiny/house/DE/s0+EN-prompts"]
        assert own.prompts_sha256["DE"] != twin.prompts_sha256["DE"] == own.prompts_sha256["EN"]
        aggregate = next(AggregateParams.of(one.stage) for one in plan if one.stage.kind == "aggregate")
        rows = [row for row in aggregate.contrasts if row.family == "prompts"]
        assert [row.on for row in rows[:3]] == [("DE", "FR", "IT", "ES")] * 3
        assert rows[0].treatment[0].arm == rows[0].control[0].arm + "+EN-prompts"
        assert {cell.prompts for cell in aggregate.cells if cell.otherwise} == {"EN"}


def test_a_retest_asks_about_the_first_cell_and_changes_no_other_key(tmp_path: Path) -> None:
    real = STUDY.replace("endpoint: built-in, JUDGE", "endpoint: openai, model: m, JUDGE")
    without = {one.label: one.key for one in plan_of(tmp_path, "temperature: 0.0", text=real)}
    plan = plan_of(tmp_path, "retest: {times: 4, items: 50}", text=real)
    beside: dict[str, Any] = {one.label: one for one in plan}
    params: JudgeParams = JudgeParams.of(beside["judge tiny/untuned again"].stage)
    assert (params.repeats, params.items) == (4, 50)
    assert {label for label in without if without[label] != beside[label].key} == {"reliability", "report"}


class TestRefused:
    def test_opponents_that_the_study_has_not(self, tmp_path: Path) -> None:
        found = lines_of(tmp_path, "pairs: {against: [FR, 'baseline:other', EN, EN]}")
        assert [line.partition(";")[0] for line in found] == [
            "judge.pairs.against: the study has no such baseline",
            "judge.pairs.against: the study has no such mix",
            "judge.pairs.against: EN is there twice. Name it once",
        ]

    def test_untuned_models_that_are_left_out(self, tmp_path: Path) -> None:
        text = STUDY.replace("study: small", "study: small\nuntuned: false")
        (line,) = lines_of(tmp_path, "pairs: {against: untuned}", text)
        assert line.startswith("judge.pairs.against: the study leaves the untuned models out; got untuned")

    def test_a_retest_of_the_built_in_judge(self, tmp_path: Path) -> None:
        (line,) = lines_of(tmp_path, "retest: {times: 2}")
        assert line == "judge.retest: the built-in judge says the same each time. Remove it"

    def test_prompts_in_a_language_that_there_are_none_in(self, tmp_path: Path) -> None:
        (line,) = lines_of(tmp_path, "prompt-language: SV")
        assert line.startswith("judge.prompt-language: no judge prompts in SV. Add `judge.prompts.SV`")
