"""Baselines in a plan: their stages and keys, what changes them, what they cost, contrasts with what is not tuned."""

import json
from pathlib import Path

import pytest

from polyglot.cli.submit import submission_of
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import BadInput
from polyglot.engine.budget import within_budget
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.cells import ArmKey, Contrast
from polyglot.kinds.imported import ImportedParams
from polyglot.kinds.registry import traits_of
from polyglot.kinds.reliability import ReliabilityParams
from polyglot.kinds.report import ReportParams
from polyglot.plan.build import build_plan
from polyglot.plan.plan import Plan
from polyglot.store.locate import open_store
from polyglot.study.profile import load_profile
from tests.kit import estimates
from tests.kit.bad_inputs.studies import study_text
from tests.kit.desk import Desk
from tests.kit.small_studies import locked

ALL = (
    "{gpt: {endpoint: openai, model: gpt-4, price-usd-per-mtok-prompt: 10, price-usd-per-mtok-completion: 30}, "
    "author: {endpoint: built-in}, chat: {built-in: {steps: 3}}}"
)


def plan_of(folder: Path, mix: str | None = None, **changes: str | None) -> Plan:
    return build_plan(locked(folder, **changes), load_profile("local"), mix=mix)


def keys(plan: Plan) -> dict[str, str]:
    return {planned.label: planned.key for planned in plan}


def contrasts(plan: Plan) -> list[Contrast]:
    (aggregate,) = [planned.stage for planned in plan if planned.stage.kind == "aggregate"]
    return list(AggregateParams.of(aggregate).contrasts)


def mix(name: str, dataset: str = "house") -> ArmKey:
    return ArmKey("tiny", dataset, name)


class TestStages:
    def test_each_is_answered_for_and_judged_as_the_mixes_are(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, baselines=ALL)
        by_label = {planned.label: planned for planned in plan}
        own = [label for label in by_label if ":" in label]
        assert sorted(own) == [
            "answer baseline:chat", "ask baseline:author", "ask baseline:gpt",
            "judge baseline:author", "judge baseline:chat", "judge baseline:gpt",
        ]  # fmt: skip
        untuned, asked = by_label["judge tiny/untuned"].stage, by_label["judge baseline:gpt"].stage
        assert asked.params == untuned.params
        assert asked.inputs == untuned.inputs | {"answers": by_label["ask baseline:gpt"].key}
        (last,) = [planned for planned in plan if planned.stage.kind == "aggregate"]
        assert {role for role in last.stage.inputs if "baseline" in role} == {
            f"{part}:baseline:{name}" for part in ("answers", "verdicts") for name in ("gpt", "author", "chat")
        }

    def test_an_endpoint_is_asked_with_the_studys_decoding(self, tmp_path: Path) -> None:
        answers = "{max-new-tokens: 77, temperatures: {kind: 0.4}, default-temperature: 0.1, top-p: 0.8, samples: 2}"
        plan = plan_of(tmp_path, baselines=ALL, answers=answers, systems="{EN: 'Say it.'}")
        params = plan.find("ask baseline:gpt").stage.params
        assert {name: params[name] for name in params if name not in ("languages", "systems")} == {
            "endpoint": "openai", "model": "gpt-4", "seed": None, "night": "", "max_tokens": 77, "top_p": 0.8,
            "temperatures": {"kind": 0.4}, "default_temperature": 0.1, "samples": 2,
        }  # fmt: skip
        assert params["systems"] == plan.find("answer tiny/untuned").stage.params["systems"]
        assert plan.find("ask baseline:author").stage.params["model"] == "polyglot-solver"

    def test_its_own_temperature_and_length_come_before_the_studys(self, tmp_path: Path) -> None:
        own = "{o: {endpoint: openai, model: o1, temperature: 1, max-tokens: 9000, seed: 5}}"
        params = plan_of(tmp_path, baselines=own).find("ask baseline:o").stage.params
        said = [params[name] for name in ("temperatures", "default_temperature", "max_tokens", "seed")]
        assert said == [{}, 1.0, 9000, 5]

    def test_a_model_in_the_store_answers_by_its_own_template(self, tmp_path: Path) -> None:
        plan = plan_of(
            tmp_path,
            baselines="{a: {built-in: {steps: 3}}, b: {built-in: {steps: 4}, template: system-user-assistant}}",
        )
        own, paper = (plan.find(f"answer baseline:{name}").stage for name in ("a", "b"))
        assert (own.params["template"], own.params["stops"]) == ("tokenizer", [])
        assert paper.params["template"] == plan.find("answer tiny/untuned").stage.params["template"]
        assert own.inputs["model"] == plan.find("base a").key

    def test_one_mix_of_the_study_has_them_beside_it(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, mix="EN", baselines=ALL)
        assert plan.find("judge baseline:gpt")
        assert not plan.has("train tiny/house/DEFR/s0")


class TestKeys:
    def test_they_change_no_key_but_those_of_the_tables(self, tmp_path: Path) -> None:
        without, beside = keys(plan_of(tmp_path)), keys(plan_of(tmp_path, baselines=ALL))
        assert {label for label in without if without[label] != beside[label]} == {
            "check",
            "aggregate",
            "reliability",
            "report",
        }

    def test_prices_and_failures_change_no_key(self, tmp_path: Path) -> None:
        cheap = ALL.replace("prompt: 10", "prompt: 1, max-failed-share: 0.5")
        assert keys(plan_of(tmp_path, baselines=ALL)) == keys(plan_of(tmp_path, baselines=cheap))
        settings = plan_of(tmp_path, baselines=cheap).find("ask baseline:gpt").settings
        assert (settings["price_usd_per_mtok_prompt"], settings["max_failed_share"]) == (1, 0.5)

    def test_a_night_asks_an_endpoint_anew(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        desk = Desk.at(tmp_path, monkeypatch)
        submission = submission_of(desk.session(desk.study("one", baselines=ALL)))
        before = {planned.label: planned.key for planned in submission.stages}
        night = {planned.label.removesuffix(" @n"): planned for planned in submission.again("n").stages}
        assert night["ask baseline:gpt"].stage.params["night"] == "n"
        assert night["judge baseline:gpt"].stage.inputs["answers"] == night["ask baseline:gpt"].key
        assert night["base chat"].key == before["base chat"]


class TestMoney:
    def test_an_endpoint_has_its_share_of_the_budget_and_needs_the_secret(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, baselines=ALL, budget="{usd: 6}")
        asking = [planned.label for planned in plan if traits_of(planned.stage).asks]
        assert asking == ["probe ask", "ask baseline:gpt"]
        stages = within_budget(plan.stages, open_store(f"file://{tmp_path}/store"), 6.0)
        shares = {row.label: row.settings["max_usd"] for row in stages if "max_usd" in row.settings}
        assert list(shares) == asking
        assert shares["probe ask"] == plan.find("probe ask").settings["max_usd"]
        assert sum(shares.values()) == pytest.approx(6.0)

    def test_submit_wants_its_key_before_anything_starts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        desk = Desk.at(tmp_path, monkeypatch)
        said = desk.run("submit", desk.study("one", baselines=ALL), "--store", desk.url)
        assert said.code == 2
        assert said.err.startswith("ask baseline:gpt: no key for api.openai.com. Set OPENAI_API_KEY_FILE")
        assert not list(desk.store.list("stages/"))


class TestContrasts:
    def test_auto_compares_every_mix_with_every_baseline(self, tmp_path: Path) -> None:
        rows = [row for row in contrasts(plan_of(tmp_path, baselines=ALL)) if row.family == "baseline"]
        assert [(row.name, row.treatment, row.control) for row in rows] == [
            (f"{name} - baseline:{other}", (mix(name),), (ArmKey.baseline(other),))
            for other in ("gpt", "author", "chat")
            for name in ("EN", "DEFR")
        ]
        assert {row.on for row in rows} == {("EN", "DE", "FR", "IT", "ES")}

    def test_what_is_not_tuned_may_stand_on_either_side(self, tmp_path: Path) -> None:
        asked = (
            "[{name: a, treatment: EN, control: untuned}, {name: b, treatment: [EN, DEFR], control: baseline:gpt}, "
            "{name: c, treatment: 'baseline:gpt', control: [untuned, DEFR], on: in-mix}]"
        )
        rows = contrasts(plan_of(tmp_path, baselines=ALL, contrasts=asked))
        gpt = ArmKey("gpt", None, "baseline:gpt")
        assert [(row.treatment, row.control, row.on) for row in rows] == [
            ((mix("EN"),), (ArmKey("tiny", None, "untuned"),), ("EN", "DE", "FR", "IT", "ES")),
            ((mix("EN"), mix("DEFR")), (gpt,), ("EN", "DE", "FR", "IT", "ES")),
            ((gpt,), (ArmKey("tiny", None, "untuned"), mix("DEFR")), ("DE", "FR")),
        ]

    def test_one_without_a_mix_is_there_once_for_each_model(self, tmp_path: Path) -> None:
        asked = (
            "[{name: a, treatment: 'baseline:gpt', control: untuned}, "
            "{name: b, treatment: 'baseline:gpt', control: 'baseline:chat'}, "
            "{name: c, treatment: EN, control: untuned}]"
        )
        found = contrasts(
            plan_of(
                tmp_path,
                baselines=ALL,
                contrasts=asked,
                models="{tiny: {built-in: {}}, other: {built-in: {steps: 5}}}",
                datasets="{house: {built-in: instructions}, held: {built-in: instructions, validation: 3}}",
            )
        )
        count = {name: sum(row.name == name for row in found) for name in "abc"}
        assert count == {"a": 2, "b": 1, "c": 4}

    def test_those_with_mixes_are_left_out_where_one_mix_is_asked_for(self, tmp_path: Path) -> None:
        asked = "[{name: a, treatment: EN, control: untuned}, {name: b, treatment: DEFR, control: untuned}]"
        plan = plan_of(tmp_path, mix="EN", contrasts=asked)
        assert [row.name for row in contrasts(plan)] == ["a"]


class TestPins:
    def test_a_baselines_folder_is_hashed_and_its_revision_must_be_set(self, tmp_path: Path) -> None:
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "config.json").write_text("{}")
        (tmp_path / "m" / "model.safetensors").write_bytes(b"x")
        found = locked(tmp_path, baselines="{b: {directory: m}}")
        assert [file.name for file in found.files["baselines", "b", "files"]] == ["config.json", "model.safetensors"]
        with pytest.raises(BadInput, match=r"baselines\.b\.revision: the commit is still to be filled in"):
            locked(tmp_path, baselines="{b: {published: llama-3.1-8b, revision: '" + "0" * 40 + "'}}")


class TestCost:
    def test_an_endpoint_costs_its_tokens_and_its_answers_are_judged(self, tmp_path: Path) -> None:
        answers = "{max-new-tokens: 100, samples: 2}"
        study = study_text(baselines=ALL, answers=answers, judge="{endpoint: openai, model: j}")
        rows = {row.planned.label: row.forecast for row in estimates.seven(tmp_path, study=study).estimated}
        asked, judged = rows["ask baseline:gpt"], rows["judge baseline:gpt"]
        assert asked.calls == judged.calls == 2 * 2 * 80 * 5
        assert asked.completion_tokens == 2 * 2 * 80 * 5 * 100
        assert asked.usd == pytest.approx(((asked.prompt_tokens or 0) * 10 + (asked.completion_tokens or 0) * 30) / 1e6)
        assert rows["ask baseline:author"].usd == 0


class TestReadFromFiles:
    """Answers of others, and verdicts on them."""

    @pytest.fixture
    def read(self, tmp_path: Path) -> str:
        row = '{"question_id": 81, "model_id": "m", "choices": [{"index": 0, "turns": ["a", "b"]}]}\n'
        rated = '{"question_id": 81, "model": "m", "judge": ["gpt-4", "single-v1"], "score": 7, "turn": 1}\n'
        parts = []
        for name, text in (("answers", row), ("verdicts", rated)):
            (tmp_path / f"{name}.jsonl").write_text(text)
            pinned = f"{{path: {name}.jsonl, sha256: {sha256_bytes(text.encode())}}}"
            parts.append(f"{name}: {{{', '.join(f'{one}: {pinned}' for one in ('EN', 'DE', 'FR', 'IT', 'ES'))}}}")
        return f"{{here: {{{parts[0]}}}, theirs: {{model: m, {', '.join(parts)}}}}}"

    def test_the_first_is_judged_here_and_the_second_is_not(self, tmp_path: Path, read: str) -> None:
        by_label = {planned.label: planned for planned in plan_of(tmp_path, baselines=read)}
        assert sorted(label for label in by_label if "baseline:" in label) == [
            "judge baseline:here", "read-answers baseline:here", "read-answers baseline:theirs",
            "read-verdicts baseline:theirs",
        ]  # fmt: skip
        untuned, judged = by_label["judge tiny/untuned"].stage, by_label["judge baseline:here"].stage
        assert judged.params == untuned.params
        assert judged.inputs["answers"] == by_label["read-answers baseline:here"].key
        params = ImportedParams.of(by_label["read-verdicts baseline:theirs"].stage)
        assert (params.what, params.model, set(params.files)) == ("verdicts", "m", {"EN", "DE", "FR", "IT", "ES"})
        assert {file.name for file in params.files.values()} == {"verdicts.jsonl"}

    def test_the_card_of_the_judges_has_no_verdicts_of_others(self, tmp_path: Path, read: str) -> None:
        stages = {planned.stage.kind: planned.stage for planned in plan_of(tmp_path, baselines=read)}
        assert "verdicts:baseline:theirs" in stages["aggregate"].inputs
        assert "verdicts:baseline:theirs" not in stages["reliability"].inputs
        assert "verdicts:baseline:here" in stages["reliability"].inputs

    def test_they_change_no_key_of_the_study(self, tmp_path: Path, read: str) -> None:
        alone, beside = keys(plan_of(tmp_path)), keys(plan_of(tmp_path, baselines=read))
        changed = {label for label, key in alone.items() if beside[label] != key}
        assert changed == {"aggregate", "reliability", "report"}

    def test_what_was_read_says_so_in_the_facts(self, tmp_path: Path, read: str) -> None:
        stages = {planned.stage.kind: planned.stage for planned in plan_of(tmp_path, baselines=read)}
        facts = ReportParams.of(stages["report"]).facts
        assert facts["baseline here"].endswith("answers.jsonl (ES); judged here")
        assert "not judged here: verdicts.jsonl (EN)" in facts["baseline theirs"]


class TestPairsOfOthers:
    """Verdicts of others on pairs of answers that were read."""

    LANGUAGES = ("EN", "DE", "FR", "IT", "ES")

    @pytest.fixture
    def named(self, tmp_path: Path) -> dict[str, str]:
        def each(name: str, text: str) -> str:
            (tmp_path / name).write_text(text)
            pinned = f"{{path: {name}, sha256: {sha256_bytes(text.encode())}}}"
            return f"{{{', '.join(f'{language}: {pinned}' for language in self.LANGUAGES)}}}"

        baselines, rows = [], []
        for model in "abc":
            row = {"question_id": 81, "model_id": model, "choices": [{"index": 0, "turns": [model, "x"]}]}
            baselines.append(f"{model}: {{model: {model}, answers: {each(f'{model}.jsonl', json.dumps(row))}}}")
        rated = {"question_id": 81, "model": "a", "judge": ["gpt-4", "single-v1"], "score": 7, "turn": 1}
        again = baselines[0].replace("a: {", f"d: {{verdicts: {each('rated.jsonl', json.dumps(rated))}, ", 1)
        for pair in ("ab", "ac", "bc"):
            named = {"question_id": 81, "turn": 1, "model_1": pair[0], "model_2": pair[1], "judge": "gpt-4"}
            rows.append(json.dumps(named | {"g1_winner": "tie", "g2_winner": "tie"}) + "\n")
        pairs = each("gpt-4_pair.jsonl", "".join(rows))
        return {
            "baselines": f"{{{', '.join(baselines)}}}",
            "again": f"{{{', '.join([*baselines, again])}}}",
            "imported_pairs": f"{{gpt: {{files: {pairs}}}}}",
            "some": f"{{gpt: {{files: {pairs}, between: [c, a]}}}}",
        }

    def test_every_two_whose_answers_are_read_are_a_stage(self, tmp_path: Path, named: dict[str, str]) -> None:
        plan = plan_of(tmp_path, baselines=named["baselines"], imported_pairs=named["imported_pairs"])
        found = [planned.label for planned in plan if planned.label.startswith("read-pairs")]
        assert sorted(found) == [
            f"read-pairs baseline:{one} | baseline:{other} by gpt" for one, other in ("ab", "ac", "bc")
        ]
        card = next(planned.stage for planned in plan if planned.stage.kind == "reliability")
        for pair in ReliabilityParams.of(card).imported_pairs:
            stage = plan.find(f"read-pairs {pair.name}")
            assert card.inputs[f"imported:{pair.name}"] == stage.key
            read = [plan.find(f"read-answers {cell}").key for cell in (pair.first, pair.second)]
            assert [stage.stage.inputs[role] for role in ("first", "second")] == read == sorted(read)
            assert ImportedParams.of(stage.stage).what == "pairs"
        facts = ReportParams.of(next(one.stage for one in plan if one.stage.kind == "report")).facts
        assert facts["pairs by gpt"].endswith("gpt-4_pair.jsonl (ES); not judged here")

    def test_a_study_may_say_which(self, tmp_path: Path, named: dict[str, str]) -> None:
        plan = plan_of(tmp_path, baselines=named["baselines"], imported_pairs=named["some"])
        found = [planned.label for planned in plan if planned.label.startswith("read-pairs")]
        assert found == ["read-pairs baseline:c | baseline:a by gpt"]

    def test_they_change_no_key_but_those_of_the_last_tables(self, tmp_path: Path, named: dict[str, str]) -> None:
        alone = keys(plan_of(tmp_path, baselines=named["baselines"]))
        beside = keys(plan_of(tmp_path, baselines=named["baselines"], imported_pairs=named["imported_pairs"]))
        assert {label for label, key in alone.items() if beside[label] != key} == {"reliability", "report"}

    def test_equal_answers_under_two_names_are_compared_once(self, tmp_path: Path, named: dict[str, str]) -> None:
        plan = plan_of(tmp_path, baselines=named["again"], imported_pairs=named["imported_pairs"])
        found = [planned.label for planned in plan if planned.label.startswith("read-pairs")]
        assert len(found) == 3
        assert not any("baseline:d" in label for label in found)
