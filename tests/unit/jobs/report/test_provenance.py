"""Every number of a report can be followed back to what it was made of."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from jobs.aggregate import job as aggregate
from jobs.report import job as report
from jobs.report.answer import caveats
from jobs.report.page import render_page
from tests.kit.fake_scores import (
    FakeStudy,
    cells_of,
    fake_context,
    report_params,
    usual_ability,
)
from tests.kit.folder_input import FolderInput
from tests.kit.reports import Page, make


class TestDraws:
    def test_every_draw_of_an_arm_has_its_own_card_and_provenance(self, tmp_path: Path) -> None:
        first, second = cells_of(("ENDE-sampled",), (0,))[0], cells_of(("ENDE-sampled",), (0,))[0]
        second = replace(second, cell=f"{second.cell}/d1", draw=1)
        made = FakeStudy(cells=(first, second), ability=usual_ability, resamples=100, per_category=4).write(
            tmp_path / "in"
        )
        aggregate.run(fake_context(made.aggregate_params(), made.inputs, tmp_path / "aggregate"))
        inputs = {**made.inputs, "aggregate": FolderInput(tmp_path / "aggregate" / "out", "a" * 64)}
        document = report.gather(report_params(), inputs)
        assert [(card["name"], card["draw"]) for card in document["mixes"]] == [
            ("tiny/built-in/ENDE-sampled", 0),
            ("tiny/built-in/ENDE-sampled/d1", 1),
        ]
        keys = [step["key"] for row in document["provenance"] for step in row["steps"] if step["kind"] == "mix"]
        assert keys == [card["key"] for card in document["mixes"]]
        page = render_page(document)
        assert "ENDE-sampled, draw 0" in page
        assert "ENDE-sampled, draw 1" in page


class TestProvenance:
    def test_every_cell_can_be_followed_back_by_full_keys(self, usual: tuple[Any, str, Any]) -> None:
        document, page, inputs = usual
        assert len(document["provenance"]) == len(document["roster"])
        row = next(row for row in document["provenance"] if row["cell"] == "tiny/built-in/DEFRITES/s1")
        found = {step["kind"]: step["key"] for step in row["steps"]}
        assert found["judge"] == inputs["verdicts:tiny/built-in/DEFRITES/s1"].key
        assert found["train"] == inputs["train:tiny/built-in/DEFRITES/s1"].key
        assert found["mix"] == inputs["mix:tiny/built-in/DEFRITES"].key
        assert found["judge"][:12] in page

    def test_answers_are_found_through_the_manifest_of_the_aggregate(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN",), (0,))
        inputs["aggregate"].made_from = {"answers:tiny/built-in/EN/s0": "b" * 64}
        document = report.gather(report_params(), inputs)
        steps = next(row["steps"] for row in document["provenance"] if row["cell"] == "tiny/built-in/EN/s0")
        assert {"kind": "answer", "role": "answers:tiny/built-in/EN/s0", "key": "b" * 64} in steps

    def test_a_cell_can_be_followed_down_to_tokens_and_rows(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN",), (0,))
        inputs["train:tiny/built-in/EN/s0"].made_from = {"mix": "c" * 64, "tokens:EN": "d" * 64}
        document = report.gather(report_params(), inputs)
        steps = next(row["steps"] for row in document["provenance"] if row["cell"] == "tiny/built-in/EN/s0")
        assert {"kind": "tokenize", "role": "tokens:EN", "key": "d" * 64} in steps
        assert [(step["role"], step["key"]) for step in steps if step["kind"] == "ingest"] == [
            (role, inputs[role].key) for role in ("data:built-in", "questions", "references")
        ]
        page = " ".join(Page(render_page(document)).text)
        assert f"tokenize EN  {'d' * 12}" in page
        assert "ingest built-in" in page

    def test_a_comparison_across_environments_is_flagged(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN", "DE"), (0,))
        for name, torch in (("EN", "2.9"), ("DE", "2.15")):
            inputs[f"train:tiny/built-in/{name}/s0"].execution = {"device": "cpu", "torch": torch}
        document = report.gather(report_params(), inputs)
        assert len(document["executions"]) == 2
        assert any("train stages ran in 2 environments" in text for text in caveats(document))
        assert "torch 2.15" in render_page(document)

    def test_models_computed_in_two_precisions_are_flagged(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN", "DE"), (0,))
        for name, dtype in (("EN", "bfloat16"), ("DE", "float32")):
            source = inputs[f"train:tiny/built-in/{name}/s0"]
            source.execution = {"device": "cpu", "torch": "2.9"}
            source.metrics = {"execution": {"device": "cpu", "dtype": dtype}}
        found = {group["environment"] for group in report.gather(report_params(), inputs)["executions"]}
        assert found == {f"device cpu, torch 2.9, dtype {dtype}" for dtype in ("bfloat16", "float32")}

    def test_one_environment_is_not_part_of_the_report(self, tmp_path: Path) -> None:
        _, _, inputs = make(tmp_path, ("EN", "DE"), (0,))
        for name in ("EN", "DE"):
            inputs[f"train:tiny/built-in/{name}/s0"].execution = {"device": "cpu", "torch": "2.9"}
        assert report.gather(report_params(), inputs)["executions"] == []
