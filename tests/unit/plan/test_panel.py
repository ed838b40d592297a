"""A panel in the plan: further judges of the same answers, and all of them together."""

from pathlib import Path

import pytest

from polyglot.cli.endpoints import strange_endpoints
from polyglot.core.mix import Mix
from polyglot.core.stage import PlannedStage
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.cells import ArmKey, Family
from polyglot.kinds.judge import JudgeParams
from polyglot.kinds.probe import ProbeParams
from polyglot.kinds.reliability import ReliabilityParams
from polyglot.plan.build import build_plan
from polyglot.plan.contrasts import baseline_contrasts, panel_contrasts
from polyglot.plan.plan import Plan
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.problems import BadFile
from polyglot.study.profile import load_profile

STUDY = """
study: small
models: {tiny: {built-in: {}}}
datasets: {house: {built-in: instructions}}
mixes: [EN, DE, ENDE]
training: {steps: 10}
benchmark: {built-in: verifiable}
baselines: {solver: {endpoint: built-in}}
judge: {endpoint: openai, model: gpt-4-0613, JUDGE}
"""
PANEL = "panel: {large: {endpoint: openai, model: large-1}, rules: {endpoint: built-in}}"
CELLS = ["tiny/untuned", *(f"tiny/house/{mix}/s0" for mix in ("EN", "DE", "ENDE")), "baseline:solver"]
ENDS = ("+large-judge", "+rules-judge", "+panel-mean", "+panel-majority")


def plan_of(folder: Path, judge: str, *, profile: str = "") -> Plan:
    path = folder / "study.yaml"
    path.write_text(STUDY.replace("JUDGE", judge), encoding="utf-8")
    (folder / "here.yaml").write_text(profile or "{}", encoding="utf-8")
    return build_plan(lock_study(load_study(path)), load_profile(str(folder / "here.yaml")))


def lines_of(folder: Path, judge: str) -> list[str]:
    with pytest.raises(BadFile) as caught:
        plan_of(folder, judge)
    return [line.partition(": ")[2] for line in caught.value.lines]


def labelled(plan: Plan, kind: str) -> dict[str, PlannedStage]:
    return {one.label: one for one in plan if one.stage.kind == kind}


class TestWhoJudges:
    def test_each_judge_has_its_own_stage_on_every_cell(self, tmp_path: Path) -> None:
        judges = labelled(plan_of(tmp_path, PANEL), "judge")
        assert set(judges) == {f"judge {cell}{end}" for cell in CELLS for end in ("", "+large-judge", "+rules-judge")}
        own = [JudgeParams.of(judges[f"judge {CELLS[1]}{end}"].stage) for end in ("", "+large-judge", "+rules-judge")]
        assert [(one.endpoint, one.model) for one in own] == [
            ("openai", "gpt-4-0613"),
            ("openai", "large-1"),
            ("built-in", "polyglot-rules"),
        ]
        assert own[0].prompts_sha256 == own[1].prompts_sha256

    @pytest.mark.parametrize(
        ("named", "hint"),
        [("larg", " Did you mean large?"), ("others", ""), ("large, larg", None), ("rules", "")],
    )
    def test_an_entry_of_the_profile_that_is_nobody_is_told_where_somebody_has_none(
        self, tmp_path: Path, named: str, hint: str | None
    ) -> None:
        plan_of(tmp_path, PANEL)
        profile = tmp_path / "there.yaml"
        profile.write_text("endpoints:\n" + "".join(f"  {name}: {{concurrency: 2}}\n" for name in named.split(", ")))
        told = list(strange_endpoints(load_study(tmp_path / "study.yaml").study, load_profile(str(profile))))
        said = "of the profile is for nobody of this study, and large has no entry there: asked where all are."
        assert told == ([] if hint is None else [f"endpoints.{named} {said}{hint}"])

    def test_the_judges_verdicts_are_what_a_panel_stage_reads(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, PANEL)
        judges, panels = labelled(plan, "judge"), labelled(plan, "panel")
        assert set(panels) == {f"panel {cell}+panel-{rule}" for cell in CELLS for rule in ("mean", "majority")}
        assert panels[f"panel {CELLS[1]}+panel-mean"].stage.inputs == {
            "verdicts:judge": judges[f"judge {CELLS[1]}"].key,
            "verdicts:large": judges[f"judge {CELLS[1]}+large-judge"].key,
            "verdicts:rules": judges[f"judge {CELLS[1]}+rules-judge"].key,
        }

    def test_the_tables_have_every_judge_alone_and_all_together(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, PANEL)
        (table,) = (one for one in plan if one.stage.kind == "aggregate")
        params = AggregateParams.of(table.stage)
        assert {cell.cell for cell in params.cells} == {f"{cell}{end}" for cell in CELLS for end in ("", *ENDS)}
        assert {cell.trained for cell in params.cells} == {cell.of_model for cell in params.cells} == set(CELLS)
        baseline = [cell.arm_key for cell in params.cells if cell.trained == "baseline:solver"]
        assert [key.arm for key in baseline] == [f"baseline:solver{end}" for end in ("", *ENDS)]
        assert all(key.is_baseline for key in baseline)

    def test_contrasts_are_told_by_another_judge_and_by_the_mean_of_all(self, tmp_path: Path) -> None:
        (table,) = (one for one in plan_of(tmp_path, PANEL) if one.stage.kind == "aggregate")
        found = AggregateParams.of(table.stage).contrasts
        judges = [row for row in found if row.family is Family.JUDGES]
        assert "ENDE: large - the study's judge" in [row.name for row in judges]
        arms = {row.name: (row.treatment[0].arm, row.control[0].arm) for row in judges}
        assert arms["ENDE: large - the study's judge"] == ("ENDE+large-judge", "ENDE")
        (mean,) = (row for row in found if row.family is Family.PANEL and row.name.startswith("ENDE - mean of 2"))
        assert [key.arm for key in mean.control] == ["EN+panel-mean", "DE+panel-mean"]
        (against,) = (row for row in found if row.family is Family.PANEL and row.name.startswith("DE - baseline"))
        assert against.control[0].arm == "baseline:solver+panel-mean"
        known = {cell.arm_key for cell in AggregateParams.of(table.stage).cells}
        assert known.issuperset(key for row in found for key in (*row.treatment, *row.control))

    def test_pairs_are_compared_by_each_judge_and_decided_by_their_majority(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, "pairs: {against: untuned}, " + PANEL)
        compared, panels = labelled(plan, "compare"), labelled(plan, "panel")
        assert f"compare {CELLS[1]}+large-judge | {CELLS[0]}+large-judge" in compared
        together = panels[f"panel {CELLS[1]}+panel-majority | {CELLS[0]}+panel-majority"].stage.inputs
        assert together == {
            f"comparisons:{name}": compared[f"compare {CELLS[1]}{end} | {CELLS[0]}{end}"].key
            for name, end in (("judge", ""), ("large", "+large-judge"), ("rules", "+rules-judge"))
        }
        (card,) = (one for one in plan if one.stage.kind == "reliability")
        params = ReliabilityParams.of(card.stage)
        assert len(params.pairs) == 4 * 4
        cells = {cell.cell for cell in params.cells}
        assert cells.issuperset(name for pair in params.pairs for name in (pair.first, pair.second))

    def test_a_member_more_changes_no_key_of_what_the_others_say(self, tmp_path: Path) -> None:
        alone, both = plan_of(tmp_path, "seed: 1"), plan_of(tmp_path, "seed: 1, " + PANEL)
        before = {one.key for one in alone if one.stage.kind in ("judge", "answer", "train", "compare")}
        assert before <= {one.key for one in both}

    def test_what_was_judged_elsewhere_has_no_contrast_by_all(self) -> None:
        found = baseline_contrasts("tiny", "house", [Mix.parse("EN")], ["solver", "vicuna"], ["EN"])
        known = [ArmKey("tiny", "house", "EN+panel-mean"), ArmKey("solver", None, "baseline:solver+panel-mean")]
        (row,) = panel_contrasts(found, known)
        assert row.name == "EN - baseline:solver, mean of the panel"


class TestWhereTheyAre:
    PROFILE = """
settings: {judge: {base-url: "https://one.example/v1", key-file: one.key, concurrency: 7}}
endpoints: {large: {base-url: "https://two.example/v1"}}
"""

    def test_an_endpoint_with_a_name_has_an_address_of_its_own_and_no_other_ones_key(self, tmp_path: Path) -> None:
        judges = labelled(plan_of(tmp_path, PANEL, profile=self.PROFILE), "judge")
        first, other = judges[f"judge {CELLS[1]}"].settings, judges[f"judge {CELLS[1]}+large-judge"].settings
        assert (first["base_url"], first["key_file"]) == ("https://one.example/v1", "one.key")
        assert (other["base_url"], other["key_file"]) == ("https://two.example/v1", "")
        assert other["concurrency"] == 7

    def test_one_of_its_own_address_is_not_asked_in_the_batches_of_the_kind(self, tmp_path: Path) -> None:
        profile = self.PROFILE.replace("concurrency: 7", "mode: batch, batch-poll-seconds: 5")
        judges = labelled(plan_of(tmp_path, PANEL, profile=profile), "judge")
        assert judges[f"judge {CELLS[1]}"].settings["mode"] == "batch"
        other = judges[f"judge {CELLS[1]}+large-judge"].settings
        assert not [name for name in other if name == "mode" or name.startswith("batch")]

    def test_its_own_key_file_is_taken(self, tmp_path: Path) -> None:
        profile = self.PROFILE.replace('two.example/v1"', 'two.example/v1", key-file: two.key')
        judges = labelled(plan_of(tmp_path, PANEL, profile=profile), "judge")
        assert judges[f"judge {CELLS[1]}+large-judge"].settings["key_file"] == "two.key"

    def test_every_endpoint_is_probed_in_its_own_place(self, tmp_path: Path) -> None:
        probes = labelled(plan_of(tmp_path, PANEL, profile=self.PROFILE), "probe")
        assert set(probes) == {"probe judge", "probe judge large"}
        for label, model, url in (
            ("probe judge", "gpt-4-0613", "https://one.example/v1"),
            ("probe judge large", "large-1", "https://two.example/v1"),
        ):
            assert [form.model for form in ProbeParams.of(probes[label].stage).forms] == [model]
            assert probes[label].settings["base_url"] == url

    def test_without_a_name_all_share_one_probe(self, tmp_path: Path) -> None:
        (probe,) = labelled(plan_of(tmp_path, PANEL), "probe").values()
        assert {form.model for form in ProbeParams.of(probe.stage).forms} == {"gpt-4-0613", "large-1"}


class TestRefused:
    def test_the_same_judge_twice(self, tmp_path: Path) -> None:
        (line,) = lines_of(tmp_path, "panel: {again: {endpoint: openai, model: gpt-4-0613}}")
        assert "the same as the study's judge" in line
        assert "judge.panel.again" in line

    @pytest.mark.parametrize("name", ["judge", "panel-mean"])
    def test_a_name_that_has_a_meaning(self, tmp_path: Path, name: str) -> None:
        (line,) = lines_of(tmp_path, f"panel: {{{name}: {{endpoint: built-in}}}}")
        assert "a name that has a meaning of its own" in line

    def test_a_member_without_prices_under_a_budget(self, tmp_path: Path) -> None:
        prices = "price-usd-per-mtok-prompt: 1, price-usd-per-mtok-completion: 1"
        path = tmp_path / "study.yaml"
        text = STUDY.replace("JUDGE", f"{prices}, {PANEL}") + "budget: {usd: 5}\n"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadFile) as caught:
            load_study(path)
        assert all("judge.panel.large" in line for line in caught.value.lines)
        assert len(caught.value.lines) == 2
