"""Native references in the plan: written once, read by the judge, compared with the published ones by twin cells."""

from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.reference import ReferenceParams
from polyglot.plan.build import build_plan
from polyglot.plan.plan import Plan
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.profile import load_profile

STUDY = """
study: small
models: {tiny: {built-in: {}}}
datasets: {house: {built-in: instructions}}
mixes: [EN, DE, ENDE]
seeds: [0, 1]
training: {steps: 10}
benchmark: {built-in: verifiable, native-references: {endpoint: built-in}}
judge: {endpoint: built-in, references: WHICH}
"""


def plan_of(folder: Path, which: str, text: str = STUDY) -> Plan:
    path = folder / f"{which}.yaml"
    path.write_text(text.replace("WHICH", which), encoding="utf-8")
    return build_plan(lock_study(load_study(path)), load_profile("local"))


def arm(name: str) -> ArmKey:
    return ArmKey("tiny", "house", name)


def labels(plan: Plan, kind: str) -> list[str]:
    return [planned.label for planned in plan if planned.stage.kind == kind]


def keys(plan: Plan) -> dict[str, str]:
    return {planned.label: planned.key for planned in plan}


class TestBoth:
    def test_every_tuned_cell_has_a_twin_with_the_same_answers(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, "both")
        stages = {planned.label: planned.stage for planned in plan}
        found = keys(plan)
        assert len(labels(plan, "judge")) == 1 + 2 * 6
        assert len(labels(plan, "answer")) == 1 + 6
        one, twin = stages["judge tiny/house/ENDE/s1"], stages["judge tiny/house/ENDE/s1+native"]
        assert one.inputs["answers"] == twin.inputs["answers"]
        assert one.inputs["references"] == found["ingest benchmark/references"]
        assert twin.inputs["references"] == found["reference benchmark"]
        assert one.params == twin.params

    def test_the_contrasts_of_references(self, tmp_path: Path) -> None:
        aggregate = next(planned.stage for planned in plan_of(tmp_path, "both") if planned.stage.kind == "aggregate")
        params: AggregateParams = AggregateParams.of(aggregate)
        rows = [row for row in params.contrasts if row.family == "references"]
        assert [(row.treatment, row.control, row.on) for row in rows[:3]] == [
            ((arm(f"{mix}+native"),), (arm(mix),), ("EN", "DE", "FR", "IT", "ES")) for mix in ("EN", "DE", "ENDE")
        ]
        assert [row.on for row in rows[3:]] == [(language,) for language in ("EN", "DE", "FR", "IT", "ES")]
        assert rows[3].treatment == (arm("EN+native"), arm("DE+native"), arm("ENDE+native"))
        assert {cell.cell for cell in params.cells if cell.references} == {
            f"tiny/house/{mix}/s{seed}+native" for mix in ("EN", "DE", "ENDE") for seed in (0, 1)
        }

    def test_the_report_has_both_cards_and_every_training_once(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, "both")
        inputs = plan.stages[-1].stage.inputs
        assert inputs["native_references"] == keys(plan)["reference benchmark"]
        assert inputs["references"] == keys(plan)["ingest benchmark/references"]
        assert not [role for role in inputs if role.endswith("+native") and not role.startswith("verdicts:")]


class TestOne:
    def test_native_ones_alone_judge_the_cells_themselves(self, tmp_path: Path) -> None:
        plan = plan_of(tmp_path, "native")
        written = keys(plan)["reference benchmark"]
        judged = [planned.stage for planned in plan if planned.stage.kind == "judge"]
        assert len(judged) == 7
        assert {stage.inputs["references"] for stage in judged} == {written}

    def test_without_any_nothing_changes(self, tmp_path: Path) -> None:
        text = STUDY.replace(", native-references: {endpoint: built-in}", "").replace(", references: WHICH", "")
        assert not labels(plan_of(tmp_path, "none", text), "reference")

    def test_a_benchmark_without_published_ones_needs_no_choice(self, tmp_path: Path) -> None:
        files = "".join(f"{name}: {{EN: {{path: {name}.jsonl, sha256: SHA}}}}, " for name in ("questions", "prompts"))
        (tmp_path / "questions.jsonl").write_text('{"question_id": 1, "category": "math", "turns": ["a", "b"]}\n')
        prompts = Path(__file__).parents[3] / "jobs" / "builtin" / "prompts" / "EN.jsonl"
        (tmp_path / "prompts.jsonl").write_bytes(prompts.read_bytes())
        from polyglot.core.canonical import sha256_file

        for name in ("questions", "prompts"):
            files = files.replace("SHA", sha256_file(tmp_path / f"{name}.jsonl"), 1)
        text = STUDY.replace("built-in: verifiable, native-references: {endpoint: built-in}", "BENCH").replace(
            "BENCH", f"format: mt-bench, {files}native-references: {{endpoint: openai, model: writer, seed: 3}}"
        )
        plan = plan_of(tmp_path, "files", text.replace(", references: WHICH", ""))
        written = next(planned.stage for planned in plan if planned.stage.kind == "reference")
        params: ReferenceParams = ReferenceParams.of(written)
        assert (params.model, params.seed, params.languages) == ("writer", 3, ("EN",))
        assert params.categories == ("math", "reasoning", "coding")
        assert len(labels(plan, "judge")) == 7


def test_prices_change_no_key_and_the_model_changes_only_what_reads_it(tmp_path: Path) -> None:
    base = STUDY.replace("endpoint: built-in}}", "endpoint: openai, model: one}}")
    one = plan_of(tmp_path, "both", base)
    priced = plan_of(tmp_path, "both", base.replace("model: one", "model: one, price-usd-per-mtok-prompt: 3"))
    assert keys(one) == keys(priced)
    reference = next(planned for planned in priced if planned.stage.kind == "reference")
    assert reference.settings["price_usd_per_mtok_prompt"] == 3
    other = keys(plan_of(tmp_path, "both", base.replace("model: one", "model: two")))
    changed = {label for label, key in keys(one).items() if other[label] != key}
    assert {label.split()[0] for label in changed} == {
        "probe",
        "reference",
        "judge",
        "aggregate",
        "reliability",
        "report",
    }
    assert all(label.endswith("+native") for label in changed if label.startswith("judge"))


def test_the_choice_must_be_made(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="two kinds of references, and the judge is told of none"):
        plan_of(tmp_path, "x", STUDY.replace(", references: WHICH", ""))
