"""A study's plan: the paper's stages, keys that move only with meaning, and quickness."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import BadInput
from polyglot.core.stage import Resources
from polyglot.kinds.registry import traits_of
from polyglot.plan.build import build_plan
from polyglot.plan.plan import Plan
from polyglot.study.load import load_study
from polyglot.study.lock import Locked, built_in_prompts, lock_study
from polyglot.study.profile import Profile, load_profile

STUDY = """
study: small
models: {tiny: {built-in: {}}}
datasets: {house: {built-in: instructions}}
mixes: [EN, DE, FR, IT, ES, ENDEFRITES, DEFRITES, ENDEFRITES-sampled, DEFRITES-sampled]
training: {steps: 10}
benchmark: {built-in: verifiable}
judge: {endpoint: built-in}
"""


@pytest.fixture
def profile() -> Profile:
    return load_profile("local")


def locked(folder: Path, text: str = STUDY) -> Locked:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return lock_study(load_study(path))


def kinds(plan: Plan) -> Counter[str]:
    return Counter(planned.stage.kind for planned in plan)


def keys(plan: Plan) -> dict[str, str]:
    return {planned.label: planned.key for planned in plan}


class TestStages:
    def test_nine_mixes_and_the_untuned_base(self, tmp_path: Path, profile: Profile) -> None:
        assert kinds(build_plan(locked(tmp_path), profile)) == {
            "ingest": 3,
            "contamination": 1,
            "base": 1,
            "tokenize": 5,
            "mix": 9,
            "check": 1,
            "train": 9,
            "answer": 10,
            "judge": 10,
            "aggregate": 1,
            "reliability": 1,
            "report": 1,
        }

    def test_one_mix_needs_only_its_own_languages(self, tmp_path: Path, profile: Profile) -> None:
        plan = build_plan(locked(tmp_path), profile, mix="defrites")
        assert kinds(plan)["train"] == 1
        assert [p.stage.params["language"] for p in plan if p.stage.kind == "tokenize"] == ["DE", "FR", "IT", "ES"]

    def test_data_sets_may_be_called_like_the_parts_of_the_benchmark(self, tmp_path: Path, profile: Profile) -> None:
        text = STUDY.replace("{house: {built-in: instructions}}", "{questions: {built-in: instructions}}")
        labels = keys(build_plan(locked(tmp_path, text), profile))
        assert {"ingest questions", "ingest benchmark/questions", "ingest benchmark/references"} <= labels.keys()

    def test_the_data_alone_are_what_a_later_run_of_the_whole_finds_done(
        self, tmp_path: Path, profile: Profile
    ) -> None:
        study = locked(tmp_path)
        plan, whole = build_plan(study, profile, data_only=True), build_plan(study, profile)
        assert kinds(plan) == {"ingest": 3, "contamination": 1, "base": 1, "tokenize": 5, "mix": 9, "report": 1}
        assert {planned.key for planned in plan.stages[:-1]} < {planned.key for planned in whole}
        assert plan.stages[-1].stage.kind == "report"
        assert plan.stages[-1].key != whole.stages[-1].key
        one = build_plan(study, profile, mix="defrites", data_only=True)
        assert kinds(one) == {"ingest": 3, "contamination": 1, "base": 1, "tokenize": 4, "mix": 1, "report": 1}

    def test_the_report_is_last(self, tmp_path: Path, profile: Profile) -> None:
        assert build_plan(locked(tmp_path), profile).stages[-1].stage.kind == "report"

    def test_a_mix_that_the_study_lacks_is_refused_with_those_that_it_has(
        self, tmp_path: Path, profile: Profile
    ) -> None:
        with pytest.raises(BadInput, match="no such mix; got ENDE; expected one of EN, DE"):
            build_plan(locked(tmp_path), profile, mix="ENDE")

    def test_a_stage_of_one_mix_is_the_same_stage_in_the_whole_study(self, tmp_path: Path, profile: Profile) -> None:
        whole, part = (keys(build_plan(locked(tmp_path), profile, mix=mix)) for mix in (None, "DEFRITES"))
        others = ("check", "aggregate", "reliability", "report")
        assert all(whole[label] == key for label, key in part.items() if label not in others)

    def test_draws_count_only_where_the_order_of_ids_matters(self, tmp_path: Path, profile: Profile) -> None:
        plan = build_plan(locked(tmp_path, STUDY + "draws: [0, 1]\n"), profile)
        mixes = Counter(p.stage.params["mix"] for p in plan if p.stage.kind == "mix")
        assert mixes["ENDEFRITES-sampled"] == 2
        assert mixes["ENDEFRITES"] == mixes["EN"] == 1

    def test_every_draw_is_named_alike_everywhere_and_has_its_card_in_the_report(
        self, tmp_path: Path, profile: Profile
    ) -> None:
        text = STUDY.replace("mixes: [EN,", "mixes: [EN, EN@16,") + "draws: [3, 4]\nseeds: [1, 11]\n"
        plan = build_plan(locked(tmp_path, text), profile)
        report = plan.stages[-1].stage.inputs
        cards = {role: plan.by_key[key].label for role, key in report.items() if role.startswith("mix:")}
        assert {role.removeprefix("mix:") for role in cards} == {label.removeprefix("mix ") for label in cards.values()}
        assert set(cards) >= {
            f"mix:tiny/house/{mix}{draw}" for mix in ("ENDEFRITES-sampled", "EN@16") for draw in ("", "/d4")
        }
        assert len(cards) == kinds(plan)["mix"] == 13


class TestReport:
    def params(self, folder: Path, profile: Profile, text: str) -> Mapping[str, Any]:
        return build_plan(locked(folder, text), profile).stages[-1].stage.params

    def test_answers_are_called_right_only_where_the_rules_can_check_them(
        self, tmp_path: Path, profile: Profile
    ) -> None:
        params = self.params(tmp_path, profile, STUDY)
        assert params["metric"] == "exact"
        assert "verifiably right" in params["notes"][0]
        question = b'{"question_id": 81, "category": "writing", "turns": ["a", "b"]}\n'
        prompts = built_in_prompts("EN").read_bytes()
        for name, content in (("q.jsonl", question), ("p.jsonl", prompts)):
            (tmp_path / name).write_bytes(content)
        benchmark = (
            f"{{format: mt-bench, questions: {{EN: {{path: q.jsonl, sha256: {sha256_bytes(question)}}}}}, "
            f"prompts: {{EN: {{path: p.jsonl, sha256: {sha256_bytes(prompts)}}}}}}}"
        )
        text = STUDY.replace("{built-in: verifiable}", benchmark).replace(
            "{endpoint: built-in}", "{endpoint: built-in, reference-categories: []}"
        )
        params = self.params(tmp_path, profile, text)
        assert params["metric"] == "score"
        assert "rated by their form" in params["notes"][0]
        assert "right" not in params["notes"][0]

    def test_a_model_that_judges_gives_scores(self, tmp_path: Path, profile: Profile) -> None:
        params = self.params(tmp_path, profile, STUDY.replace("endpoint: built-in", "endpoint: openai, model: m"))
        assert (params["metric"], len(params["notes"])) == ("score", 1)


class TestMixes:
    def test_what_a_mix_reads(self, tmp_path: Path, profile: Profile) -> None:
        plan = build_plan(
            locked(tmp_path, STUDY.replace("built-in: instructions", "built-in: instructions, decontaminate: near")),
            profile,
        )
        made = next(planned.stage for planned in plan if planned.mix == "DEFRITES" and planned.stage.kind == "mix")
        assert set(made.inputs) == {"hits", "tokens:DE", "tokens:FR", "tokens:IT", "tokens:ES"}
        assert made.params["decontaminate"] == "near"
        assert plan.by_key[made.inputs["hits"]].label == "contamination house"

    def test_a_published_mix_is_read_once_whatever_its_sizes(self, tmp_path: Path, profile: Profile) -> None:
        text = STUDY.replace(
            "{built-in: instructions}",
            "{hub: a/b, revision: " + "1a" * 20 + ", format: lima-x, languages: [EN, DE, FR, IT, ES], "
            "data-files: 'train_{LANGUAGE}.jsonl', validation-data-files: 'val_{LANGUAGE}.jsonl', "
            "published: {ENDEFRITES-sampled: {data-files: train_all_sampled.jsonl}}}",
        )
        plan = build_plan(locked(tmp_path, text + "sizes: [100, full]\n"), profile)
        read = [planned for planned in plan if planned.stage.params.get("what") == "published"]
        assert [planned.label for planned in read] == ["ingest house/ENDEFRITES-sampled"]
        using = [planned for planned in plan if planned.stage.inputs.get("published") == read[0].key]
        assert [planned.mix for planned in using] == ["ENDEFRITES-sampled@100", "ENDEFRITES-sampled"]
        rows = plan.find("ingest house").stage.params
        assert rows["validation_data_files"] == "val_{LANGUAGE}.jsonl"

    def test_a_temperature_is_a_sampled_mix(self, tmp_path: Path, profile: Profile) -> None:
        plan = build_plan(locked(tmp_path, STUDY.replace("ENDEFRITES-sampled", "enDEFRITES-t2.50")), profile)
        made = next(planned.stage for planned in plan if planned.mix == "ENDEFRITES-t2.5")
        assert (made.params["sampled"], made.params["temperature"]) == (True, 2.5)


class TestKeys:
    def changed(self, folder: Path, profile: Profile, old: str, new: str) -> set[str]:
        before = keys(build_plan(locked(folder), profile))
        after = keys(build_plan(locked(folder, STUDY.replace(old, new)), profile))
        return {label.split()[0] for label in before if before[label] != after.get(label)}

    def test_a_changed_training_length_trains_again_and_ingests_nothing(self, tmp_path: Path, profile: Profile) -> None:
        changed = self.changed(tmp_path, profile, "steps: 10", "steps: 11")
        assert changed == {"train", "answer", "judge", "aggregate", "reliability", "report"}

    def test_a_changed_judge_limit_judges_again_and_trains_nothing(self, tmp_path: Path, profile: Profile) -> None:
        changed = self.changed(tmp_path, profile, "endpoint: built-in", "endpoint: built-in, max-tokens: 99")
        assert changed == {"judge", "aggregate", "reliability", "report"}

    def test_changed_judge_prompts_judge_again_and_renew_their_card_alone(
        self, tmp_path: Path, profile: Profile
    ) -> None:
        prompts = built_in_prompts("DE").read_bytes()
        found = []
        for content in (prompts, prompts.replace(b"Hilfreich", b"Nutzen") + b"\n"):
            (tmp_path / "de.jsonl").write_bytes(content)
            own = f"endpoint: built-in, prompts: {{DE: {{path: de.jsonl, sha256: {sha256_bytes(content)}}}}}"
            found.append(keys(build_plan(locked(tmp_path, STUDY.replace("endpoint: built-in", own)), profile)))
        changed = {label for label, key in found[0].items() if found[1][label] != key}
        assert {label.split()[0] for label in changed} == {
            "ingest",
            "check",
            "judge",
            "aggregate",
            "reliability",
            "report",
        }
        assert {label for label in changed if label.startswith("ingest")} == {"ingest prompts"}

    def test_how_many_calls_may_fail_changes_no_key_and_reaches_the_job(self, tmp_path: Path, profile: Profile) -> None:
        new = "endpoint: built-in, max-failed-share: 0.5"
        assert self.changed(tmp_path, profile, "endpoint: built-in", new) == set()
        plan = build_plan(locked(tmp_path, STUDY.replace("endpoint: built-in", new)), profile)
        shares = {planned.settings["max_failed_share"] for planned in plan if planned.stage.kind == "judge"}
        assert shares == {0.5}

    def test_a_price_changes_no_key(self, tmp_path: Path, profile: Profile) -> None:
        new = "endpoint: built-in, price-usd-per-mtok-prompt: 3"
        assert self.changed(tmp_path, profile, "endpoint: built-in", new) == set()

    def test_resources_and_settings_change_no_key(self, tmp_path: Path, profile: Profile) -> None:
        other = replace(profile, resources={"train": Resources(cpus=64)}, settings={"train": {"threads": 9}})
        assert keys(build_plan(locked(tmp_path), profile)) == keys(build_plan(locked(tmp_path), other))

    def test_the_files_around_a_study_change_no_key(self, tmp_path: Path, profile: Profile) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        first, second = (keys(build_plan(locked(tmp_path / name), profile)) for name in "ab")
        assert first == second


class TestAStudyOfTranslationsAlone:
    TEXT = """
study: translations
datasets:
  house: {built-in: instructions}
  made: {translate: {of: house, from: EN, to: [ES], engine: identity}}
quality:
  - {name: made, data: made, from: EN, to: ES, reference: house, reference-is: human, back: {engine: identity}}
  - {name: people, data: house, from: EN, to: ES}
"""

    def test_its_plan_ends_in_a_report_and_trains_nothing(self, tmp_path: Path, profile: Profile) -> None:
        plan = build_plan(locked(tmp_path, self.TEXT), profile)
        kinds = Counter(planned.stage.kind for planned in plan)
        assert kinds == {"ingest": 2, "translate": 2, "quality": 2, "report": 1}
        made = plan.find("quality made").stage.inputs
        assert set(made) == {"source", "translated", "reference", "back"}
        assert made["source"] == made["reference"] == plan.find("ingest house").key
        people = plan.find("quality people").stage.inputs
        assert people == {"source": made["source"], "translated": made["source"]}

    def test_quality_beside_models_adds_to_the_report_and_changes_no_training(
        self, tmp_path: Path, profile: Profile
    ) -> None:
        more = "quality: [{name: people, data: house, from: EN, to: ES}]\n"
        before, after = (keys(build_plan(locked(tmp_path, text), profile)) for text in (STUDY, STUDY + more))
        assert {label for label, key in after.items() if before.get(label) != key} == {"quality people", "report"}

    def test_only_a_stage_that_asks_has_the_endpoints_key(self, tmp_path: Path, profile: Profile) -> None:
        asked = self.TEXT.replace("data: house, from", "data: house, adequacy: {model: m}, from")
        plan = build_plan(locked(tmp_path, asked), profile)
        assert traits_of(plan.find("quality people").stage).asks == "openai"
        assert traits_of(plan.find("quality made").stage).asks == ""
