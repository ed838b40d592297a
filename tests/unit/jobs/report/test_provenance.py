"""Every number of a report can be followed back to what it was made of."""

from pathlib import Path

from msgspec.structs import replace

from jobs.aggregate import job as aggregate
from jobs.report.caveats import caveats
from jobs.report.load_artifacts import load_report
from jobs.report.page import render_page
from polyglot.kinds.report import Step
from tests.kit.fake_scores import (
    FakeStudy,
    cells_of,
    fake_context,
    report_params,
    usual_ability,
)
from tests.kit.folder_input import FolderInput
from tests.kit.reports import Made, Page, make


class TestDraws:
    def test_every_draw_of_an_arm_has_its_own_card_and_provenance(self, tmp_path: Path) -> None:
        first, second = cells_of(("ENDE-sampled",), (0,))[0], cells_of(("ENDE-sampled",), (0,))[0]
        second = replace(second, cell=f"{second.cell}/d1", draw=1)
        made = FakeStudy(cells=(first, second), ability=usual_ability, resamples=100, per_category=4).write(
            tmp_path / "in"
        )
        aggregate.run(fake_context(made.aggregate_params(), made.inputs, tmp_path / "aggregate"))
        inputs = {**made.inputs, "aggregate": FolderInput(tmp_path / "aggregate" / "out", "a" * 64)}
        document = load_report(report_params(), inputs)
        assert [(entry.name, entry.draw) for entry in document.mixes] == [
            ("tiny/built-in/ENDE-sampled", 0),
            ("tiny/built-in/ENDE-sampled/d1", 1),
        ]
        keys = [step.key for row in document.provenance for step in row.steps if step.kind == "mix"]
        assert keys == [entry.key for entry in document.mixes]
        page = render_page(document)
        assert "ENDE-sampled, draw 0" in page
        assert "ENDE-sampled, draw 1" in page


class TestProvenance:
    def test_every_cell_can_be_followed_back_by_full_keys(self, usual: Made) -> None:
        document, inputs = usual.document, usual.inputs
        assert len(document.provenance) == len(document.roster)
        row = next(row for row in document.provenance if row.cell == "tiny/built-in/DEFRITES/s1")
        found = {step.kind: step.key for step in row.steps}
        assert found["judge"] == inputs["verdicts:tiny/built-in/DEFRITES/s1"].key
        assert found["train"] == inputs["train:tiny/built-in/DEFRITES/s1"].key
        assert found["mix"] == inputs["mix:tiny/built-in/DEFRITES"].key
        assert found["judge"][:12] in usual.page

    def test_answers_are_found_through_the_manifest_of_the_aggregate(self, tmp_path: Path) -> None:
        made = make(tmp_path, ("EN",), (0,)).inputs
        inputs = {role: source for role, source in made.items() if not role.startswith("answers:")}
        inputs["aggregate"].made_from = {"answers:tiny/built-in/EN/s0": "b" * 64}
        document = load_report(report_params(), inputs)
        steps = next(row.steps for row in document.provenance if row.cell == "tiny/built-in/EN/s0")
        assert Step(kind="answer", role="answers:tiny/built-in/EN/s0", key="b" * 64) in steps

    def test_a_cell_can_be_followed_down_to_tokens_and_rows(self, tmp_path: Path) -> None:
        inputs = make(tmp_path, ("EN",), (0,)).inputs
        inputs["train:tiny/built-in/EN/s0"].made_from = {"mix": "c" * 64, "tokens:EN": "d" * 64}
        document = load_report(report_params(), inputs)
        steps = next(row.steps for row in document.provenance if row.cell == "tiny/built-in/EN/s0")
        assert Step(kind="tokenize", role="tokens:EN", key="d" * 64) in steps
        assert [(step.role, step.key) for step in steps if step.kind == "ingest"] == [
            (role, inputs[role].key) for role in ("data:built-in", "questions", "references")
        ]
        page = " ".join(Page(render_page(document)).text)
        assert f"tokenize EN  {'d' * 12}" in page
        assert "ingest built-in" in page

    def test_a_comparison_across_environments_is_flagged(self, tmp_path: Path) -> None:
        inputs = make(tmp_path, ("EN", "DE"), (0,)).inputs
        for name, torch in (("EN", "2.9"), ("DE", "2.15")):
            inputs[f"train:tiny/built-in/{name}/s0"].execution = {"device": "cpu", "torch": torch}
        document = load_report(report_params(), inputs)
        assert len(document.executions) == 2
        assert any("train stages ran in 2 environments" in text for text in caveats(document))
        assert "torch 2.15" in render_page(document)

    def test_models_computed_in_two_precisions_are_flagged(self, tmp_path: Path) -> None:
        inputs = make(tmp_path, ("EN", "DE"), (0,)).inputs
        for name, dtype in (("EN", "bfloat16"), ("DE", "float32")):
            source = inputs[f"train:tiny/built-in/{name}/s0"]
            source.execution = {"device": "cpu", "torch": "2.9"}
            source.metrics = {"execution": {"device": "cpu", "dtype": dtype}}
        found = {group.environment for group in load_report(report_params(), inputs).executions}
        assert found == {f"device cpu, torch 2.9, dtype {dtype}" for dtype in ("bfloat16", "float32")}

    def test_one_environment_is_not_part_of_the_report(self, tmp_path: Path) -> None:
        inputs = make(tmp_path, ("EN", "DE"), (0,)).inputs
        for name in ("EN", "DE"):
            inputs[f"train:tiny/built-in/{name}/s0"].execution = {"device": "cpu", "torch": "2.9"}
        assert load_report(report_params(), inputs).executions == ()
